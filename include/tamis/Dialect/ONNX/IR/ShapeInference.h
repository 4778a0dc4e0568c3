//===- ShapeInference.h - Interface of ops that infer their result types ------------------------===//
#ifndef TAMIS_DIALECT_ONNX_IR_SHAPEINFERENCE_H
#define TAMIS_DIALECT_ONNX_IR_SHAPEINFERENCE_H

#include "mlir/IR/OpDefinition.h"

namespace tamis::onnx {
/// Fails with an error when `op`'s result types contradict what its inferResultTypes says: other element
/// types, other ranks, or sizes that are known on both sides and differ.
llvm::LogicalResult verifyResultTypes(mlir::Operation *op);
} // namespace tamis::onnx

#include "tamis/Dialect/ONNX/IR/ShapeInference.h.inc"

#endif
