//===- AttentionSoftmax.h - Softmax over a block of attention scores ----------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONSOFTMAX_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONSOFTMAX_H

#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// Writes 0 for keys [0, keys) that take part and -infinity for others to `scratch` from `at` on. The mask of
/// row 0 is at mask[maskAt]; key j has the row j, or `rowOf(j)`.
void emitKeyMask(Emitter &e, mlir::Value scratch, mlir::Value at, mlir::Value keys, mlir::Value mask,
                 mlir::Value maskAt, llvm::function_ref<mlir::Value(mlir::Value)> rowOf = {});

/// What is subtracted from scores whose maximum this is: 0 for a row without keys, so that all its weights
/// become 0 rather than NaN.
mlir::Value emitFiniteMaximum(Emitter &e, mlir::Value maximum);

/// What is added to the scaled scores, for one head of one sequence.
struct AttentionBias {
  mlir::Value data;
  mlir::Value strides[4]; ///< along batch, head, query and key; 0 where broadcast
  mlir::Value base;       ///< of this batch and head

  /// Finds out where the rows of the sequence stand: at their number without `positions`, else at
  /// positions[row].
  void locate(Emitter &e, mlir::Value positions, mlir::Value firstRow, mlir::Value rows);
  /// The place of row i, an index.
  mlir::Value place(Emitter &e, mlir::Value i) const;

  mlir::Value positions, firstRow, firstPlace;
  mlir::Value isContiguous; ///< keys lie side by side in `data`
};

/// Turns rows of scores into weights, not yet divided by their sum.
class AttentionRows {
public:
  AttentionRows(Emitter &e, kernel::AttentionOp op, mlir::Value scratch);

  AttentionBias bias;
  mlir::Value alignment; ///< keys - queries: query i stands at key i + alignment
  /// What is added to the scores of a block's keys, in scratch: 0 or -infinity for a mask; null: nothing.
  mlir::Value maskAt;

  /// All keys of the blocks are ones that the query may see: none is excluded by its place.
  void readsSeenKeys() { causal = false, window = 0; }
  /// A block of the keys [keyBegin, keyBegin + keys). Rows have `padded` scores, a multiple of 16 (of 32 with
  /// `weights`), of which those behind the keys become -infinity. Weights are written over the scores, or
  /// rounded into the rows of `weights`.
  void setBlock(Emitter &e, mlir::Value keyBegin, mlir::Value keys, mlir::Value padded,
                std::optional<LeftRows> weights);
  /// Writes the bias of keys [0, keys), the first one's at bias[from], to `scratch` from `at` on, in the unit
  /// that scores have when masks are added.
  void emitKeyBias(Emitter &e, mlir::Value at, mlir::Value keys, mlir::Value bias, mlir::Value from) const;
  /// The first step for each row of a block of queries, with its scores at `at`, for query number `query`.
  /// Updates the row's maximum (as a power of 2) at its place. If this is not the first block of keys,
  /// `factorAt` gets what earlier results must be multiplied by.
  void emitMaximum(Emitter &e, mlir::Value at, mlir::Value query, mlir::Value isFirst, mlir::Value maximumAt,
                   mlir::Value factorAt) const;
  /// The second step, for row `i` of the block: weights, and their sum at its place. Rows of neither step
  /// wait for each other, as they would for the row's maximum if the steps were one.
  void emitWeights(Emitter &e, mlir::Value i, mlir::Value at, mlir::Value isFirst, mlir::Value maximumAt,
                   mlir::Value factorAt, mlir::Value sumAt) const;

private:
  bool isScaledFirst() const;
  /// What a score is multiplied by to be a power of 2.
  float powerScale() const;
  void emitScaled(Emitter &e, mlir::Value at) const;
  void emitBias(Emitter &e, mlir::Value at, mlir::Value query) const;
  void emitRange(Emitter &e, mlir::Value at, mlir::Value query) const;
  /// The greatest scores, after those that take no part became -infinity.
  mlir::Value emitGreatest(Emitter &e, mlir::Value at) const;
  /// Writes the weights; their sums.
  mlir::Value emitSum(Emitter &e, mlir::Value i, mlir::Value at, mlir::Value subtrahend) const;

  mlir::Value scratch;
  float scale, softcap;
  int64_t window;
  bool causal;
  mlir::Value keyBegin, keys, padded;
  std::optional<LeftRows> weights;
};

} // namespace tamis

#endif
