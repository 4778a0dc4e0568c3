//===- F32Microkernel.cpp - Outer products of f32 in vector registers ---------------------------------===//
#include "F32Microkernel.h"

using namespace mlir;
using namespace tamis;

void F32Microkernel::emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b,
                              Value depth, const Matrix &out) const {
  int64_t width = vectorWidth(), vectors = panelColumns / width, columns = panels * vectors;
  int64_t chains = rows * columns;
  // At least 8 independent chains keep two fused multiply-adds of latency 4 a cycle busy: narrow tiles sum
  // even and odd k (and so on) apart.
  int64_t sets = 1;
  while (chains * sets < 8 && chains * sets * 2 <= 12)
    sets *= 2;

  SmallVector<Value> rowOffsets, panelOffsets;
  for (int64_t i = 0; i < rows; ++i)
    rowOffsets.push_back(e.madd(e.index(i), a.stride, a.offset));
  for (int64_t p = 0; p < panels; ++p)
    panelOffsets.push_back(e.madd(e.index(p), b.panelStride, b.offset));

  // Adds the outer product at k to the accumulators [first, first + chains).
  auto step = [&](Value k, MutableArrayRef<Value> accumulators) {
    Value bRow = e.mul(k, b.stride);
    SmallVector<Value> bVectors;
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t v = 0; v < vectors; ++v)
        bVectors.push_back(e.loadVector(b.data, e.add(e.add(panelOffsets[p], bRow), v * width)));
    for (int64_t i = 0; i < rows; ++i) {
      Value element = e.splat(e.load(a.data, e.add(rowOffsets[i], k)));
      for (int64_t j = 0; j < columns; ++j) {
        Value &accumulator = accumulators[i * columns + j];
        accumulator = e.fma(element, bVectors[j], accumulator);
      }
    }
  };

  Value whole = e.mul(e.div(depth, sets), sets);
  SmallVector<Value> sums(chains * sets, e.vector(0));
  sums = e.loop(e.index(0), whole, e.index(sets), sums, [&](Value k, ValueRange carried) {
    Emitter::Values next(carried);
    for (int64_t s = 0; s < sets; ++s)
      step(e.add(k, s), MutableArrayRef<Value>(next).slice(s * chains, chains));
    return next;
  });
  for (int64_t n = sets; n > 1; n /= 2)
    for (int64_t i = 0; i < chains * n / 2; ++i)
      sums[i] = e.addF(sums[i], sums[i + chains * n / 2]);
  sums.resize(chains);
  if (sets > 1)
    sums = e.loop(whole, depth, e.index(1), sums, [&](Value k, ValueRange carried) {
      Emitter::Values next(carried);
      step(k, next);
      return next;
    });
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      e.storeVector(sums[i * columns + j], out.data,
                    e.add(e.madd(e.index(i), out.stride, out.offset), j * width));
}

std::unique_ptr<Microkernel> Microkernel::get(StringRef isa, OperandKind kind) {
  if (kind != OperandKind::F32)
    return nullptr;
  if (isa == "x86-64-v3")
    return createAVX2Microkernel();
  if (isa == "x86-64-v4")
    return createAVX512Microkernel();
  return nullptr;
}
