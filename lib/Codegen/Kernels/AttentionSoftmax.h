//===- AttentionSoftmax.h - Softmax over a block of attention scores ----------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONSOFTMAX_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONSOFTMAX_H

#include "tamis/Codegen/Kernels/Emitter.h"
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"

namespace tamis {

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
  mlir::Value maskAt;    ///< the keys' mask in scratch: 0 or -infinity

  /// One row of `padded` scores at `at` for the keys [keyBegin, keyBegin + keys) and query number `query`.
  /// Updates the row's maximum and sum at their places; `factorAt` gets what earlier results must be
  /// multiplied by.
  void emitRow(Emitter &e, mlir::Value at, mlir::Value padded, mlir::Value keys, mlir::Value keyBegin,
               mlir::Value query, mlir::Value isFirst, mlir::Value maximumAt, mlir::Value sumAt,
               mlir::Value factorAt) const;

private:
  void emitBias(Emitter &e, mlir::Value at, mlir::Value keys, mlir::Value keyBegin, mlir::Value query) const;
  void emitRange(Emitter &e, mlir::Value at, mlir::Value padded, mlir::Value keyBegin,
                 mlir::Value query) const;

  mlir::Value scratch;
  float scale, softcap;
  int64_t window;
  bool causal;
};

} // namespace tamis

#endif
