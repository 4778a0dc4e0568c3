//===- DynamicRange.cpp - kernel.dynamic_range: what a tensor is quantised with ------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

LogicalResult KernelExpander::expand(kernel::DynamicRangeOp op) {
  Emitter e = emitterAt(op);
  int64_t rank = cast<MemRefType>(op.getX().getType()).getRank();
  Value count = e.dims(op.getX(), 0, rank), x = e.flatten(op.getX()), range = e.flatten(op.getRange());
  // The extremes of each chunk, then of all.
  constexpr int64_t chunk = 1 << 14;
  Value chunks = e.ceilDiv(count, chunk);
  Value extremes = e.flatten(e.allocate(e.getF32Type(), e.mul(chunks, 2)));
  e.parallel(chunks, e.index(1), "nn.quantize", e.mul(count, 2), e.mul(count, 4),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value part) {
                 Value first = e.mul(part, chunk), length = e.min(e.sub(count, first), chunk);
                 // maxF and minF give their second operand for NaN.
                 auto extreme = [&](auto pick) {
                   return e.reduceVectors(
                       length, e.vector(0),
                       [&](Value at, Value mask, Value sum) {
                         return pick(e.loadVector(x, e.add(first, at), mask), sum);
                       },
                       pick);
                 };
                 Value high = extreme([&](Value a, Value b) { return e.maxF(a, b); });
                 Value low = extreme([&](Value a, Value b) { return e.minF(a, b); });
                 e.store(e.reduceMax(high), extremes, e.mul(part, 2));
                 Value negated = e.reduceMax(e.subF(e.vector(0), low));
                 e.store(e.subF(e.scalar(0), negated), extremes, e.add(e.mul(part, 2), 1));
               });
             });
  auto found =
      e.loop(e.index(0), chunks, e.index(1), {e.scalar(0), e.scalar(0)}, [&](Value part, ValueRange now) {
        Value high = e.load(extremes, e.mul(part, 2)), low = e.load(extremes, e.add(e.mul(part, 2), 1));
        return Emitter::Values{e.maxF(high, now[0]), e.minF(low, now[1])};
      });
  Value scale = e.divF(e.subF(found[0], found[1]), e.scalar(255));
  scale = e.select(e.compare(arith::CmpFPredicate::OEQ, scale, e.scalar(0)), e.scalar(1), scale);
  Value zero = math::RoundEvenOp::create(e, e.divF(e.subF(e.scalar(0), found[1]), scale));
  zero = e.minF(e.maxF(zero, e.scalar(0)), e.scalar(255));
  e.store(scale, range, e.index(0));
  e.store(zero, range, e.index(1));
  return success();
}
