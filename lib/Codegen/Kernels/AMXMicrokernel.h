//===- AMXMicrokernel.h - Products in tile registers --------------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_AMXMICROKERNEL_H
#define TAMIS_LIB_CODEGEN_KERNELS_AMXMICROKERNEL_H

#include "VectorMicrokernel.h"

namespace tamis {

/// Blocks of 32 rows by 2 panels, or of 16 rows by 4: four of the eight tile registers accumulate. Tiles
/// of both factors lie one behind the other in the order in which they are read. Up to fewRows() rows are
/// multiplied by vectors, which neither flush denormal numbers nor leave out the product of two rests.
class AMXMicrokernel : public Microkernel {
public:
  AMXMicrokernel(const ISALevel &level, OperandKind kind)
      : Microkernel(level, kind), vectors(level, kind, /*tiledLeft=*/true) {}
  LeftForm leftForm() const override;
  int64_t maxRows() const override { return 32; }
  int64_t maxPanels() const override { return 4; }
  bool wantsTiledLeft() const override { return true; }
  /// On Sapphire Rapids 5 rows read weights of bf16 from the last-level cache as fast either way, and 6
  /// slower by vectors; of int8, 6 still faster.
  int64_t fewRows() const override { return 4; }
  bool writesWholeTiles() const override { return true; }
  int64_t speed() const override;
  RowTiles rowTiles(Emitter &e, mlir::Value rows) const override {
    return RowTiles(e, rows, maxRows(), /*even=*/false);
  }
  void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                   const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                   mlir::Value panelEnd, TileEpilogue epilogue, mlir::Value buffer) const override;

private:
  /// out [16 * rowTiles, 16 * panels] = a b. `meanwhile` emits, at each step of K, what the vector units do
  /// beside it.
  void emitBlock(Emitter &e, int64_t rowTiles, int64_t panels, const Matrix &a, const Panels &b,
                 mlir::Value depth, const Matrix &out, llvm::function_ref<void(mlir::Value)> meanwhile) const;
  /// Calls body(rowTiles, panels, begin, end) for the widest blocks first: panels [begin, end) in groups of
  /// `panels`, tiles of up to `rowTiles` times 16 rows.
  void forGroups(Emitter &e, const RowTiles &rows, mlir::Value panelBegin, mlir::Value panelEnd,
                 llvm::function_ref<void(int64_t, int64_t, mlir::Value, mlir::Value)> body) const;
  /// A product whose tiles go to `out` as they are.
  void emitPlainProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                        const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd,
                        mlir::Value panelBegin, mlir::Value panelEnd) const;
  /// A product of whole tiles, with an epilogue.
  void emitTiles(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const RowTiles &rows,
                 mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin, mlir::Value panelEnd,
                 TileEpilogue epilogue, mlir::Value buffer) const;

  /// For few rows, which would leave a tile nearly empty.
  VectorMicrokernel vectors;
};

} // namespace tamis

#endif
