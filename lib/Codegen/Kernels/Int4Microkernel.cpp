//===- Int4Microkernel.cpp - Products of i8 and weights of 4 bits --------------------------------------===//
#include "Int4Microkernel.h"
#include "WordPointers.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Words of 8 elements of a column whose products are added up without a loop; without VNNI in 16 bits, which
/// hold them: 8 pairs of 15 * 127.
static constexpr int64_t chunkRows = 4;
/// Words ahead of their use for which a tile that alone reads the panels asks.
static constexpr int64_t wordsAhead = 128 * panelColumns;

static VectorType vectorOf(Emitter &e, Type element, int64_t perWord = 1) {
  return VectorType::get(e.getWidth() * perWord, element);
}
static VectorType wordsOf(Emitter &e) { return vectorOf(e, e.getI32Type()); }
static Value splat(Emitter &e, VectorType type, int64_t value) {
  return arith::ConstantOp::create(
      e, DenseElementsAttr::get(type, e.getIntegerAttr(type.getElementType(), value)));
}
static Value intrinsic(Emitter &e, StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(e, result, e.getStringAttr(name), operands).getResult(0);
}
/// The word in all lanes.
static Value splatWord(Emitter &e, Value row, Value word) {
  return vector::BroadcastOp::create(e, wordsOf(e), loadWords(e, e.getI32Type(), row, word));
}

namespace {
/// Sums of products of one row and one vector of columns over a chunk.
class ChunkSum {
public:
  ChunkSum(const ISALevel &level, Value sum) : vnni(level.vnni), sum(sum) {}

  /// Adds four products a lane, of unsigned and signed bytes.
  void add(Emitter &e, Value weights, Value left) {
    bool wide = e.getWidth() == 16;
    VectorType bytes = vectorOf(e, e.getI8Type(), 4), halves = vectorOf(e, e.getI16Type(), 2);
    weights = vector::BitCastOp::create(e, bytes, weights);
    left = vector::BitCastOp::create(e, bytes, left);
    if (vnni) {
      StringRef name = wide ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
      sum = intrinsic(e, name, sum.getType(), {sum, weights, left});
      return;
    }
    StringRef name = wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
    Value pairs = intrinsic(e, name, halves, {weights, left});
    sixteen = sixteen ? Value(arith::AddIOp::create(e, sixteen, pairs)) : pairs;
  }

  /// The sum so far in 32 bits.
  Value finish(Emitter &e) const {
    if (!sixteen)
      return sum;
    StringRef name = e.getWidth() == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
    Value ones = splat(e, vectorOf(e, e.getI16Type(), 2), 1);
    return arith::AddIOp::create(e, sum, intrinsic(e, name, sum.getType(), {sixteen, ones}));
  }

private:
  bool vnni;
  Value sum, sixteen;
};

/// The rows and columns of a tile that are computed at once.
struct Piece {
  ArrayRef<Value> rows;    ///< pointers
  ArrayRef<Value> columns; ///< pointers to vectors of the panels' first word
  int64_t chains() const { return rows.size() * columns.size(); }
};
} // namespace

Value Int4Microkernel::groupSum(Emitter &e, Value sum) const {
  if (!format.hasZeros)
    return arith::MulIOp::create(e, sum,
                                 arith::ConstantOp::create(e, e.getI32IntegerAttr(-format.defaultZero)));
  Value negated = arith::SubIOp::create(e, arith::ConstantOp::create(e, e.getI32IntegerAttr(0)), sum);
  return arith::BitcastOp::create(e, e.getI32Type(), arith::SIToFPOp::create(e, e.getF32Type(), negated));
}

int64_t Int4Microkernel::panels(int64_t rows) const {
  if (isa().lanes == 16)
    return rows <= 2 ? 4 : 2;
  return rows == 1 ? 2 : 1;
}

/// Adds the products of the words [first, first + count) of a group, at `word` of the panels, to the sums.
static void emitChunk(Emitter &e, const ISALevel &level, const Piece &piece, Value leftWord, Value word,
                      int64_t count, MutableArrayRef<Value> sums) {
  SmallVector<ChunkSum> chains;
  for (Value sum : sums)
    chains.emplace_back(level, sum);
  Value mask = splat(e, wordsOf(e), 0x0f0f0f0f), four = splat(e, wordsOf(e), 4);
  for (int64_t r = 0; r < count; ++r) {
    SmallVector<std::pair<Value, Value>> halves;
    for (Value column : piece.columns) {
      Value both = loadWords(e, wordsOf(e), column, e.add(word, r * panelColumns));
      halves.emplace_back(arith::AndIOp::create(e, both, mask),
                          arith::AndIOp::create(e, arith::ShRUIOp::create(e, both, four), mask));
    }
    for (auto [i, row] : llvm::enumerate(piece.rows)) {
      Value low = splatWord(e, row, e.add(leftWord, 2 * r)),
            high = splatWord(e, row, e.add(leftWord, 2 * r + 1));
      for (auto [j, weights] : llvm::enumerate(halves)) {
        ChunkSum &chain = chains[i * piece.columns.size() + j];
        chain.add(e, weights.first, low);
        chain.add(e, weights.second, high);
      }
    }
  }
  for (auto [sum, chain] : llvm::zip(sums, chains))
    sum = chain.finish(e);
}

/// The f32 sums of a piece with those of one group added, whose words are at `word` of the panels.
static Emitter::Values emitGroup(Emitter &e, const ISALevel &level, const weight::Int4Format &format,
                                 const Piece &piece, Value depth, Value group, Value word, ValueRange sofar) {
  int64_t leftWords = format.group / 4, chunk = std::min(format.wordRows(), chunkRows);
  Value leftWord = e.mul(group, leftWords), sumWord = e.add(depth, group);
  Emitter::Values integers(piece.chains(), splat(e, wordsOf(e), 0)), result;
  if (!format.hasZeros)
    for (auto [i, integer] : llvm::enumerate(integers))
      integer = splatWord(e, piece.rows[i / piece.columns.size()], sumWord);
  if (chunk == format.wordRows())
    emitChunk(e, level, piece, leftWord, word, chunk, integers);
  else
    integers = e.loop(e.index(0), e.index(format.wordRows()), e.index(chunk), integers,
                      [&](Value r, ValueRange carried) {
                        Emitter::Values next(carried);
                        emitChunk(e, level, piece, e.madd(r, e.index(2), leftWord),
                                  e.madd(r, e.index(panelColumns), word), chunk, next);
                        return next;
                      });
  SmallVector<Value> scales, zeros;
  for (Value column : piece.columns) {
    Value scale = e.add(word, format.wordRows() * panelColumns);
    scales.push_back(loadWords(e, e.vectorType(), column, scale));
    if (format.hasZeros)
      zeros.push_back(loadWords(e, e.vectorType(), column, e.add(scale, panelColumns)));
  }
  for (int64_t n = 0; n < piece.chains(); ++n) {
    int64_t i = n / piece.columns.size(), j = n % piece.columns.size();
    Value number = arith::SIToFPOp::create(e, e.vectorType(), integers[n]);
    // Exact where the zero point is an integer.
    if (format.hasZeros)
      number = e.fma(zeros[j], e.splat(loadWords(e, e.getF32Type(), piece.rows[i], sumWord)), number);
    result.push_back(e.fma(number, scales[j], sofar[n]));
  }
  return result;
}

void Int4Microkernel::emitTile(Emitter &e, int64_t rows, int64_t panels, bool isOnly, const Matrix &a,
                               const Panels &b, Value depth, const Matrix &out) const {
  int64_t width = vectorWidth(), vectors = panelColumns / width;
  SmallVector<Value> aRows = pointersTo(e, a.data, a.offset, a.stride, rows),
                     bPanels = pointersTo(e, b.data, b.offset, b.panelStride, panels), columns;
  for (int64_t p = 0; p < panels; ++p)
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(pointersTo(e, b.data, e.add(e.madd(e.index(p), b.panelStride, b.offset), v * width),
                                   b.panelStride, 1)
                            .front());
  Value groups = e.div(depth, format.group / 4);
  // AVX2 has registers for many rows of one vector, or few of more.
  size_t together = width == 8 && rows > 2 ? 1 : columns.size();
  for (size_t first = 0; first < columns.size(); first += together) {
    Piece piece{aRows, ArrayRef(columns).slice(first, together)};
    Emitter::Values sums(piece.chains(), e.vector(0));
    sums = e.loop(e.index(0), groups, e.index(1), sums, [&](Value group, ValueRange carried) {
      Value word = e.mul(group, format.blockWords());
      if (isOnly && first == 0) {
        // Behind the last group of a panel come those of the panel as far on as the tile is wide.
        Value later = e.add(word, wordsAhead);
        if (panels > 1)
          later = e.add(later,
                        e.select(e.less(later, b.panelStride), e.index(0), e.mul(b.panelStride, panels - 1)));
        for (int64_t r = 0; r < format.blockRows(); ++r)
          for (Value panel : bPanels)
            prefetchWord(e, panel, e.add(later, r * panelColumns), 2);
      }
      return emitGroup(e, isa(), format, piece, depth, group, word, carried);
    });
    for (int64_t n = 0; n < piece.chains(); ++n) {
      Value row = e.madd(e.index(n / together), out.stride, out.offset);
      e.storeVector(sums[n], out.data, e.add(row, (first + n % together) * width));
    }
  }
}

void Int4Microkernel::emitNest(Emitter &e, ArrayRef<int64_t> rowCounts, bool isOneTile, const Matrix &a,
                               const Panels &b, Value depth, const Matrix &out, Value buffer,
                               const RowTiles &rows, Value tileBegin, Value tileEnd, Value panelBegin,
                               Value panelEnd, TileEpilogue epilogue) const {
  forPanelGroups(
      e, panels(rowCounts.back()), panelBegin, panelEnd, [&](int64_t width, Value begin, Value end) {
        e.loop(begin, end, e.index(width), [&](Value panel) {
          Panels bTile = b;
          bTile.offset = e.madd(panel, b.panelStride, b.offset);
          e.loop(tileBegin, tileEnd, [&](Value tile) {
            TileOperands at(e, rows, tile, a, out, panel, width, buffer);
            auto emit = [&](int64_t n) { emitTile(e, n, width, isOneTile, at.left, bTile, depth, at.sums); };
            e.choose(at.rows, rowCounts.drop_back(), emit, [&] { emit(rowCounts.back()); });
            if (epilogue)
              epilogue(Tile{at.sums, at.row, at.rows, panel, width});
          });
        });
      });
}

void Int4Microkernel::emitProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth,
                                  const Matrix &out, const RowTiles &rows, Value tileBegin, Value tileEnd,
                                  Value panelBegin, Value panelEnd, TileEpilogue epilogue,
                                  Value buffer) const {
  auto nest = [&](ArrayRef<int64_t> counts, bool isOneTile) {
    emitNest(e, counts, isOneTile, a, b, depth, out, buffer, rows, tileBegin, tileEnd, panelBegin, panelEnd,
             epilogue);
  };
  // Fewer rows than these make one tile, which may be wider; other tiles are equally wide.
  int64_t fewest = (maxRows() + 1) / 2;
  assert(panels(fewest) == panels(maxRows()) && "an even cut mixes widths");
  auto range = [](int64_t first, int64_t last) { return llvm::to_vector(llvm::seq_inclusive(first, last)); };
  e.choose(
      rows.quotient, range(1, fewest - 1), [&](int64_t n) { nest({n}, true); },
      [&] { nest(range(fewest, maxRows()), false); });
}
