//===- AttentionFewRows.h - Attention of few queries --------------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONFEWROWS_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONFEWROWS_H

#include "AttentionOperands.h"

#include <algorithm>

namespace tamis {

/// The form of an attention (padded) whose sequences have few queries, as in decoding: keys and values are
/// read once each, where they lie, for all heads that share them, and long sequences are cut into chunks of
/// keys, so that a single head keeps several threads busy. The cuts depend on the lengths alone, and so do
/// the bits of the result.
///
/// Where rows of a cache are chosen, a sequence has one query, and keys are counted along the list of those
/// that are read.
class AttentionFewRows {
public:
  /// More queries a sequence are worth packing the keys for. Heads that share a key head share its unit: many
  /// of them have fewer queries, so that their scores stay in the second-level cache.
  static int64_t mostQueries(kernel::AttentionOp op) {
    int64_t group = op.getHeads() / op.getKvHeads();
    return std::clamp<int64_t>(96 / group, 1, 6);
  }

  AttentionFewRows(KernelExpander &expander, kernel::AttentionOp op);
  void emit(Emitter &e, const AttentionOperands &operands, const AttentionSizes &sizes, llvm::StringRef name);

private:
  struct Scratch;
  struct Chunk;
  Scratch layOut(Emitter &e, const AttentionOperands &operands, mlir::Value chunks);
  void emitChunk(Emitter &e, const AttentionOperands &operands, const Scratch &at, mlir::Value unit);
  /// Where the list of a unit's kept rows begins.
  mlir::Value listOf(Emitter &e, const AttentionOperands &operands, mlir::Value sequence,
                     mlir::Value keyHead);
  /// scores = q k^T, a vector of keys at a time for all rows, the last ones of `keys` masked off later.
  void emitScores(Emitter &e, const AttentionOperands &operands, const Chunk &chunk);
  /// Rows of products = weights v.
  void emitProducts(Emitter &e, const AttentionOperands &operands, const Chunk &chunk);
  /// `rows` rows from `row` on, `vectors` vectors from `column` on, the values of `step` keys apart.
  void emitProductTile(Emitter &e, const AttentionOperands &operands, const Matrix &v, const Chunk &chunk,
                       mlir::Value row, int64_t rows, int64_t column, int64_t vectors, int64_t step);
  /// Joins the chunks of a row, whose records are `stride` apart.
  void emitJoin(Emitter &e, const AttentionOperands &operands, const Scratch &at, mlir::Value record,
                mlir::Value stride, mlir::Value chunks, mlir::Value resultRow, mlir::Value head);

  KernelExpander &expander;
  kernel::AttentionOp op;
  int64_t heads, kvHeads, group, depth, valueDepth;
};

} // namespace tamis

#endif
