//===- VectorLoops.h - Which linalg ops have vector code, and along which loop ----------------------===//
#ifndef TAMIS_CODEGEN_VECTORLOOPS_H
#define TAMIS_CODEGEN_VECTORLOOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace tamis {

/// The loops of a linalg.generic that linalg-vectorize can emit: without those of size 1, and with neighbours
/// merged where every operand walks them as one. The last is the one that vectors lie along: each operand is
/// contiguous in it, or does not change with it.
struct VectorLoops {
  struct Loop {
    llvm::SmallVector<unsigned> dims; ///< of the op, outer first
    bool isReduction;
  };
  mlir::linalg::GenericOp op;
  llvm::SmallVector<Loop> loops;
  mlir::Operation *combiner = nullptr; ///< of the reduction, if its order does not matter
  int64_t arithmetic = 0;              ///< ops of the body

  bool isReduction() { return op.getNumReductionLoops(); }

  /// Fails for what scalar loops do as well or better: gathers, checks, integer division, i1 in memory,
  /// operands that are strided along the last loop, rows of a few elements.
  static llvm::FailureOr<VectorLoops> of(mlir::linalg::GenericOp op);

  /// Whether `of` accepts the body, whatever the operands' layouts; for ops on tensors too.
  static bool hasVectorBody(mlir::linalg::GenericOp op);

  /// Lanes of a vector, for a level with `f32Lanes` lanes of f32: the widest element in memory fills a
  /// register.
  int64_t lanes(int64_t f32Lanes);
};

} // namespace tamis

#endif
