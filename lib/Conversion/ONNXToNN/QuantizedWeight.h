//===- QuantizedWeight.h - Weights of 8 bits as nn.quantized_linear takes them ------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_QUANTIZEDWEIGHT_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_QUANTIZEDWEIGHT_H

#include "Raising.h"

namespace tamis::raising {

/// Sums of more products of 8-bit integers may exceed 32 bits.
constexpr int64_t maxQuantizedDepth = INT32_MAX / (255 * 255);

/// [N], [1, N], ..., or one element, of something the compiler knows.
bool isPerColumn(mlir::Value value, int64_t columns);

/// The same as a weight [N].
mlir::Value asColumns(Stage &stage, mlir::Value value, int64_t columns);

/// An i8 weight [K, N] and its zero points, i8 [N], or null where all are 0.
struct SignedWeight {
  mlir::Value w, zeroPoint;
};

/// A known weight [K, N] of u8 or i8 and its zero points (isPerColumn, of the same elements; null: 0), made
/// signed by subtracting 128 from both where they are not.
SignedWeight makeSigned(Stage &stage, mlir::Value w, mlir::Value zeroPoint);

} // namespace tamis::raising

#endif
