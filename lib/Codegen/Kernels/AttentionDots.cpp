//===- AttentionDots.cpp - Products of one query with many keys ---------------------------------------===//
#include "AttentionDots.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace tamis;

Value tamis::loadRow(Emitter &e, const Matrix &m, Value row, int64_t column) {
  Value at = e.madd(row, m.stride, m.offset);
  if (!cast<MemRefType>(m.data.getType()).getElementType().isBF16())
    return e.loadVector(m.data, e.add(at, column));
  return e.extendBF16(e.loadVector(m.data, e.add(e.mul(at, 2), column)));
}

Value tamis::loadRow(Emitter &e, const Matrix &m, Value row, int64_t column, int64_t columns) {
  if (column + e.getWidth() <= columns)
    return loadRow(e, m, row, column);
  // Rows of bf16 are whole vectors.
  return e.loadVector(m.data, e.add(e.madd(row, m.stride, m.offset), column),
                      e.maskOf(e.index(columns - column)));
}

SmallVector<Value> tamis::loadWholeRow(Emitter &e, const Matrix &m, Value row, int64_t columns) {
  SmallVector<Value> vectors;
  for (int64_t column = 0; column < columns; column += e.getWidth())
    vectors.push_back(loadRow(e, m, row, column, columns));
  return vectors;
}

/// The sums of `width` vectors, as one vector: each step adds the halves of what one and the next vector
/// hold, which leaves half the vectors.
static Value emitSums(Emitter &e, SmallVector<Value> vectors) {
  int64_t width = e.getWidth();
  for (int64_t part = width / 2; part > 0; part /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < width; ++lane) {
      int64_t segment = lane / part, segments = width / part;
      int64_t from = segment % (segments / 2) * 2 * part + lane % part + (segment < segments / 2 ? 0 : width);
      low.push_back(from);
      high.push_back(from + part);
    }
    SmallVector<Value> sums;
    for (size_t i = 0; i < vectors.size(); i += 2) {
      Value a = vector::ShuffleOp::create(e, vectors[i], vectors[i + 1], low);
      Value b = vector::ShuffleOp::create(e, vectors[i], vectors[i + 1], high);
      sums.push_back(e.addF(a, b));
    }
    vectors = std::move(sums);
  }
  return vectors.front();
}

Value tamis::emitDots(Emitter &e, ArrayRef<Value> query, const Matrix &k, int64_t depth, Value first,
                      Value keys) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < e.getWidth(); ++i) {
    Value key = e.add(first, i);
    rows.push_back(keys ? e.min(key, e.sub(keys, e.index(1))) : key);
  }
  return emitDots(e, query, k, depth, rows);
}

Value tamis::emitDots(Emitter &e, ArrayRef<Value> query, const Matrix &k, int64_t depth,
                      ArrayRef<Value> keys) {
  int64_t width = e.getWidth();
  SmallVector<Value> sums;
  for (Value key : keys) {
    Value sum;
    for (auto [number, queryVector] : llvm::enumerate(query)) {
      Value keyVector = loadRow(e, k, key, static_cast<int64_t>(number) * width, depth);
      sum = sum ? e.fma(queryVector, keyVector, sum) : e.mulF(queryVector, keyVector);
    }
    sums.push_back(sum);
  }
  return emitSums(e, std::move(sums));
}

Value tamis::emitQueryWeights(Emitter &e, ArrayRef<Value> query, const Matrix &k, int64_t depth, Value count,
                              float scale, Value weights, Value at) {
  Value power = e.vector(scale * log2OfE);
  Value greatest = e.reduceVectors(
      count, e.vector(-std::numeric_limits<float>::infinity()),
      [&](Value j, Value mask, Value sofar) {
        Value dots = emitDots(e, query, k, depth, j, mask ? count : Value());
        Value exponents = e.mulF(dots, power);
        e.storeVector(exponents, weights, e.add(at, j), mask);
        return e.maxF(exponents, sofar);
      },
      [&](Value a, Value b) { return e.maxF(a, b); });
  Value maximum = e.splat(e.reduceMax(greatest));
  Value sum = e.reduceVectors(
      count, e.vector(0),
      [&](Value j, Value mask, Value sofar) {
        Value exponents = e.loadVector(weights, e.add(at, j), mask);
        Value own = emitExp2OfNegative(e, e.subF(exponents, maximum));
        e.storeVector(own, weights, e.add(at, j), mask);
        return e.addF(mask ? e.select(mask, own, e.vector(0)) : own, sofar);
      },
      [&](Value a, Value b) { return e.addF(a, b); });
  return e.reduceAdd(sum);
}
