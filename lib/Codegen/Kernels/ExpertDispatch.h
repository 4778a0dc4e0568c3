//===- ExpertDispatch.h - Which rows an expert computes, and where they lie ----------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_EXPERTDISPATCH_H
#define TAMIS_LIB_CODEGEN_KERNELS_EXPERTDISPATCH_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// How many experts there are, and what of them.
struct ExpertSet {
  int64_t count;
  mlir::Value places; ///< flat [count] of i64: which matrices of the weights each has; null: its own number
  mlir::Value in, inBytes, out, outBytes; ///< flat weights of both products, and the bytes of one expert's
  bool skips;                             ///< whether an index of -1 is no expert
};

/// Pairs of a token and one of its experts, sorted by expert: pair p = token * k + slot is at row `rowOf[p]`.
/// An expert's rows begin at a multiple of `alignment`, which leaves gaps, and keep the order of the tokens.
/// They are cut into blocks, the units of the first product: at most one more an expert than its rows fill.
struct ExpertDispatch {
  /// Sorts indices [pairs] (flat, i64, of [0, count) or skipped; another ends the run) by counting, on one
  /// thread, and reports the counts of `tokens` rows. A block has `blockRows` rows but for an expert's last
  /// one, a multiple of the alignment.
  ExpertDispatch(Emitter &e, mlir::Value indices, mlir::Value tokens, mlir::Value pairs, const ExpertSet &set,
                 int64_t alignment, mlir::Value blockRows);
  /// Pair number `i` of `kept`.
  mlir::Value pairAt(Emitter &e, mlir::Value i) const { return list ? e.loadIndex(list, i) : i; }

  mlir::Value kept;       ///< number of pairs that are not skipped
  mlir::Value list;       ///< [kept]: these pairs, in their order; null where all are kept
  mlir::Value capacity;   ///< rows that there may be, gaps included
  mlir::Value rows;       ///< rows that there are, gaps included
  mlir::Value rowOf;      ///< [pairs]; not set where one is skipped
  mlir::Value pairOf;     ///< [capacity]; not set in gaps
  mlir::Value blocks;     ///< [3 * number]: place, first row and number of rows of each, by expert
  mlir::Value blockCount; ///< number of blocks
};

/// One block, read back.
struct ExpertBlock {
  ExpertBlock(Emitter &e, mlir::Value blocks, mlir::Value number);
  mlir::Value place, begin, rows; ///< `place` is that of the expert's matrices
};

} // namespace tamis

#endif
