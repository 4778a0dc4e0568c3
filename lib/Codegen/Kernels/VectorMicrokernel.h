//===- VectorMicrokernel.h - Outer products in vector registers ---------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_VECTORMICROKERNEL_H
#define TAMIS_LIB_CODEGEN_KERNELS_VECTORMICROKERNEL_H

#include "tamis/Codegen/Kernels/Microkernel.h"

namespace tamis {

/// A word of a row of the left factor: behind the pointer `row`, the leading terms and, if it is split, the
/// rests.
struct LeftWord {
  mlir::Value row, word, rest;
};

/// How a word of the left factor and a row of a panel are multiplied and added up: the part of a vector
/// kernel that depends on the operands.
class OuterProduct {
public:
  virtual ~OuterProduct() = default;
  virtual LeftForm leftForm() const = 0;
  /// Multiply-adds that a word takes.
  virtual int64_t rounds() const { return 1; }
  virtual bool accumulatesIntegers() const { return false; }
  /// Words that a weight is the sum of.
  virtual int64_t terms() const { return 1; }
  /// A word of the left factor, as round `round` wants it in all lanes.
  virtual mlir::Value left(Emitter &e, const LeftWord &at, int64_t round) const = 0;
  /// Where row `k` of a panel begins, in words.
  virtual mlir::Value row(Emitter &e, mlir::Value k, mlir::Value stride) const { return e.mul(k, stride); }
  /// As many columns as a vector has lanes, `word` words behind the pointer `panel`.
  virtual mlir::Value right(Emitter &e, mlir::Value panel, mlir::Value word, int64_t round) const = 0;
  virtual mlir::Value multiplyAdd(Emitter &e, mlir::Value left, mlir::Value right,
                                  mlir::Value accumulator) const = 0;
};

/// The way of an ISA level's vectors for operands of a kind. With `roundsLeft` the left factor has the form
/// that tiles want of it.
std::unique_ptr<OuterProduct> makeOuterProduct(const ISALevel &level, OperandKind kind, bool roundsLeft);

/// Tiles as loops over k of outer products. All accumulators of a tile, a row of the panels and one
/// broadcast word of the left factor fit the registers.
class VectorMicrokernel : public Microkernel {
public:
  /// With `tiledLeft` the left factor is cut into tiles, and only emitOneTile is of use: the few rows of a
  /// kernel that has tiles.
  VectorMicrokernel(const ISALevel &level, OperandKind kind, bool tiledLeft = false);
  LeftForm leftForm() const override { return product->leftForm(); }
  /// AVX-512: 6 x 64 has 24 of the 32 registers to accumulate in, 4 for a row of the panels, 1 for a word of
  /// the left factor. AVX2: 6 x 16 has 12 of the 16 registers.
  int64_t maxRows() const override { return 6; }
  int64_t maxPanels() const override { return 4; }
  RowTiles rowTiles(Emitter &e, mlir::Value rows) const override;
  void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                   const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                   mlir::Value panelEnd, TileEpilogue epilogue, mlir::Value buffer) const override;
  /// The product of up to `most` rows, `rows`, one tile: reads the panels once, at the speed of memory.
  void emitOneTile(Emitter &e, int64_t most, const Matrix &a, const Panels &b, mlir::Value depth,
                   const Matrix &out, const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd,
                   mlir::Value panelBegin, mlir::Value panelEnd, TileEpilogue epilogue,
                   mlir::Value buffer) const;

private:
  /// Panels of the widest tile of so many rows.
  int64_t panels(int64_t rows) const;
  /// Words [begin, end) of K. `isFirst` is null where they are all; else they add to `out` if it is false.
  struct Part {
    mlir::Value begin, end, isFirst;
  };
  /// What a tile that shares panels with others asks for while it is computed, so that what is read next is
  /// in the second-level cache by then: at each step two words of the right factor, which are `distance`
  /// apart, from `begin` on, and `step` further at the next.
  struct Ahead {
    mlir::Value begin, step, distance;
  };
  /// out[0 .. rows, panels] = a b over a part of K. Without `ahead` the tile alone reads the panels.
  void emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b, const Part &part,
                const std::optional<Ahead> &ahead, const Matrix &out) const;
  /// The tiles of a product whose rows are as many as `rowCounts` has, all equally wide.
  void emitNest(Emitter &e, llvm::ArrayRef<int64_t> rowCounts, bool isOneTile, const Matrix &a,
                const Panels &b, mlir::Value depth, const Matrix &out, mlir::Value buffer,
                const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd, mlir::Value panelBegin,
                mlir::Value panelEnd, TileEpilogue epilogue) const;

  bool tiledLeft;
  std::unique_ptr<OuterProduct> product;
};

} // namespace tamis

#endif
