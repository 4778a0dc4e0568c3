//===- Route.cpp - kernel.route: the experts of each token, and their weights --------------------------===//
#include "Softmax.h"
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

static constexpr float infinity = std::numeric_limits<float>::infinity();

namespace {
/// Routes one token. Its scores and what is left to choose from are in scratch memory.
class TokenRouter {
public:
  TokenRouter(Emitter &e, kernel::RouteOp op, Value scratch, Value scratchAt)
      : e(e), op(op), experts(e.dim(op.getLogits(), 1)), k(e.dim(op.getIndices(), 1)), scratch(scratch),
        scores(scratchAt), choices(e.add(scratchAt, experts)), groups(e.add(choices, experts)) {}

  /// Words of scratch memory.
  static Value scratchSize(Emitter &e, kernel::RouteOp op) {
    return e.add(e.mul(e.dim(op.getLogits(), 1), 2), 2 * op.getGroups());
  }
  /// Copies the logits to the scores, those of experts that are left out as -infinity.
  void leaveOut(Value logits, Value at);
  void emitScores(Value logits, Value at);
  void emitChoices(Value bias);
  void emitGroups();
  void choose(Value indices, Value weights, Value at);

private:
  /// The place of the greatest of `count` numbers at `begin`, which is marked as taken by NaN.
  std::pair<Value, Value> takeGreatest(Value begin, Value count);
  /// The weight of an expert that was taken just now, by the sparse mixer: its softmax over itself and what
  /// is left to choose from, but for experts whose logits are far below its own.
  Value mixerWeight(Value expert);
  /// Divides `count` numbers at `at` by their sum + epsilon and multiplies them by `scale`.
  void normalize(Value numbers, Value at, float epsilon);

  Emitter &e;
  kernel::RouteOp op;
  Value experts, k, scratch, scores, choices, groups;
  Value leavesOut; ///< whether this token's experts that are left out count as such; null: always
};
} // namespace

void TokenRouter::leaveOut(Value logits, Value at) {
  ArrayRef<int64_t> leftOut = *op.getLeftOut();
  if (float fallback = op.getFallback().convertToFloat(); fallback > 0) {
    emitSoftmax(e, experts, logits, at, scratch, choices);
    Value share = e.scalar(1);
    for (int64_t expert : leftOut)
      share = e.subF(share, e.load(scratch, e.add(choices, expert)));
    leavesOut = e.compare(arith::CmpFPredicate::OGE, share, e.scalar(fallback));
  }
  e.forVectors(experts, [&](Value i, Value mask) {
    e.storeVector(e.loadVector(logits, e.add(at, i), mask), scratch, e.add(scores, i), mask);
  });
  for (int64_t expert : leftOut) {
    Value place = e.add(scores, expert), none = e.scalar(-infinity);
    e.store(leavesOut ? e.select(leavesOut, none, e.load(scratch, place)) : none, scratch, place);
  }
}

void TokenRouter::emitScores(Value logits, Value at) {
  if (op.getLeftOut()) {
    leaveOut(logits, at);
    logits = scratch;
    at = scores;
  }
  auto map = [&](llvm::function_ref<Value(Value)> change) {
    e.forVectors(experts, [&](Value i, Value mask) {
      e.storeVector(change(e.loadVector(logits, e.add(at, i), mask)), scratch, e.add(scores, i), mask);
    });
  };
  switch (op.getScore()) {
  case moe::Score::Logits:
    return map([](Value v) { return v; });
  case moe::Score::Sigmoid:
    return map([&](Value v) { return emitActivation(e, nn::Activation::Sigmoid, v); });
  case moe::Score::Softmax:
    return emitSoftmax(e, experts, logits, at, scratch, scores);
  }
}

void TokenRouter::emitChoices(Value bias) {
  e.forVectors(experts, [&](Value i, Value mask) {
    Value v = e.loadVector(scratch, e.add(scores, i), mask);
    if (bias)
      v = e.addF(v, e.loadVector(bias, i, mask));
    Value isNumber = e.compare(arith::CmpFPredicate::ORD, v, v);
    e.storeVector(e.select(isNumber, v, e.vector(-infinity)), scratch, e.add(choices, i), mask);
  });
  // Taken before the first choice, so that even where all others are -infinity none of them is chosen.
  Value taken = e.scalar(std::numeric_limits<float>::quiet_NaN());
  for (int64_t expert : op.getLeftOut().value_or(ArrayRef<int64_t>())) {
    Value place = e.add(choices, expert);
    e.store(leavesOut ? e.select(leavesOut, taken, e.load(scratch, place)) : taken, scratch, place);
  }
}

std::pair<Value, Value> TokenRouter::takeGreatest(Value begin, Value count) {
  // NaN is less than anything: what is taken already, and the start, which everything else is greater than.
  auto predicate = op.getTies() == moe::Ties::Low ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::UGE;
  Value none = e.scalar(std::numeric_limits<float>::quiet_NaN());
  Emitter::Values inits = {none, e.index(0)};
  Emitter::Values found = e.loop(e.index(0), count, e.index(1), inits, [&](Value i, ValueRange best) {
    Value v = e.load(scratch, e.add(begin, i));
    Value better = arith::AndIOp::create(e, e.compare(predicate, v, best[0]),
                                         e.compare(arith::CmpFPredicate::ORD, v, v));
    return Emitter::Values{e.select(better, v, best[0]), e.select(better, i, best[1])};
  });
  e.store(none, scratch, e.add(begin, found[1]));
  return {found[1], found[0]};
}

void TokenRouter::emitGroups() {
  int64_t number = op.getGroups(), top = op.getGroupTop(), kept = op.getKeptGroups();
  if (number == 1)
    return;
  Value size = e.div(experts, number), marks = e.add(groups, number);
  e.loop(e.index(0), e.index(number), [&](Value group) {
    Value begin = e.madd(group, size, choices);
    // Taking marks; the marks are taken back.
    Value sum = e.scalar(0);
    SmallVector<std::pair<Value, Value>> taken;
    for (int64_t i = 0; i < top; ++i) {
      taken.push_back(takeGreatest(begin, size));
      sum = e.addF(sum, taken.back().second);
    }
    for (auto [place, value] : taken)
      e.store(value, scratch, e.add(begin, place));
    e.store(sum, scratch, e.add(groups, group));
    e.store(e.scalar(0), scratch, e.add(marks, group));
  });
  for (int64_t i = 0; i < kept; ++i)
    e.store(e.scalar(1), scratch, e.add(marks, takeGreatest(groups, e.index(number)).first));
  Value fill = e.scalar(op.getGroupFill().convertToFloat());
  e.loop(e.index(0), experts, [&](Value expert) {
    Value place = e.add(choices, expert), isKept = e.load(scratch, e.add(marks, e.div(expert, size)));
    Value keeps = e.compare(arith::CmpFPredicate::OEQ, isKept, e.scalar(1));
    e.store(e.select(keeps, e.load(scratch, place), fill), scratch, place);
    if (op.getLimitsWeights()) {
      Value score = e.add(scores, expert);
      e.store(e.select(keeps, e.load(scratch, score), fill), scratch, score);
    }
  });
}

Value TokenRouter::mixerWeight(Value expert) {
  Value own = e.load(scratch, e.add(scores, expert)), greatest = e.splat(own), zero = e.vector(0);
  Value threshold = e.vector(op.getMixerThreshold()->convertToFloat());
  Value others = e.reduceVectors(
      experts, zero,
      [&](Value at, Value mask, Value sum) {
        Value logit = e.loadVector(scratch, e.add(scores, at), mask),
              choice = e.loadVector(scratch, e.add(choices, at), mask);
        Value size = e.maxF(math::AbsFOp::create(e, logit), greatest);
        Value isFar = e.compare(arith::CmpFPredicate::OGT, e.divF(e.subF(greatest, logit), size), threshold),
              isTaken = e.compare(arith::CmpFPredicate::UNO, choice, choice);
        Value v =
            e.select(arith::OrIOp::create(e, isFar, isTaken), zero, emitExp(e, e.subF(logit, greatest)));
        return e.addF(sum, mask ? e.select(mask, v, zero) : v);
      },
      [&](Value a, Value b) { return e.addF(a, b); });
  // Its own e^(m - m) is NaN where m is no finite number, as in a softmax.
  Value sum = e.addF(e.addF(e.scalar(1), e.subF(own, own)), e.reduceAdd(others));
  return e.divF(e.scalar(1), sum);
}

void TokenRouter::normalize(Value numbers, Value at, float epsilon) {
  Value sum = e.loop(e.index(0), k, e.index(1), e.scalar(0), [&](Value j, ValueRange sum) {
    return Emitter::Values{e.addF(sum[0], e.load(numbers, e.add(at, j)))};
  })[0];
  if (epsilon != 0)
    sum = e.addF(sum, e.scalar(epsilon));
  e.loop(e.index(0), k, [&](Value j) {
    Value place = e.add(at, j);
    e.store(e.divF(e.load(numbers, place), sum), numbers, place);
  });
}

void TokenRouter::choose(Value indices, Value weights, Value at) {
  e.loop(e.index(0), k, [&](Value j) {
    Value place = e.add(at, j), expert = takeGreatest(choices, experts).first;
    e.store(arith::IndexCastOp::create(e, e.getI64Type(), expert), indices, place);
    e.store(op.getMixerThreshold() ? mixerWeight(expert) : e.load(scratch, e.add(scores, expert)), weights,
            place);
  });
  if (op.getSoftmaxChosen()) {
    Value greatest =
        e.loop(e.index(0), k, e.index(1), e.scalar(-infinity), [&](Value j, ValueRange greatest) {
          return Emitter::Values{e.maxF(e.load(weights, e.add(at, j)), greatest[0])};
        })[0];
    e.forVectors(k, [&](Value j, Value mask) {
      Value place = e.add(at, j), v = e.subF(e.loadVector(weights, place, mask), e.splat(greatest));
      e.storeVector(emitExp(e, v), weights, place, mask);
    });
  }
  if (op.getSoftmaxChosen() || op.getNormalize())
    normalize(weights, at, op.getSoftmaxChosen() ? 0 : op.getEpsilon().convertToFloat());
  if (float scale = op.getScale().convertToFloat(); scale != 1)
    e.loop(e.index(0), k, [&](Value j) {
      Value place = e.add(at, j);
      e.store(e.mulF(e.load(weights, place), e.scalar(scale)), weights, place);
    });
}

LogicalResult KernelExpander::expand(kernel::RouteOp op) {
  Emitter e = emitterAt(op);
  Value tokens = e.dim(op.getLogits(), 0), experts = e.dim(op.getLogits(), 1), k = e.dim(op.getIndices(), 1);
  Value logits = e.flatten(op.getLogits()), indices = e.flatten(op.getIndices()),
        weights = e.flatten(op.getWeights()), bias = op.getBias() ? e.flatten(op.getBias()) : Value();
  Value size = TokenRouter::scratchSize(e, op), threads = e.threads();
  Value scratch = e.flatten(e.allocate(e.getF32Type(), e.mul(threads, size)));
  Value bytes = e.add(e.mul(experts, 4), e.mul(k, 12)), steps = e.mul(experts, e.add(k, 20));
  e.parallel(tokens, grainForBytes(e, e.mul(e.mul(experts, k), 4)), "moe.route", e.mul(tokens, steps),
             e.mul(tokens, bytes), [&](Value begin, Value end, Value thread) {
               e.loop(begin, end, [&](Value token) {
                 TokenRouter router(e, op, scratch, e.mul(thread, size));
                 router.emitScores(logits, e.mul(token, experts));
                 router.emitChoices(bias);
                 router.emitGroups();
                 router.choose(indices, weights, e.mul(token, k));
               });
             });
  return success();
}
