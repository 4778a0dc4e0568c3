//===- Int4Microkernel.h - Products of i8 and weights of 4 bits ----------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_INT4MICROKERNEL_H
#define TAMIS_LIB_CODEGEN_KERNELS_INT4MICROKERNEL_H

#include "tamis/Codegen/Kernels/Microkernel.h"

namespace tamis {

/// Tiles in vector registers. A weight's q, from 0 to 15, is the unsigned factor, as it is: a mask and a
/// shift unpack 8 of a column. The products of a group are added up in integers, and these, times the scale,
/// in f32. What the zero point takes off is that times the sum of the group's left elements: where it is 8,
/// the integers begin there.
class Int4Microkernel : public Microkernel {
public:
  Int4Microkernel(const ISALevel &level, const weight::Int4Format &format)
      : Microkernel(level, OperandKind::Int4), format(format) {}
  LeftForm leftForm() const override { return LeftForm::Int4; }
  int64_t groupSize() const override { return format.group; }
  /// -8 times it as i32, or with zero points minus it as f32.
  mlir::Value groupSum(Emitter &e, mlir::Value sum) const override;
  /// AVX-512: 6 x 32 has 12 registers for sums of integers, 12 for those of f32, 4 for a row of the panels.
  /// AVX2: 6 x 8 has 6, 6 and 2 of the 16.
  int64_t maxRows() const override { return 6; }
  int64_t maxPanels() const override { return 4; }
  int64_t speed() const override { return isa().vnni ? 4 : 2; }
  RowTiles rowTiles(Emitter &e, mlir::Value rows) const override { return RowTiles(e, rows, maxRows()); }
  void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                   const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                   mlir::Value panelEnd, TileEpilogue epilogue, mlir::Value buffer) const override;

private:
  /// Panels of the widest tile of so many rows.
  int64_t panels(int64_t rows) const;
  /// out[0 .. rows, panels] = a b. `isOnly`: no other tile reads the panels.
  void emitTile(Emitter &e, int64_t rows, int64_t panels, bool isOnly, const Matrix &a, const Panels &b,
                mlir::Value depth, const Matrix &out) const;
  /// The tiles of a product whose rows are as many as `rowCounts` has, all equally wide.
  void emitNest(Emitter &e, llvm::ArrayRef<int64_t> rowCounts, bool isOneTile, const Matrix &a,
                const Panels &b, mlir::Value depth, const Matrix &out, mlir::Value buffer,
                const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                mlir::Value panelEnd, TileEpilogue epilogue) const;

  weight::Int4Format format;
};

} // namespace tamis

#endif
