//===- Int4.h - Weights of 4 bits as they are in the model ---------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_WEIGHT_TRANSFORMS_INT4_H
#define TAMIS_LIB_DIALECT_WEIGHT_TRANSFORMS_INT4_H

#include "mlir/IR/Builders.h"

namespace tamis::weight {

/// weight.pack_int4 of what a matrix [K, N] of f32, or matrices [E, K, N], were dequantised from, if that is
/// integers of 4 bits in blocks along K that groups of 16 to 128 divide; null else.
mlir::Value packAsQuantized(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value w);

/// Whether any part of a weight was dequantised from integers.
bool wasQuantized(mlir::Value w);

} // namespace tamis::weight

#endif
