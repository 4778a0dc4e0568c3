//===- ONNXDialect.cpp - Registration of the onnx dialect -----------------------------------------------===//
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::onnx;

#include "tamis/Dialect/ONNX/IR/ONNXDialect.cpp.inc"

void ONNXDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/ONNX/IR/ONNXOps.cpp.inc"
      >();
}
