//===- Pack.cpp - Run-time packing into panels --------------------------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

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

void tamis::emitPackTransposed(Emitter &e, const Matrix &source, Value keys, int64_t depth, Value out,
                               Value outOffset) {
  auto type = VectorType::get(8, e.getF32Type());
  Value last = e.sub(keys, e.index(1));
  int64_t whole = depth / 8 * 8;
  // Half a panel, 8 keys, at a time.
  e.loop(e.index(0), e.mul(e.ceilDiv(keys, panelColumns), 2), [&](Value half) {
    Value key = e.mul(half, 8);
    Value to = e.add(e.madd(e.div(half, 2), e.index(depth * panelColumns), outOffset),
                     e.mul(e.rem(half, e.index(2)), 8));
    SmallVector<Value> from;
    for (int64_t r = 0; r < 8; ++r)
      from.push_back(e.madd(e.min(e.add(key, r), last), source.stride, source.offset));
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
