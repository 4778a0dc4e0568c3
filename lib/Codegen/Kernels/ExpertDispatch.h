//===- ExpertDispatch.h - Which rows an expert computes, and where they lie ----------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_EXPERTDISPATCH_H
#define TAMIS_LIB_CODEGEN_KERNELS_EXPERTDISPATCH_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// Pairs of a token and one of its experts, sorted by expert: pair p = token * k + slot is at row `rowOf[p]`.
/// An expert's rows begin at a multiple of `alignment`, which leaves gaps, and keep the order of the tokens.
/// They are cut into blocks, the units of the first product: at most one more an expert than its rows fill.
struct ExpertDispatch {
  /// Sorts indices [pairs] (flat, i64, of [0, experts); another ends the run) by counting, on one thread, and
  /// reports the counts of `tokens` rows, with the bytes of an expert's weights. A block has `blockRows` rows
  /// but for an expert's last one, a multiple of the alignment.
  ExpertDispatch(Emitter &e, mlir::Value indices, mlir::Value tokens, mlir::Value pairs, int64_t experts,
                 mlir::Value expertBytes, int64_t alignment, mlir::Value blockRows);

  mlir::Value pairs;
  mlir::Value capacity; ///< rows that there may be, gaps included
  mlir::Value rows;     ///< rows that there are, gaps included
  mlir::Value rowOf;    ///< [pairs]
  mlir::Value pairOf;   ///< [capacity]; not set in gaps
  mlir::Value blocks;   ///< [3 * number]: the expert, the first row and the number of rows of each, by expert
  mlir::Value blockCount; ///< number of blocks
};

/// One block, read back.
struct ExpertBlock {
  ExpertBlock(Emitter &e, mlir::Value blocks, mlir::Value number);
  mlir::Value expert, begin, rows;
};

} // namespace tamis

#endif
