//===- AttentionManyRows.h - Attention with packed keys and online softmax -----------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONMANYROWS_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONMANYROWS_H

#include "AttentionOperands.h"

namespace tamis {

/// The form of an attention that packs the keys and values of each head and multiplies them by the level's
/// microkernels, at the precision of the op.
class AttentionManyRows {
public:
  AttentionManyRows(KernelExpander &expander, kernel::AttentionOp op) : expander(expander), op(op) {}
  void emit(Emitter &e, const AttentionOperands &operands, const AttentionSizes &sizes, llvm::StringRef name);

private:
  KernelExpander &expander;
  kernel::AttentionOp op;
};

} // namespace tamis

#endif
