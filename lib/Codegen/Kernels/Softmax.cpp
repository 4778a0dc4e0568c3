//===- Softmax.cpp - kernel.softmax and the softmax of one row ------------------------------------------===//
#include "Softmax.h"
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

using namespace mlir;
using namespace tamis;

void tamis::emitSoftmax(Emitter &e, Value n, Value x, Value from, Value out, Value to) {
  Value lowest = e.vector(-std::numeric_limits<float>::infinity());
  Value greatest = e.reduceVectors(
      n, lowest,
      [&](Value at, Value mask, Value greatest) {
        Value v = e.loadVector(x, e.add(from, at), mask);
        return e.maxF(mask ? e.select(mask, v, lowest) : v, greatest);
      },
      [&](Value a, Value b) { return e.maxF(a, b); });
  // e^(x - m) = 2^(x c - m c) with c = log2 e. Rounding m c scales all weights alike.
  Value toPower = e.vector(log2OfE);
  Value least = e.mulF(e.splat(e.reduceMax(greatest)), e.vector(-log2OfE));
  Value sum = e.reduceVectors(
      n, e.vector(0),
      [&](Value at, Value mask, Value sum) {
        Value v = e.fma(e.loadVector(x, e.add(from, at), mask), toPower, least);
        v = emitExp2OfNegative(e, v);
        e.storeVector(v, out, e.add(to, at), mask);
        return e.addF(sum, mask ? e.select(mask, v, e.vector(0)) : v);
      },
      [&](Value a, Value b) { return e.addF(a, b); });
  Value factor = e.splat(e.divF(e.scalar(1), e.reduceAdd(sum)));
  e.forVectors(n, [&](Value at, Value mask) {
    at = e.add(to, at);
    e.storeVector(e.mulF(e.loadVector(out, at, mask), factor), out, at, mask);
  });
}

LogicalResult KernelExpander::expand(kernel::SoftmaxOp op) {
  Emitter e = emitterAt(op);
  int64_t rank = cast<MemRefType>(op.getX().getType()).getRank();
  Value rows = e.dims(op.getX(), 0, rank - 1), n = e.dim(op.getX(), -1);
  Value x = e.flatten(op.getX()), out = e.flatten(op.getOut());
  Value elements = e.mul(rows, n);
  e.parallel(rows, grainForBytes(e, e.mul(n, 8)), "softmax", e.mul(elements, 20), e.mul(elements, 8),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 Value base = e.mul(row, n);
                 emitSoftmax(e, n, x, base, out, base);
               });
             });
  return success();
}
