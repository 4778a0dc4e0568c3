//===- AMXMicrokernel.h - Products in tile registers --------------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_AMXMICROKERNEL_H
#define TAMIS_LIB_CODEGEN_KERNELS_AMXMICROKERNEL_H

#include "tamis/Codegen/Kernels/Microkernel.h"

namespace tamis {

/// Blocks of 32 rows by 2 panels, or of 16 rows by 4: four of the eight tile registers accumulate. Tiles
/// of both factors lie one behind the other in the order in which they are read. A block is
/// always written to the buffer, where rows that do not exist do no harm.
class AMXMicrokernel : public Microkernel {
public:
  AMXMicrokernel(const ISALevel &level, OperandKind kind) : Microkernel(level, kind) {}
  LeftForm leftForm() const override;
  int64_t maxRows() const override { return 32; }
  int64_t maxPanels() const override { return 4; }
  bool wantsTiledLeft() const override { return true; }
  bool needsBuffer() const override { return true; }
  int64_t speed() const override;
  RowTiles rowTiles(Emitter &e, mlir::Value rows) const override {
    return RowTiles(e, rows, maxRows(), /*even=*/false);
  }
  void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                   const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                   mlir::Value panelEnd, TileEpilogue epilogue, mlir::Value buffer) const override;

private:
  /// buffer [16 * rowTiles, 16 * panels] = a b, from word `at` of the buffer on. `meanwhile` emits, at each
  /// step of K, what the vector units do beside it.
  void emitBlock(Emitter &e, int64_t rowTiles, int64_t panels, const Matrix &a, const Panels &b,
                 mlir::Value depth, mlir::Value buffer, mlir::Value at,
                 llvm::function_ref<void(mlir::Value)> meanwhile) const;
};

} // namespace tamis

#endif
