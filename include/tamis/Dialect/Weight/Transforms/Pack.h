//===- Pack.h - Weights in the layout and precision of the microkernels --------------------------------===//
#ifndef TAMIS_DIALECT_WEIGHT_TRANSFORMS_PACK_H
#define TAMIS_DIALECT_WEIGHT_TRANSFORMS_PACK_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"
#include <optional>

namespace tamis::weight {

/// What the weights of products are stored as.
enum class Precision { F32, SplitF32, BF16, Int8, Int4 };

/// The precision that an option names.
std::optional<Precision> symbolizePrecision(llvm::StringRef name);
llvm::StringRef stringifyPrecision(Precision precision);
/// What an error about a precision that is none ends with: those that there are.
llvm::StringRef knownPrecisions();
/// The same, with an error at `op` where there is no such precision.
mlir::FailureOr<Precision> parsePrecision(mlir::Operation *op, llvm::StringRef name);

/// A weight that the microkernels read, and for int8 the scales and sums of its columns.
struct PackedWeight {
  mlir::Value w, scale, sums;
  Precision precision; ///< that it has
};

/// Whether `--int4-group` may be that.
bool isInt4Group(int64_t group);

/// Packs a weight [K, N] or [E, K, N] of f32. bf16 takes elements in pairs: an odd K stays at f32. int4 has
/// groups of `int4Group` elements.
PackedWeight pack(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value w, Precision precision,
                  int64_t int4Group = 32);

/// weight.pack_panels to panels of `element`, with `split` as sums of two.
mlir::Value packPanels(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value w, mlir::Type element,
                       bool split = false);

} // namespace tamis::weight

#endif
