//===- LayerNorm.cpp - kernel.layer_norm and kernel.rms_norm, row by row ------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Both norms. A second pass over the row for the variance keeps it exact where the mean is large.
static void emitNorm(KernelExpander &expander, Operation *op, Value xBuffer, Value scaleBuffer,
                     Value biasBuffer, Value outBuffer, float epsilon, bool centre, StringRef kind) {
  Emitter e = expander.emitterAt(op);
  bool storesF32;
  const LeftOperand *form = expander.formForReaders(e, outBuffer, storesF32, /*wholeRows=*/true);
  // The scale of a row of integers comes from the row, which is read again where it was written.
  bool isScaled = form && form->rows.form == LeftForm::Int8;
  int64_t rank = cast<MemRefType>(xBuffer.getType()).getRank();
  Value rows = e.dims(xBuffer, 0, rank - 1), h = e.dim(xBuffer, -1);
  Value x = e.flatten(xBuffer), scale = e.flatten(scaleBuffer), out = e.flatten(outBuffer);
  Value bias = biasBuffer ? e.flatten(biasBuffer) : Value();
  Value elements = e.mul(rows, h);
  auto join = [&](Value a, Value b) { return e.addF(a, b); };
  e.parallel(rows, grainForBytes(e, e.mul(h, 8)), kind, e.mul(elements, 8), e.mul(elements, 8),
             [&](Value begin, Value end, Value) {
               Value count = arith::UIToFPOp::create(e, e.getF32Type(),
                                                     arith::IndexCastOp::create(e, e.getI64Type(), h));
               e.loop(begin, end, [&](Value row) {
                 Value base = e.mul(row, h);
                 Value mean = e.vector(0);
                 if (centre) {
                   Value sum = e.reduceVectors(
                       h, e.vector(0),
                       [&](Value at, Value mask, Value sum) {
                         return e.addF(sum, e.loadVector(x, e.add(base, at), mask));
                       },
                       join);
                   mean = e.splat(e.divF(e.reduceAdd(sum), count));
                 }
                 Value squares = e.reduceVectors(
                     h, e.vector(0),
                     [&](Value at, Value mask, Value sum) {
                       Value v = e.loadVector(x, e.add(base, at), mask);
                       if (centre)
                         v = e.subF(v, mean);
                       Value next = e.fma(v, v, sum);
                       return mask ? e.select(mask, next, sum) : next;
                     },
                     join);
                 Value variance = e.addF(e.divF(e.reduceAdd(squares), count), e.scalar(epsilon));
                 Value factor = e.splat(e.divF(e.scalar(1), math::SqrtOp::create(e, variance)));
                 e.forVectors(h, [&](Value at, Value mask) {
                   Value v = e.loadVector(x, e.add(base, at), mask);
                   if (centre)
                     v = e.subF(v, mean);
                   v = e.mulF(v, factor);
                   Value s = e.loadVector(scale, at, mask);
                   v = bias ? e.fma(v, s, e.loadVector(bias, at, mask)) : e.mulF(v, s);
                   if (storesF32 || isScaled)
                     e.storeVector(v, out, e.add(base, at), mask);
                   if (form && !isScaled)
                     form->rows.store(e, v, row, at);
                 });
                 if (isScaled)
                   form->convertRow(e, out, h, row, row);
               });
             });
}

LogicalResult KernelExpander::expand(kernel::LayerNormOp op) {
  emitNorm(*this, op, op.getX(), op.getScale(), op.getBias(), op.getOut(), op.getEpsilon().convertToFloat(),
           /*centre=*/true, "nn.layer_norm");
  return success();
}
LogicalResult KernelExpander::expand(kernel::RMSNormOp op) {
  emitNorm(*this, op, op.getX(), op.getScale(), Value(), op.getOut(), op.getEpsilon().convertToFloat(),
           /*centre=*/false, "nn.rms_norm");
  return success();
}
