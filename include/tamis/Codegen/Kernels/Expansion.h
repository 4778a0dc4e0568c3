//===- Expansion.h - Kernels become loops of vector code ----------------------------------------------===//
#ifndef TAMIS_CODEGEN_KERNELS_EXPANSION_H
#define TAMIS_CODEGEN_KERNELS_EXPANSION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "tamis/Codegen/Kernels/Microkernel.h"
#include "tamis/Dialect/Kernel/IR/KernelCache.h"

#include "llvm/ADT/DenseMap.h"

#include <map>
#include <optional>
#include <string>

namespace tamis {

/// Memory for rows of activations in a form other than f32.
struct LeftRows {
  LeftForm form = LeftForm::F32;
  bool tiled = false; ///< Microkernel::wantsTiledLeft
  mlir::Value data;   ///< flat, of bf16 or i8
  mlir::Value stride; ///< words from row to row
  mlir::Value offset; ///< words from the start of `data` to row 0; null: none
  /// Words from a tile to the next one. Null: 256, all that a tile has. Where all rows are
  /// Microkernel::fewRows at most, their words follow each other without gaps: [words / 16, rows, 16].
  mlir::Value tileStride;
  /// Where a row begins, in words from the start of `data` on.
  mlir::Value begin(Emitter &e, mlir::Value row) const;
  /// Word `word` of a row, which begins a vector's words, likewise.
  mlir::Value place(Emitter &e, mlir::Value row, mlir::Value word) const;
  /// Rounds a vector of f32, the columns from `column` on, into a row of BF16 or SplitF32.
  void store(Emitter &e, mlir::Value vector, mlir::Value row, mlir::Value column) const;
  /// The same for two vectors of 16, which are the row's part of a tile, in the row that is at `begin`.
  void storeTileRow(Emitter &e, mlir::Value low, mlir::Value high, mlir::Value begin,
                    mlir::Value column) const;
  /// Rows from row 0 on as the factor of a product.
  Matrix matrix(Emitter &e) const { return {data, offset ? offset : e.index(0), stride}; }
};

/// The left factor of a product in the form that a microkernel wants.
struct LeftOperand {
  /// x [rows, k] (f32, row-major, flat) as it is.
  LeftOperand(mlir::Value x, mlir::Value k, mlir::Value depth);
  /// Arena memory for `rows` rows in another form, for a packed weight of `depth` words of K. With a `range`
  /// all rows are quantised by it; else an Int8 row is by its own greatest element.
  LeftOperand(Emitter &e, const Microkernel &microkernel, mlir::Value rows, mlir::Value depth,
              mlir::Value range = {}, bool sumsRows = false);
  /// Arena memory for `rows` rows of bf16 one behind the other, and for those that a tile has behind the last
  /// one.
  LeftOperand(Emitter &e, mlir::Value rows, mlir::Value columns);
  /// Leaves no gaps between rows that turn out to be few; to be called before they are filled, and only if
  /// they are multiplied together.
  void closeGaps(Emitter &e, mlir::Value rows);
  /// Fills a row of that memory from row `source` of x [rows, k].
  void convertRow(Emitter &e, mlir::Value x, mlir::Value k, mlir::Value source, mlir::Value row) const;
  /// Fills that memory from x [rows, k] in a parallel region. With `places`, row i is that of `places(i)`
  /// instead: a row of x, and one of the memory.
  using Places = llvm::function_ref<std::pair<mlir::Value, mlir::Value>(mlir::Value)>;
  void convert(Emitter &e, mlir::Value x, mlir::Value rows, mlir::Value k, Places places = {}) const;

  LeftRows rows;
  mlir::Value depth;  ///< words of K to multiply
  mlir::Value range;  ///< flat: the scale and the zero point of kernel.dynamic_range, or null
  mlir::Value scales; ///< Int4, and Int8 without a range: flat f32, one a row; null otherwise
  mlir::Value sums;   ///< with sumsRows: flat i32, one a row; null otherwise

private:
  const Microkernel *microkernel = nullptr; ///< that is to read the rows, where they are another form of x
};

/// Expands kernel ops for one ISA level. Code that many ops share (products with their epilogue, attention)
/// becomes one private function each. Each expand() inserts before the op and leaves erasing it to the
/// caller; it fails after a diagnostic.
class KernelExpander {
public:
  KernelExpander(mlir::ModuleOp module, const ISALevel &level)
      : module(module), symbols(module), level(level) {}

  mlir::LogicalResult expand(kernel::LinearOp op);
  mlir::LogicalResult expand(kernel::DynamicRangeOp op);
  mlir::LogicalResult expand(kernel::QuantizedLinearOp op);
  mlir::LogicalResult expand(kernel::MatmulOp op);
  mlir::LogicalResult expand(kernel::LayerNormOp op);
  mlir::LogicalResult expand(kernel::RMSNormOp op);
  mlir::LogicalResult expand(kernel::SoftmaxOp op);
  mlir::LogicalResult expand(kernel::EmbeddingOp op);
  mlir::LogicalResult expand(kernel::AttentionOp op);
  mlir::LogicalResult expand(kernel::CacheSpansOp op);
  mlir::LogicalResult expand(kernel::CacheWindowOp op);
  mlir::LogicalResult expand(kernel::CacheBoundsOp op);
  mlir::LogicalResult expand(kernel::CachePagesOp op);
  mlir::LogicalResult expand(kernel::CacheSnapOp op);
  mlir::LogicalResult expand(kernel::CacheSnapRowsOp op);
  mlir::LogicalResult expand(kernel::MeanPoolOp op);
  mlir::LogicalResult expand(kernel::RouteOp op);
  mlir::LogicalResult expand(kernel::ExpertsOp op);
  mlir::LogicalResult expand(kernel::CombineOp op);
  mlir::LogicalResult expand(kernel::TokenIndexOp op);
  mlir::LogicalResult expand(kernel::TokenPackOp op);
  mlir::LogicalResult expand(kernel::TokenUnpackOp op);
  mlir::LogicalResult expand(kernel::TokenFirstOp op);
  mlir::LogicalResult expand(kernel::TokenScoreOp op);
  mlir::LogicalResult expand(kernel::TokenAttentionScoreOp op);
  mlir::LogicalResult expand(kernel::TokenSelectOp op);
  mlir::LogicalResult expand(kernel::TokenGatherOp op);
  mlir::LogicalResult expand(kernel::TokenDroppedOp op);
  mlir::LogicalResult expand(kernel::TokenRestoreOp op);
  mlir::LogicalResult expand(kernel::TokenProtectOp op);
  mlir::LogicalResult expand(kernel::TokenMatchOp op);
  mlir::LogicalResult expand(kernel::TokenMergeOp op);

  /// The level's kernel for operands of a kind.
  const Microkernel &microkernel(OperandKind kind = OperandKind::F32);
  /// That for a weight, whose type says the kind.
  const Microkernel &microkernelFor(mlir::MemRefType weight);
  /// An emitter that inserts before `op`, at its location.
  Emitter emitterAt(mlir::Operation *op) const;
  /// Calls the private function `name`; the first call defines it, with a body that gets the arguments.
  void call(Emitter &e, llvm::StringRef name, mlir::ValueRange arguments,
            llvm::function_ref<void(Emitter &, mlir::ValueRange)> body);
  /// A name for the code of `op`, shared by ops with equal attributes and operand types.
  std::string nameFor(mlir::Operation *op);
  /// Calls the function that computes out[rows x panels] = a b, `panels` whole panels of `out`, which has
  /// room for what Microkernel::writesWholeTiles says.
  void callProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value depth, const Matrix &out,
                   mlir::Value rows, mlir::Value panels, OperandKind kind = OperandKind::F32);

  /// Where an op that is about to write `out` should also write it in the form of the products that read it,
  /// so that none has to convert it; null when there is no such form. `needsF32` tells whether anything reads
  /// `out` itself. To be asked before the expansion of the op makes other uses of `out`. The form may be Int8
  /// if the op has `wholeRows` to convert.
  const LeftOperand *formForReaders(Emitter &e, mlir::Value out, bool &needsF32, bool wholeRows = false);

private:
  LeftOperand leftOperand(Emitter &e, kernel::LinearOp op, const Microkernel &microkernel, OperandKind kind);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  const ISALevel &level;
  std::map<OperandKind, std::unique_ptr<Microkernel>> microkernels;
  std::map<int64_t, std::unique_ptr<Microkernel>> int4Microkernels; ///< by rows of a block
  std::map<std::string, std::string> names;
  /// Buffers whose rows were also written in the form of their readers.
  llvm::DenseMap<mlir::Value, LeftOperand> converted;
};

/// What a packed weight is stored as, by its type; nothing when it is not packed.
std::optional<OperandKind> operandKindOf(mlir::MemRefType weight);

/// Copies `columns` columns of rows [0, depth) of a row-major matrix into panels [ceil(columns /
/// 16)][depth][16] at out.offset, zeros behind the last column.
void emitPackPanels(Emitter &e, const Matrix &b, mlir::Value depth, mlir::Value columns, mlir::Value out,
                    mlir::Value outOffset);

/// Copies rows [0, keys) of `source`, `depth` columns each, into panels [ceil(keys / 16)][depth][16] of the
/// transposed matrix. Columns behind the last key are anything.
void emitPackTransposed(Emitter &e, const Matrix &source, mlir::Value keys, int64_t depth, mlir::Value out,
                        mlir::Value outOffset);

/// The same two for panels of words of two bf16, BF16 or SplitF32 as `split` says: f32 rounded to one bf16 or
/// to the sum of two; or bf16 as they are, whole vectors of them. Words of K are padded to whole tiles by
/// zeros. Rows from `depth` on are zeros, too.
void emitPackPanelsBF16(Emitter &e, bool split, const Matrix &b, mlir::Value depth, int64_t columns,
                        mlir::Value out, mlir::Value outOffset);
void emitPackTransposedBF16(Emitter &e, bool split, const Matrix &source, mlir::Value keys, int64_t depth,
                            mlir::Value out, mlir::Value outOffset);

/// How the rows and panels of a product are cut into units of work: unit u of a batch has the part u %
/// rowUnits of the rows and the panels from (u / rowUnits) * panelsPerUnit on, a multiple of 4.
struct ProductUnits {
  /// Rows `rows`, cut into `tiles` tiles; panels of `depth` words. The sizes fit the second-level cache and
  /// give every thread several units, unless the product is small.
  ProductUnits(Emitter &e, const Microkernel &microkernel, mlir::Value batches, mlir::Value tiles,
               mlir::Value rows, mlir::Value panels, mlir::Value depth);
  mlir::Value rowUnits, panelUnits, panelsPerUnit;
};

/// Work units per claim so that one claim moves about 32 KiB.
mlir::Value grainForBytes(Emitter &e, mlir::Value bytesPerUnit);

} // namespace tamis

#endif
