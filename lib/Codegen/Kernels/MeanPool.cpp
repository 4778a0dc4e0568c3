//===- MeanPool.cpp - kernel.mean_pool ----------------------------------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/Mask.h"

using namespace mlir;
using namespace tamis;

LogicalResult KernelExpander::expand(kernel::MeanPoolOp op) {
  if (!op.getMask() == !op.getOffsets())
    return op.emitOpError("needs either a mask or offsets");
  Emitter e = emitterAt(op);
  bool ragged = bool(op.getOffsets());
  Value h = e.dim(op.getOut(), -1), batch = e.dim(op.getOut(), 0);
  Value x = e.flatten(op.getX()), out = e.flatten(op.getOut());
  if (op.getWeights() && !ragged)
    return op.emitOpError("takes weights with offsets only");
  Value bounds = ragged ? e.flatten(op.getOffsets()) : Value();
  // One element a row, of any type; null: each row counts once.
  Value weights = !ragged ? e.flatten(op.getMask()) : op.getWeights() ? e.flatten(op.getWeights()) : Value();
  Value length = ragged ? Value() : e.dim(op.getX(), 1);
  int64_t rank = cast<MemRefType>(op.getX().getType()).getRank();
  Value elements = e.dims(op.getX(), 0, rank);
  Value perUnit = e.mul(e.div(elements, e.max(batch, 1)), 4);
  e.parallel(
      batch, grainForBytes(e, perUnit), "nn.mean_pool", e.mul(elements, 2), e.mul(elements, 4),
      [&](Value begin, Value end, Value) {
        e.loop(begin, end, [&](Value b) {
          Value first, rows, count;
          auto toIndex = [&](Value v) -> Value { return arith::IndexCastOp::create(e, e.getIndexType(), v); };
          if (ragged) {
            first = toIndex(e.load(bounds, b));
            rows = e.sub(toIndex(e.load(bounds, e.add(b, 1))), first);
          } else {
            first = e.mul(b, length);
            rows = length;
          }
          if (!weights) {
            count = arith::UIToFPOp::create(e, e.getF32Type(),
                                            arith::IndexCastOp::create(e, e.getI64Type(), rows));
          } else {
            count = e.loop(e.index(0), rows, e.index(1), e.scalar(0), [&](Value i, ValueRange sum) {
              return Emitter::Values{e.addF(sum[0], emitMaskWeight(e, e.load(weights, e.add(first, i))))};
            })[0];
          }
          Value epsilon = e.scalar(op.getEpsilon().convertToFloat());
          Value divisor = e.splat(e.maxF(epsilon, count));
          e.forVectors(h, [&](Value at, Value mask) {
            Value sum = e.loop(e.index(0), rows, e.index(1), e.vector(0), [&](Value i, ValueRange sum) {
              Value row = e.add(first, i);
              Value v = e.loadVector(x, e.madd(row, h, at), mask);
              if (!weights)
                return Emitter::Values{e.addF(sum[0], v)};
              return Emitter::Values{e.fma(v, e.splat(emitMaskWeight(e, e.load(weights, row))), sum[0])};
            })[0];
            e.storeVector(e.divF(sum, divisor), out, e.madd(b, h, at), mask);
          });
        });
      });
  return success();
}
