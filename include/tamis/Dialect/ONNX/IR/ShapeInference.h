//===- ShapeInference.h - Interface of ops that infer their result types ------------------------===//
#ifndef TAMIS_DIALECT_ONNX_IR_SHAPEINFERENCE_H
#define TAMIS_DIALECT_ONNX_IR_SHAPEINFERENCE_H

#include "mlir/IR/OpDefinition.h"

#include "tamis/Dialect/ONNX/IR/ShapeInference.h.inc"

#endif
