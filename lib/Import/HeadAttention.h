//===- HeadAttention.h - Attention on heads, as several operators share it -----------------------------===//
#ifndef TAMIS_LIB_IMPORT_HEADATTENTION_H
#define TAMIS_LIB_IMPORT_HEADATTENTION_H

#include "Node.h"

namespace tamis::import {

/// Attention of q [B, N, S, D], k [B, G, T, D] and v [B, G, T, E], N a multiple of G: what is left of an
/// operator once its caches and masks have been built.
struct HeadAttention {
  mlir::Value q, k, v;
  /// Bool (true attends), or added to the scores; broadcast to [B, N, S, T].
  mlir::Value mask;
  float scale = 1, softcap = 0;
  bool isCausal = false;
  /// Scores [N] of a key without a value, one for each head.
  mlir::Value sinks;

  /// [B, N, S, E].
  mlir::Value output(Node &node) const;
  /// [B, N, S, T]; N and G must be known.
  enum class Scores { Raw, Capped, Masked, Weights };
  mlir::Value scores(Node &node, Scores kind) const;
};

/// The size of a dimension: a scalar, and a shape of one element.
mlir::Value sizeOf(Node &node, mlir::Value x, int64_t dim);
mlir::Value shapeOf(Node &node, mlir::Value x, int64_t dim);
/// 0, 1, ... below a scalar.
mlir::Value indices(Node &node, mlir::Value count);
/// [B, S, heads * D] as [B, heads, S, D], and back.
mlir::Value splitHeads(Node &node, mlir::Value x, int64_t heads);
mlir::Value joinHeads(Node &node, mlir::Value x);
/// Columns of the last dimension; a negative end counts from the end.
mlir::Value columns(Node &node, mlir::Value x, int64_t begin, int64_t end);
/// What an operator excludes by `allowed`, with the mask it may have already.
mlir::Value restrictMask(Node &node, mlir::Value mask, mlir::Value allowed);
/// 0 where `allowed`, else `excluded`, as floats.
mlir::Value asBias(Node &node, mlir::Value allowed, double excluded, mlir::Type element);

} // namespace tamis::import

#endif
