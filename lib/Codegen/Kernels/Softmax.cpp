//===- Softmax.cpp - kernel.softmax, row by row -------------------------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

using namespace mlir;
using namespace tamis;

LogicalResult KernelExpander::expand(kernel::SoftmaxOp op) {
  Emitter e = emitterAt(op);
  int64_t rank = cast<MemRefType>(op.getX().getType()).getRank();
  Value rows = e.dims(op.getX(), 0, rank - 1), n = e.dim(op.getX(), -1);
  Value x = e.flatten(op.getX()), out = e.flatten(op.getOut());
  Value elements = e.mul(rows, n);
  Value lowest = e.vector(-std::numeric_limits<float>::infinity());
  e.parallel(rows, grainForBytes(e, e.mul(n, 8)), "softmax", e.mul(elements, 20), e.mul(elements, 8),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 Value base = e.mul(row, n);
                 Value greatest = e.reduceVectors(
                     n, lowest,
                     [&](Value at, Value mask, Value greatest) {
                       Value v = e.loadVector(x, e.add(base, at), mask);
                       return e.maxF(mask ? e.select(mask, v, lowest) : v, greatest);
                     },
                     [&](Value a, Value b) { return e.maxF(a, b); });
                 // e^(x - m) = 2^(x c - m c) with c = log2 e. Rounding m c scales all weights alike.
                 Value toPower = e.vector(log2OfE);
                 Value least = e.mulF(e.splat(e.reduceMax(greatest)), e.vector(-log2OfE));
                 Value sum = e.reduceVectors(
                     n, e.vector(0),
                     [&](Value at, Value mask, Value sum) {
                       Value v = e.fma(e.loadVector(x, e.add(base, at), mask), toPower, least);
                       v = emitExp2OfNegative(e, v);
                       e.storeVector(v, out, e.add(base, at), mask);
                       return e.addF(sum, mask ? e.select(mask, v, e.vector(0)) : v);
                     },
                     [&](Value a, Value b) { return e.addF(a, b); });
                 Value factor = e.splat(e.divF(e.scalar(1), e.reduceAdd(sum)));
                 e.forVectors(n, [&](Value at, Value mask) {
                   at = e.add(base, at);
                   e.storeVector(e.mulF(e.loadVector(out, at, mask), factor), out, at, mask);
                 });
               });
             });
  return success();
}
