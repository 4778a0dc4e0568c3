//===- Pack.cpp - Run-time packing into panels --------------------------------------------------------===//
#include "BF16.h"
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Rows of a tile of words.
static constexpr int64_t tileWords = 16;

void tamis::emitPackPanels(Emitter &e, const Matrix &b, Value depth, Value columns, Value out,
                           Value outOffset) {
  int64_t width = e.getWidth();
  Value whole = e.div(columns, panelColumns);
  auto copyPanel = [&](Value panel, ArrayRef<Value> masks) {
    Value from = e.madd(panel, e.index(panelColumns), b.offset);
    Value to = e.madd(panel, e.mul(depth, panelColumns), outOffset);
    e.loop(e.index(0), depth, [&](Value k) {
      Value source = e.madd(k, b.stride, from), target = e.madd(k, e.index(panelColumns), to);
      for (int64_t j = 0; j < panelColumns; j += width) {
        Value v = e.loadVector(b.data, e.add(source, j), masks.empty() ? Value() : masks[j / width]);
        e.storeVector(v, out, e.add(target, j));
      }
    });
  };
  e.loop(e.index(0), whole, [&](Value panel) { copyPanel(panel, {}); });
  auto known = getConstantIntValue(columns);
  if (known && *known % panelColumns == 0)
    return;
  Value rest = e.sub(columns, e.mul(whole, panelColumns));
  e.when(e.less(e.index(0), rest), [&] {
    SmallVector<Value> masks;
    for (int64_t j = 0; j < panelColumns; j += width)
      masks.push_back(e.maskOf(e.sub(e.max(rest, j), e.index(j))));
    copyPanel(whole, masks);
  });
}

/// Transposes 8 vectors of 8 lanes by 24 shuffles that are single AVX instructions.
static void transpose8x8(Emitter &e, MutableArrayRef<Value> rows) {
  auto shuffle = [&](Value a, Value b, ArrayRef<int64_t> lanes) -> Value {
    return vector::ShuffleOp::create(e, a, b, lanes);
  };
  Value pairs[8], quads[8];
  for (int64_t i = 0; i < 8; i += 2) {
    pairs[i] = shuffle(rows[i], rows[i + 1], {0, 8, 1, 9, 4, 12, 5, 13});
    pairs[i + 1] = shuffle(rows[i], rows[i + 1], {2, 10, 3, 11, 6, 14, 7, 15});
  }
  for (int64_t half = 0; half < 8; half += 4)
    for (int64_t i = 0; i < 2; ++i) {
      quads[half + 2 * i] = shuffle(pairs[half + i], pairs[half + i + 2], {0, 1, 8, 9, 4, 5, 12, 13});
      quads[half + 2 * i + 1] = shuffle(pairs[half + i], pairs[half + i + 2], {2, 3, 10, 11, 6, 7, 14, 15});
    }
  for (int64_t i = 0; i < 4; ++i) {
    rows[i] = shuffle(quads[i], quads[i + 4], {0, 1, 2, 3, 8, 9, 10, 11});
    rows[i + 4] = shuffle(quads[i], quads[i + 4], {4, 5, 6, 7, 12, 13, 14, 15});
  }
}

/// Calls body(to, from) for each half of a panel of 16 rows of `source` that has keys: 8 rows begin at
/// `from`, those behind the last key being that; the half's words go to `to`, of panels of `panelWords`
/// words.
static void forHalfPanels(Emitter &e, const Matrix &source, Value keys, int64_t panelWords, Value outOffset,
                          llvm::function_ref<void(Value, ArrayRef<Value>)> body) {
  Value last = e.sub(keys, e.index(1));
  e.loop(e.index(0), e.ceilDiv(keys, 8), [&](Value half) {
    Value key = e.mul(half, 8);
    Value to =
        e.add(e.madd(e.div(half, 2), e.index(panelWords), outOffset), e.mul(e.rem(half, e.index(2)), 8));
    SmallVector<Value> from;
    for (int64_t r = 0; r < 8; ++r)
      from.push_back(e.madd(e.min(e.add(key, r), last), source.stride, source.offset));
    body(to, from);
  });
}

void tamis::emitPackTransposed(Emitter &e, const Matrix &source, Value keys, int64_t depth, Value out,
                               Value outOffset) {
  auto type = VectorType::get(8, e.getF32Type());
  int64_t whole = depth / 8 * 8;
  forHalfPanels(e, source, keys, depth * panelColumns, outOffset, [&](Value to, ArrayRef<Value> from) {
    e.loop(e.index(0), e.index(whole), e.index(8), [&](Value d) {
      SmallVector<Value> rows;
      for (Value row : from)
        rows.push_back(vector::LoadOp::create(e, type, source.data, ValueRange{e.add(row, d)}));
      transpose8x8(e, rows);
      for (int64_t c = 0; c < 8; ++c)
        vector::StoreOp::create(e, rows[c], out, ValueRange{e.madd(e.add(d, c), e.index(panelColumns), to)});
    });
    e.loop(e.index(whole), e.index(depth), [&](Value d) {
      Value at = e.madd(d, e.index(panelColumns), to);
      for (int64_t r = 0; r < 8; ++r)
        e.store(e.load(source.data, e.add(from[r], d)), out, e.add(at, r));
    });
  });
}

/// 16 columns of a row, which begins at word `row`, as terms of bf16: those it has, or f32 rounded to some.
static Emitter::Values loadTerms(Emitter &e, bool split, Value data, Value row, Value column, Value mask) {
  if (!cast<MemRefType>(data.getType()).getElementType().isBF16())
    return roundToTerms(e, e.loadVector(data, e.add(row, column), mask), split);
  assert(!split && !mask && "rows of bf16 have one term, and whole vectors");
  return {e.loadVector(data, e.madd(row, e.index(2), column))};
}

void tamis::emitPackTransposedBF16(Emitter &e, bool split, const Matrix &source, Value keys, int64_t depth,
                                   Value out, Value outOffset) {
  int64_t terms = split ? 2 : 1, tiles = llvm::divideCeil(depth, 2 * tileWords);
  auto words = VectorType::get(8, e.getF32Type()), pairs = VectorType::get(16, e.getBF16Type());
  // 16 columns are 8 words, to be transposed as if they were f32.
  auto emitWords = [&](Value to, ArrayRef<Value> from, Value tile, int64_t inTile, Value mask) {
    Value column = e.add(e.mul(tile, 2 * tileWords), 2 * inTile);
    SmallVector<Value> rows[2];
    for (Value row : from)
      for (auto [t, term] : llvm::enumerate(loadTerms(e, split, source.data, row, column, mask)))
        rows[t].push_back(vector::BitCastOp::create(e, words, term));
    for (int64_t t = 0; t < terms; ++t) {
      transpose8x8(e, rows[t]);
      for (int64_t c = 0; c < 8; ++c) {
        Value word = e.add(e.mul(tile, tileWords * terms), t * tileWords + inTile + c);
        vector::StoreOp::create(e, vector::BitCastOp::create(e, pairs, rows[t][c]), out,
                                ValueRange{e.mul(e.madd(word, e.index(panelColumns), to), 2)});
      }
    }
  };
  int64_t whole = depth / (2 * tileWords), rest = depth % (2 * tileWords);
  auto packHalf = [&](Value to, ArrayRef<Value> from) {
    e.loop(e.index(0), e.index(whole), [&](Value tile) {
      for (int64_t inTile = 0; inTile < tileWords; inTile += 8)
        emitWords(to, from, tile, inTile, Value());
    });
    for (int64_t inTile = 0; rest && inTile < tileWords; inTile += 8)
      emitWords(to, from, e.index(whole), inTile, e.maskOf(e.index(std::max<int64_t>(rest - 2 * inTile, 0))));
  };
  forHalfPanels(e, source, keys, tiles * terms * tileWords * panelColumns, outOffset, packHalf);
}

void tamis::emitPackPanelsBF16(Emitter &e, bool split, const Matrix &b, Value depth, int64_t columns,
                               Value out, Value outOffset) {
  int64_t terms = split ? 2 : 1;
  auto words = VectorType::get(panelColumns, e.getI32Type());
  auto halves = VectorType::get(panelColumns, e.getI16Type());
  auto pairs = VectorType::get(2 * panelColumns, e.getBF16Type());
  Value pairedRows = e.div(depth, 2), tiles = e.ceilDiv(depth, 2 * tileWords);
  Value panelStride = e.mul(tiles, tileWords * panelColumns * terms);
  Value sixteen = arith::ConstantOp::create(e, DenseElementsAttr::get(words, e.getI32IntegerAttr(16)));
  auto bitsOf = [&](Value term) -> Value {
    return arith::ExtUIOp::create(e, words, vector::BitCastOp::create(e, halves, term));
  };
  for (int64_t column = 0; column < columns; column += panelColumns) {
    Value mask = column + panelColumns <= columns ? Value() : e.maskOf(e.index(columns - column));
    Value to = e.madd(e.index(column / panelColumns), panelStride, outOffset);
    auto load = [&](Value row) {
      return loadTerms(e, split, b.data, e.madd(row, b.stride, b.offset), e.index(column), mask);
    };
    auto store = [&](Value word, ArrayRef<Value> values) {
      Value tile = e.div(word, tileWords), row = e.rem(word, e.index(tileWords));
      Value at = e.add(e.mul(tile, tileWords * terms), row);
      for (int64_t t = 0; t < terms; ++t) {
        Value place = e.madd(e.add(at, t * tileWords), e.index(panelColumns), to);
        vector::StoreOp::create(e, vector::BitCastOp::create(e, pairs, values[t]), out,
                                ValueRange{e.mul(place, 2)});
      }
    };
    e.loop(e.index(0), pairedRows, [&](Value word) {
      Emitter::Values even = load(e.mul(word, 2)), odd = load(e.add(e.mul(word, 2), 1));
      for (int64_t t = 0; t < terms; ++t)
        even[t] = arith::OrIOp::create(e, bitsOf(even[t]), arith::ShLIOp::create(e, bitsOf(odd[t]), sixteen));
      store(word, even);
    });
    Value single = e.ceilDiv(depth, 2);
    e.loop(pairedRows, single, [&](Value word) {
      Emitter::Values row = load(e.mul(word, 2));
      for (Value &term : row)
        term = bitsOf(term);
      store(word, row);
    });
    Emitter::Values zeros(terms, arith::ConstantOp::create(e, e.getZeroAttr(words)));
    e.loop(single, e.mul(tiles, tileWords), [&](Value word) { store(word, zeros); });
  }
}
