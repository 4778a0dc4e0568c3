//===- Combine.cpp - kernel.combine: the weighted sum of a token's experts -----------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

using namespace mlir;
using namespace tamis;

LogicalResult KernelExpander::expand(kernel::CombineOp op) {
  Emitter e = emitterAt(op);
  Value k = e.dim(op.getWeights(), -1), n = e.dim(op.getOut(), -1), tokens = e.dim(op.getOut(), 0);
  Value y = e.flatten(op.getY()), weights = e.flatten(op.getWeights()), out = e.flatten(op.getOut());
  Value bytes = e.mul(n, e.mul(e.add(k, 1), 4));
  e.parallel(tokens, grainForBytes(e, bytes), "moe.combine", e.mul(e.mul(tokens, 2), e.mul(k, n)),
             e.mul(tokens, bytes), [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value token) {
                 Value first = e.mul(token, k);
                 e.forVectors(n, [&](Value at, Value mask) {
                   Value sum = e.loop(e.index(0), k, e.index(1), e.vector(0), [&](Value j, ValueRange sum) {
                     Value pair = e.add(first, j), weight = e.splat(e.load(weights, pair));
                     return Emitter::Values{
                         e.fma(weight, e.loadVector(y, e.madd(pair, n, at), mask), sum[0])};
                   })[0];
                   e.storeVector(sum, out, e.madd(token, n, at), mask);
                 });
               });
             });
  return success();
}
