//===- Microkernel.h - Register-tiled block products, one class per ISA level -------------------------===//
#ifndef TAMIS_CODEGEN_KERNELS_MICROKERNEL_H
#define TAMIS_CODEGEN_KERNELS_MICROKERNEL_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// Columns of a packed panel, whatever the ISA level (weight.pack_panels).
inline constexpr int64_t panelColumns = 16;

/// What the two factors of a product are; the accumulator follows from it.
enum class OperandKind { F32 };

/// One factor or the result: element (i, j) of flat buffer `data` is at offset + i * stride + j.
struct Matrix {
  mlir::Value data, offset, stride;
};

/// Panels of 16 columns: element (k, 16 p + j) is at offset + p * panelStride + k * stride + j. Packed
/// weights have the stride 16 and the panel stride 16 K; a row-major matrix of N columns N and 16.
struct Panels {
  mlir::Value data, offset, stride, panelStride;
};

/// The rows of a product, cut into tiles that differ by one row at most, so that no tile is nearly empty.
struct RowTiles {
  /// Cuts `rows` (at least 1) into the fewest tiles of at most `most` rows.
  RowTiles(Emitter &e, mlir::Value rows, int64_t most);
  mlir::Value tiles;    ///< number of tiles
  mlir::Value quotient; ///< rows of the lower tiles; the first `remainder` have one more
  mlir::Value remainder;
  /// The first row of a tile.
  mlir::Value begin(Emitter &e, mlir::Value tile) const;
  mlir::Value size(Emitter &e, mlir::Value tile) const;
};

/// What is done with a tile right after its product: (row, rows, panel, panels) of the tile, `panels` static.
using TileEpilogue = llvm::function_ref<void(mlir::Value, mlir::Value, mlir::Value, int64_t)>;

/// Emits block products for one ISA level and one kind of operands. A tile has up to maxRows() rows and
/// panels(rows) panels; all its accumulators, a row of the panels and one broadcast element of the left
/// factor fit the registers.
class Microkernel {
public:
  virtual ~Microkernel() = default;

  /// The kernel for an ISA level (x86-64-v3, x86-64-v4), or null when there is none.
  static std::unique_ptr<Microkernel> get(llvm::StringRef isa, OperandKind kind = OperandKind::F32);

  virtual llvm::StringRef isa() const = 0;
  virtual OperandKind operandKind() const = 0;
  /// f32 lanes of a vector.
  virtual int64_t vectorWidth() const = 0;
  virtual int64_t maxRows() const = 0;
  /// Panels of the widest tile of so many rows: 1, 2 or 4.
  virtual int64_t panels(int64_t rows) const = 0;
  /// out[0 .. rows, panels] = a b over `depth`. out is written, not read.
  virtual void emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b,
                        mlir::Value depth, const Matrix &out) const = 0;

  /// The product of the row tiles [tileBegin, tileEnd) and the panels [panelBegin, panelEnd): panels outside,
  /// rows inside, so that a panel stays in the nearest cache. When panelBegin is a multiple of 4, the order
  /// in which an element is summed up does not depend on the range. `out` counts columns from panel 0 on.
  void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                   const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                   mlir::Value panelEnd, TileEpilogue epilogue = {}) const;
  /// Like emitProduct for one panel whose result goes to a buffer of maxRows() x 16 (stride 16), once a tile.
  void emitPanelToBuffer(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, mlir::Value buffer,
                         const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panel,
                         TileEpilogue epilogue) const;

private:
  void emitNest(Emitter &e, llvm::ArrayRef<int64_t> rowCounts, const Matrix &a, const Panels &b,
                mlir::Value depth, const Matrix &out, bool toBuffer, const RowTiles &rows,
                mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin, mlir::Value panelEnd,
                TileEpilogue epilogue) const;
};

} // namespace tamis

#endif
