//===- TokenScore.cpp - kernel.token_score: how much each row matters ---------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

using namespace mlir;
using namespace tamis;

static Value constant(Emitter &e, uint64_t value) {
  return arith::ConstantOp::create(e, e.getI64IntegerAttr(static_cast<int64_t>(value)));
}

/// A number from 0 to 1 that is another for each place, by SplitMix64.
static Value randomOf(Emitter &e, Value place, uint64_t seed) {
  auto mix = [&](Value v, unsigned shift, uint64_t factor) -> Value {
    v = arith::XOrIOp::create(e, v, arith::ShRUIOp::create(e, v, constant(e, shift)));
    return factor ? arith::MulIOp::create(e, v, constant(e, factor)) : v;
  };
  Value state = arith::MulIOp::create(e, arith::AddIOp::create(e, place, constant(e, 1)),
                                      constant(e, 0x9e3779b97f4a7c15));
  state = arith::AddIOp::create(e, state, constant(e, seed));
  state = mix(mix(mix(state, 30, 0xbf58476d1ce4e5b9), 27, 0x94d049bb133111eb), 31, 0);
  Value upper = arith::ShRUIOp::create(e, state, constant(e, 40));
  return e.mulF(arith::UIToFPOp::create(e, e.getF32Type(), upper), e.scalar(0x1p-24F));
}

/// The negative of the place's 16 bits in reverse order.
static Value strideOf(Emitter &e, Value place) {
  constexpr unsigned bits = 16;
  Value reversed = constant(e, 0);
  for (unsigned bit = 0; bit < bits; ++bit) {
    Value own = arith::AndIOp::create(e, arith::ShRUIOp::create(e, place, constant(e, bit)), constant(e, 1));
    reversed = arith::OrIOp::create(e, reversed, arith::ShLIOp::create(e, own, constant(e, bits - 1 - bit)));
  }
  return e.subF(e.scalar(0), arith::UIToFPOp::create(e, e.getF32Type(), reversed));
}

LogicalResult KernelExpander::expand(kernel::TokenScoreOp op) {
  if (op.getX().getType().getRank() != 2)
    return op.emitOpError("needs x [R, H]");
  Emitter e = emitterAt(op);
  Value rows = e.dim(op.getX(), 0), h = e.dim(op.getX(), 1), out = e.flatten(op.getOut());
  if (op.getRule() == token::Rule::Linear) {
    Value x = e.flatten(op.getX()), weights = e.flatten(op.getWeights()), bytes = e.mul(h, 4);
    e.parallel(rows, grainForBytes(e, bytes), "token.score", e.mul(e.mul(rows, h), 2), e.mul(rows, bytes),
               [&](Value begin, Value end, Value) {
                 e.loop(begin, end, [&](Value row) {
                   Value base = e.mul(row, h);
                   Value sum = e.reduceVectors(
                       h, e.vector(0),
                       [&](Value at, Value mask, Value sum) {
                         return e.fma(e.loadVector(x, e.add(base, at), mask), e.loadVector(weights, at, mask),
                                      sum);
                       },
                       [&](Value a, Value b) { return e.addF(a, b); });
                   e.store(e.reduceAdd(sum), out, row);
                 });
               });
    return success();
  }
  Value offsets = e.flatten(op.getOffsets()), batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
  e.loop(e.index(0), batch, [&](Value b) {
    Value first = e.loadIndex(offsets, b), last = e.loadIndex(offsets, e.add(b, 1));
    e.loop(first, last, [&](Value row) {
      Value place = arith::IndexCastOp::create(e, e.getI64Type(), e.sub(row, first));
      e.store(op.getRule() == token::Rule::Random ? randomOf(e, place, op.getSeed()) : strideOf(e, place),
              out, row);
    });
  });
  return success();
}
