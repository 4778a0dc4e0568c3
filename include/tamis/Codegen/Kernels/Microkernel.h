//===- Microkernel.h - Register-tiled block products, one class per ISA level -------------------------===//
#ifndef TAMIS_CODEGEN_KERNELS_MICROKERNEL_H
#define TAMIS_CODEGEN_KERNELS_MICROKERNEL_H

#include "tamis/Codegen/ISALevel.h"
#include "tamis/Codegen/Kernels/Emitter.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"

namespace tamis {

/// Columns of a packed panel, whatever the ISA level (weight.pack_panels).
inline constexpr int64_t panelColumns = 16;
/// Parts of a product begin at multiples of so many panels, so that tiles of all widths begin where a part
/// does.
inline constexpr int64_t panelGroup = 4;

/// What a weight is stored as. Elements are grouped into words of 32 bits along K: an f32, two bf16 or four
/// int8. A row of a panel is a word a column, so that all kinds have one geometry, which is also an AMX
/// tile's; K is padded with zeros to whole tiles of 16 words.
enum class OperandKind {
  F32,      ///< f32 [P, K, 16]
  BF16,     ///< bf16 [P, K / 2, 16, 2], products added up in f32
  SplitF32, ///< the sum of two bf16 [P, K / 32, 32, 16, 2]: blocks of 16 words, their leading terms, their
            ///< rests
  Int8,     ///< i8 [P, K / 4, 16, 4] times u8, products added up in i32
  Int4,     ///< i32 [P, groups, rows, 16] of weight::Int4Format times i8, those of a group added up in i32
};

/// What a microkernel wants the left factor as.
enum class LeftForm {
  F32,      ///< row-major f32 as it is
  BF16,     ///< rows of bf16, rounded to nearest even
  SplitF32, ///< rows that alternate 32 leading terms and their 32 rests
  Int8,     ///< rows of u8: round(x / scale) + 128, a scale a row
  Int4, ///< rows of i8: round(x / scale), a scale a row; behind it a word for each group of the weight, the
        ///< sum of its elements as groupSum() says
};

/// One factor or the result. Word (i, j) of flat buffer `data` is at offset + i * stride + j, counted in
/// words of 32 bits whatever the buffer's element type is.
struct Matrix {
  mlir::Value data, offset, stride;
  bool rowMajor = false; ///< a left factor's rows that are not cut into tiles, whatever wantsTiledLeft says
  mlir::Value tileStride = {}; ///< of a left factor that is cut into tiles: see LeftRows; null: 256
};

/// Panels of 16 columns: word (k, 16 p + j) is at offset + p * panelStride + k * stride + j. A packed weight
/// has the stride 16; a row-major f32 matrix of N columns has N, and the panel stride 16. Where weights are
/// split, each 16 rows of words are followed by those of their rests.
struct Panels {
  mlir::Value data, offset, stride, panelStride;
};

/// The rows of a product, cut into the fewest tiles of at most so many rows.
struct RowTiles {
  /// Even tiles differ by one row at most, so that none is nearly empty; others are full but for the last
  /// one, for kernels whose time goes by blocks of rows. `rows` is at least 1.
  RowTiles(Emitter &e, mlir::Value rows, int64_t most, bool even = true);
  mlir::Value tiles;    ///< number of tiles
  mlir::Value quotient; ///< rows of the lower even tiles, of which the first `remainder` have one more; of a
                        ///< full tile else, and then `limit` is the number of rows
  mlir::Value remainder, limit;
  /// The first row of a tile.
  mlir::Value begin(Emitter &e, mlir::Value tile) const;
  mlir::Value size(Emitter &e, mlir::Value tile) const;
};

/// A tile of a result: `rows` rows from `row` on, `panels` panels from `panel` on, which are at `product`
/// (f32, or i32 with the bits of an f32).
struct Tile {
  Matrix product;
  mlir::Value row, rows, panel;
  int64_t panels;
};

/// What one tile of a product reads and writes: row `row` of the left factor and the `rows` from there on,
/// and where its sums go.
struct TileOperands {
  /// The sums of the tile of `width` panels from `panel` on go to `buffer` if there is one, else to `out`.
  TileOperands(Emitter &e, const RowTiles &rows, mlir::Value tile, const Matrix &left, const Matrix &out,
               mlir::Value panel, int64_t width, mlir::Value buffer);
  mlir::Value row, rows;
  Matrix left, sums;
};

/// Calls body(width, begin, end) for ranges of the panels [begin, end) that are whole groups of `width`
/// panels: as many groups of `widest` as there are, then of half as many, down to single panels.
void forPanelGroups(Emitter &e, int64_t widest, mlir::Value begin, mlir::Value end,
                    llvm::function_ref<void(int64_t, mlir::Value, mlir::Value)> body);

/// What is done with a tile right after its product.
using TileEpilogue = llvm::function_ref<void(const Tile &)>;

/// Emits block products for one ISA level and one kind of operands.
class Microkernel {
public:
  virtual ~Microkernel() = default;

  /// The kernel for an ISA level and weights whose kind says all of their layout; null when there is no such
  /// level, and for Int4, whose format counts too.
  static std::unique_ptr<Microkernel> get(llvm::StringRef isa, OperandKind kind = OperandKind::F32);
  /// The kernel for weights of 4 bits, or null when there is no such level.
  static std::unique_ptr<Microkernel> get(llvm::StringRef isa, const weight::Int4Format &format);

  const ISALevel &isa() const { return level; }
  OperandKind operandKind() const { return kind; }
  /// 32-bit lanes of a vector.
  int64_t vectorWidth() const { return level.lanes; }
  virtual LeftForm leftForm() const = 0;
  /// Whether the left factor is cut into tiles of 16 rows by 16 words that lie one behind the other,
  /// [T / 16, words / 16, 16, 16]. A matrix's stride then tells the words of a row, of which 16 make a band.
  virtual bool wantsTiledLeft() const { return false; }
  /// Up to so many rows a product takes no tiles of the tiled left factor, but vectors.
  virtual int64_t fewRows() const { return 0; }
  /// Rows of the highest tile.
  virtual int64_t maxRows() const = 0;
  /// Panels of the widest tile.
  virtual int64_t maxPanels() const = 0;
  /// How this kernel wants rows cut.
  virtual RowTiles rowTiles(Emitter &e, mlir::Value rows) const = 0;
  /// Whether a product without a buffer (see emitProduct) writes whole tiles of 16 rows, also behind the last
  /// row, and can have no epilogue.
  virtual bool writesWholeTiles() const { return false; }
  /// Elements of K between two sums of LeftForm::Int4.
  virtual int64_t groupSize() const { return 0; }
  /// What of the sum of a group of i8 a row of LeftForm::Int4 has.
  virtual mlir::Value groupSum(Emitter &e, mlir::Value sum) const { return sum; }
  /// Multiply-adds of f32 that take as long as one of this kernel's, about.
  virtual int64_t speed() const { return 1; }

  /// The product of the row tiles [tileBegin, tileEnd) and the panels [panelBegin, panelEnd) over `depth`
  /// words: panels outside, rows inside, so that a panel stays in the nearest cache. When panelBegin is a
  /// multiple of 4, the order in which an element is summed up does not depend on the range. `out` counts
  /// columns from panel 0 on. With a `buffer` of maxRows() x 16 maxPanels() words each tile is written
  /// there instead, for its epilogue to fetch.
  virtual void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                           const RowTiles &rows, mlir::Value tileBegin, mlir::Value tileEnd,
                           mlir::Value panelBegin, mlir::Value panelEnd, TileEpilogue epilogue = {},
                           mlir::Value buffer = {}) const = 0;

protected:
  Microkernel(const ISALevel &level, OperandKind kind) : level(level), kind(kind) {}

private:
  const ISALevel &level;
  OperandKind kind;
};

} // namespace tamis

#endif
