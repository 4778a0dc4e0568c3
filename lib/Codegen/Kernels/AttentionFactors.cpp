//===- AttentionFactors.cpp - The four factors of an attention's two products -------------------------===//
#include "AttentionFactors.h"

using namespace mlir;
using namespace tamis;

/// Words of K of a tile; packed factors have whole tiles.
static constexpr int64_t tileWords = 16;
/// Queries a block: a tile's rows, so that scores, weights and panels of 128 keys stay in the first-level
/// cache; for vector kernels, which have tiles of 6 rows and no more to write than scores, three times as
/// many.
static constexpr int64_t tileRows = 16, vectorRows = 48;

static OperandKind kindOf(nn::ProductPrecision precision) {
  switch (precision) {
  case nn::ProductPrecision::F32:
    return OperandKind::F32;
  case nn::ProductPrecision::BF16:
    return OperandKind::BF16;
  case nn::ProductPrecision::SplitF32:
    return OperandKind::SplitF32;
  }
  llvm_unreachable("all precisions are listed");
}
static Value roundUp(Emitter &e, Value v, int64_t multiple) {
  return e.mul(e.ceilDiv(v, multiple), multiple);
}

void AttentionScratch::moveTo(Emitter &e, Value thread) {
  Value numbers = e.mul(thread, numbersSize), packed = e.mul(thread, packedSize);
  for (Value *place : {&scores, &products, &mask, &maxima, &sums, &factors})
    *place = e.add(*place, numbers);
  for (Value *place : {&keyPanels, &valuePanels, &queries, &weights})
    *place = e.add(*place, packed);
}

AttentionFactors::AttentionFactors(KernelExpander &expander, kernel::AttentionOp op)
    : expander(expander), operands(kindOf(op.getPrecision())), depth(op.getHeadDim()),
      valueDepth(op.getValueDim()) {
  bool wholeColumns = (op.getQColumn() | op.getKColumn() | op.getVColumn()) % 2 == 0;
  // Rows of caches are of f32, and queries that read them few at a time as well.
  bool cached = cast<MemRefType>(op.getK().getType()).getRank() == 4;
  hasWholeHeads = !cached && depth % (2 * tileWords) == 0 && valueDepth % panelColumns == 0 && wholeColumns;
  // A kernel that takes the left factor in f32 multiplies f32: nothing is gained by rounding the right one.
  if (expander.microkernel(operands).leftForm() == LeftForm::F32)
    operands = OperandKind::F32;
  const Microkernel &microkernel = expander.microkernel(operands);
  rows = microkernel.writesWholeTiles() ? tileRows : vectorRows;
}

static bool isBF16(Value data) { return cast<MemRefType>(data.getType()).getElementType().isBF16(); }

Matrix AttentionFactors::rowsAt(Emitter &e, Value data, Value stride, Value row, Value column) {
  return {data, e.madd(row, stride, isBF16(data) ? e.div(column, 2) : column), stride, isBF16(data)};
}

Type AttentionFactors::elementType(Emitter &e) const {
  return isF32() ? Type(e.getF32Type()) : Type(e.getBF16Type());
}
int64_t AttentionFactors::valueColumns() const { return llvm::alignTo(valueDepth, panelColumns); }
int64_t AttentionFactors::depthWords() const {
  return isF32() ? depth : llvm::alignTo(llvm::divideCeil(depth, 2), tileWords);
}
Value AttentionFactors::paddedKeys(Emitter &e, Value keys) const {
  return roundUp(e, keys, isF32() ? panelColumns : 2 * tileWords);
}
Value AttentionFactors::scoreStride(Emitter &e, Value padded) const {
  // Rows of a tile that are a power of 2 apart would fall on few lines of the cache.
  return isF32() ? padded : e.add(padded, panelColumns);
}
Value AttentionFactors::keyWords(Emitter &e, Value keys) const {
  return isF32() ? keys : e.div(paddedKeys(e, keys), 2);
}

AttentionScratch AttentionFactors::scratch(Emitter &e, Value padded, Value queries, bool hasMask) const {
  Value next = e.index(0);
  auto take = [&](Value size) {
    Value begin = next;
    next = e.add(next, roundUp(e, size, 16));
    return begin;
  };
  AttentionScratch at;
  at.scores = take(e.mul(scoreStride(e, padded), rows));
  at.products = take(e.index(rows * valueColumns()));
  at.mask = take(hasMask ? padded : e.index(0));
  at.maxima = take(queries);
  at.sums = take(queries);
  at.factors = take(e.index(rows));
  at.numbersSize = next;
  next = e.index(0);
  at.keyPanels = take(e.mul(padded, depthWords() * terms()));
  at.valuePanels = take(e.mul(keyWords(e, padded), valueColumns() * terms()));
  at.queries = take(e.index(isF32() ? 0 : rows * depthWords() * terms()));
  at.weights = take(isF32() ? e.index(0) : e.mul(keyWords(e, padded), rows * terms()));
  at.packedSize = next;
  return at;
}

void AttentionFactors::packKeys(Emitter &e, const Matrix &k, Value keys, Value packed, Value at) const {
  if (isF32())
    emitPackTransposed(e, k, keys, depth, packed, at);
  else
    emitPackTransposedBF16(e, isSplit(), k, keys, depth, packed, at);
}

void AttentionFactors::packValues(Emitter &e, const Matrix &v, Value keys, Value packed, Value at) const {
  if (isF32())
    emitPackPanels(e, v, keys, e.index(valueDepth), packed, at);
  else
    emitPackPanelsBF16(e, isSplit(), v, keys, valueDepth, packed, at);
}

LeftRows AttentionFactors::leftRows(Value packed, Value at, Value words) const {
  const Microkernel &microkernel = expander.microkernel(operands);
  LeftRows rows;
  rows.form = microkernel.leftForm();
  rows.tiled = microkernel.wantsTiledLeft();
  rows.data = packed;
  rows.stride = words;
  rows.offset = at;
  return rows;
}

void AttentionFactors::emitProduct(Emitter &e, const Matrix &a, const Panels &b, Value words,
                                   const Matrix &out, Value rows, Value panels) const {
  const Microkernel &microkernel = expander.microkernel(operands);
  if (!microkernel.writesWholeTiles())
    return expander.callProduct(e, a, b, words, out, rows, panels, operands);
  // Each function that uses tiles configures them anew, which takes as long as a product of 16 rows.
  RowTiles tiles = microkernel.rowTiles(e, rows);
  microkernel.emitProduct(e, a, b, words, out, tiles, e.index(0), tiles.tiles, e.index(0), panels);
}

void AttentionFactors::emitScores(Emitter &e, const Matrix &q, Value queries, Value keys, Value packed,
                                  const AttentionScratch &at, const Matrix &scores) const {
  Matrix left = q;
  if (!isF32() && !isBF16(q.data)) {
    LeftRows rows = leftRows(packed, at.queries, e.index(depthWords() * terms()));
    e.loop(e.index(0), queries, [&](Value i) {
      Value from = e.madd(i, q.stride, q.offset), begin = rows.begin(e, i);
      auto load = [&](int64_t column) -> Value {
        if (column >= depth)
          return e.vector(0);
        Value mask = column + e.getWidth() <= depth ? Value() : e.maskOf(e.index(depth - column));
        return e.loadVector(q.data, e.add(from, column), mask);
      };
      for (int64_t c = 0; c < depth; c += 2 * tileWords)
        rows.storeTileRow(e, load(c), load(c + e.getWidth()), begin, e.index(c));
    });
    left = rows.matrix(e);
  }
  Panels panels{packed, at.keyPanels, e.index(panelColumns), e.index(panelColumns * depthWords() * terms())};
  emitProduct(e, left, panels, e.index(depthWords()), scores, queries, e.ceilDiv(keys, panelColumns));
}

std::optional<LeftRows> AttentionFactors::weightRows(Emitter &e, Value keys, Value packed,
                                                     const AttentionScratch &at) const {
  if (isF32())
    return std::nullopt;
  return leftRows(packed, at.weights, e.mul(keyWords(e, keys), terms()));
}

void AttentionFactors::emitProducts(Emitter &e, Value queries, Value keys, Value packed,
                                    const AttentionScratch &at, const Matrix &scores) const {
  std::optional<LeftRows> rows = weightRows(e, keys, packed, at);
  Value words = keyWords(e, keys);
  Panels panels{packed, at.valuePanels, e.index(panelColumns), e.mul(words, panelColumns * terms())};
  emitProduct(e, rows ? rows->matrix(e) : scores, panels, words,
              Matrix{scores.data, at.products, e.index(valueColumns())}, queries,
              e.index(valueColumns() / panelColumns));
}
