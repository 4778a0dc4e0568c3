//===- ONNXDialect.cpp - Registration of the onnx dialect -----------------------------------------------===//
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

#include "Folding.h"
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
  addFolder(*this);
}

Operation *ONNXDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}
