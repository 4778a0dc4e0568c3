//===- Int4Tiles.h - Weights of 4 bits for the tile registers ------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_INT4TILES_H
#define TAMIS_LIB_CODEGEN_KERNELS_INT4TILES_H

#include "LinearEpilogue.h"
#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// kernel.linear on a weight of 4 bits with many rows, at a level with tiles: some panels at a time become
/// bf16 in arena memory, for the product of bf16. Sums of single groups would cost the vector units more than
/// the whole product costs the tiles.
class Int4TileProduct {
public:
  /// Rows from which it is quicker than Int4Microkernel.
  static constexpr int64_t fewestRows = 48;

  Int4TileProduct(kernel::LinearOp op, const weight::Int4Format &format) : op(op), format(format) {}
  /// Emits it, for x [rows, k].
  void emit(KernelExpander &expander, Emitter &e, mlir::Value rows, mlir::Value k,
            const LinearEpilogue &epilogue);

private:
  /// Panels [begin, end) to words of bf16, `words` of K, in the flat buffer `to`, whose first one is `first`.
  void unpackPanels(Emitter &e, mlir::Value w, mlir::Value groups, mlir::Value words, mlir::Value first,
                    mlir::Value begin, mlir::Value end, mlir::Value to) const;
  void unpackGroup(Emitter &e, mlir::Value w, mlir::Value from, mlir::Value to, mlir::Value toWord) const;

  kernel::LinearOp op;
  weight::Int4Format format;
};

} // namespace tamis

#endif
