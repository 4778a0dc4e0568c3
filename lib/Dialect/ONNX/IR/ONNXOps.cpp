//===- ONNXOps.cpp - Verifiers, folders and builders of the onnx ops ------------------------------------------===//
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::onnx;

#define GET_OP_CLASSES
#include "tamis/Dialect/ONNX/IR/ONNXOps.cpp.inc"
