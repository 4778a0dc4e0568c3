//===- ExpertEpilogue.cpp - What an expert does to a tile right after its products ---------------------===//
#include "ExpertEpilogue.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

using namespace mlir;
using namespace tamis;

/// Columns of a gate side by side (weight.interleave_columns).
static constexpr int64_t gateRun = 8;

/// Runs of 8 lanes of two vectors, every other one from run `first` on.
static Value everyOtherRun(Emitter &e, Value a, Value b, int64_t first) {
  SmallVector<int64_t> lanes;
  for (int64_t run = first; run < 2 * e.getWidth() / gateRun; run += 2)
    for (int64_t i = 0; i < gateRun; ++i)
      lanes.push_back(run * gateRun + i);
  return vector::ShuffleOp::create(e, a, b, lanes);
}

/// All vectors of columns of a tile.
static SmallVector<LinearEpilogue::Columns> columnsOf(Emitter &e, const LinearEpilogue &numbers,
                                                      const Tile &tile, Value limit) {
  SmallVector<LinearEpilogue::Columns> columns;
  for (int64_t j = 0; j < tile.panels * panelColumns; j += e.getWidth())
    columns.push_back(numbers.columns(e, e.madd(tile.panel, e.index(panelColumns), e.index(j)), limit));
  return columns;
}

Value HiddenEpilogue::gate(Emitter &e, Value g, Value u) {
  nn::Activation activation = op.getActivation();
  if (!op.getLimit().isInfinity()) {
    float limit = op.getLimit().convertToFloat();
    // minF and maxF give their second operand where either is NaN: NaN stays one.
    g = e.minF(e.vector(limit), g);
    u = e.maxF(e.vector(-limit), e.minF(e.vector(limit), u));
  }
  float alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  if (alpha != 1)
    g = e.mulF(emitActivation(e, activation, e.mulF(g, e.vector(alpha))), e.vector(1 / alpha));
  else
    g = emitActivation(e, activation, g);
  return e.mulF(g, beta != 0 ? e.addF(u, e.vector(beta)) : u);
}

void HiddenEpilogue::store(Emitter &e, Value y, Value row, Value column, Value mask) const {
  if (hidden)
    e.storeVector(y, hidden, e.madd(row, stride, column), mask);
  if (form)
    form->store(e, y, row, column);
}

void HiddenEpilogue::emit(Emitter &e, const Tile &tile, Value begin) {
  int64_t width = e.getWidth(), vectors = tile.panels * panelColumns / width;
  // A whole vector of hidden columns takes two of the product. One panel alone, half of one, is the last of
  // an odd number, which no form but f32 has (Experts.cpp).
  bool isHalf = op.getGated() && vectors == 1;
  if (isHalf && form)
    return;
  SmallVector<LinearEpilogue::Columns> columns = columnsOf(e, numbers, tile, limit);
  Value column = e.mul(tile.panel, panelColumns), first = op.getGated() ? e.div(column, 2) : column;
  e.loop(e.index(0), tile.rows, [&](Value i) {
    Value from = e.madd(i, tile.product.stride, tile.product.offset);
    Value row = e.add(begin, e.add(tile.row, i));
    LinearEpilogue::Row factors = numbers.row(e, row);
    auto number = [&](int64_t vector) {
      Value product = e.loadVector(tile.product.data, e.add(from, vector * width));
      return numbers.number(e, product, columns[vector], factors);
    };
    if (!op.getGated()) {
      for (int64_t v = 0; v < vectors; ++v)
        store(e, emitActivation(e, op.getActivation(), number(v)), row, e.add(first, v * width),
              columns[v].mask);
      return;
    }
    for (int64_t v = 0; v < vectors; v += 2) {
      Value a = number(v), b = isHalf ? a : number(v + 1);
      Value y = gate(e, everyOtherRun(e, a, b, 0), everyOtherRun(e, a, b, 1));
      store(e, y, row, e.add(first, v * width / 2), isHalf ? e.maskOf(e.index(gateRun)) : Value());
    }
  });
}

void CombineEpilogue::emit(Emitter &e, const Tile &tile, Value begin) {
  int64_t width = e.getWidth(), vectors = tile.panels * panelColumns / width;
  SmallVector<LinearEpilogue::Columns> columns = columnsOf(e, numbers, tile, limit);
  Value column = e.mul(tile.panel, panelColumns);
  e.loop(e.index(0), tile.rows, [&](Value i) {
    Value from = e.madd(i, tile.product.stride, tile.product.offset);
    Value row = e.add(begin, e.add(tile.row, i)), pair = e.loadIndex(pairOf, row);
    LinearEpilogue::Row factors = numbers.row(e, row);
    Value weight = weights ? e.splat(e.load(weights, pair)) : Value();
    Value place = e.add(e.madd(weights ? e.div(pair, k) : pair, out.stride, out.offset), column);
    for (int64_t v = 0; v < vectors; ++v) {
      Value product = e.loadVector(tile.product.data, e.add(from, v * width)), at = e.add(place, v * width);
      Value y = numbers.number(e, product, columns[v], factors);
      if (weights)
        y = e.fma(weight, y, e.loadVector(out.data, at, columns[v].mask));
      e.storeVector(y, out.data, at, columns[v].mask);
    }
  });
}
