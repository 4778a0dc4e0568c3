//===- Passes.h - Passes on the weight dialect
//------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_WEIGHT_TRANSFORMS_PASSES_H
#define TAMIS_DIALECT_WEIGHT_TRANSFORMS_PASSES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tamis::weight {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tamis/Dialect/Weight/Transforms/Passes.h.inc"

/// What the pass weight-fold does, on the ops inside `root`; returns how many were folded.
unsigned foldTransforms(mlir::Operation *root);

/// Does the compiler know its elements: a weight, or a constant?
bool isKnownWeight(mlir::Value value);
/// A constant as a weight of its own; what is a weight, or null, as it is.
mlir::Value asWeight(mlir::OpBuilder &builder, mlir::Value value);
} // namespace tamis::weight

#endif
