//===- RaiseRouting.cpp - From logits to experts and weights as one op --------------------------------===//
#include "Experts.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

static bool isLast(int64_t axis, Value value) { return axis == typeOf(value).getRank() - 1; }

onnx::TopKOp raising::topKOf(Value indices) {
  auto topK = skipIdleCasts(indices).getDefiningOp<onnx::TopKOp>();
  if (!topK || topK.getIndices() != skipIdleCasts(indices) || !topK.getLargest() ||
      !isLast(topK.getAxis(), topK.getX()) || typeOf(topK.getIndices()).isDynamicDim(topK.getAxis()) ||
      typeOf(topK.getX()).isDynamicDim(topK.getAxis()))
    return {};
  return topK;
}

Value raising::routerIndices(Stage &stage, Value indices) {
  if (onnx::TopKOp topK = topKOf(indices))
    return topK.getIndices();
  return successiveMaxima(stage, indices).empty() ? Value() : skipIdleCasts(indices);
}

int64_t raising::routerExperts(Stage &stage, Value indices) {
  onnx::TopKOp topK = topKOf(indices);
  return typeOf(topK ? topK.getX() : successiveMaxima(stage, indices).front().scores).getShape().back();
}

/// Is `sum` the sum of the last dimension of `value`, or of what is left of it without signs, plus `epsilon`?
static bool isSumOf(Stage &stage, Value sum, Value value, float &epsilon, bool &isWithoutSigns) {
  sum = skipIdleCasts(sum);
  Value inner;
  if (auto add = sum.getDefiningOp<onnx::AddOp>())
    if (std::optional<double> constant = stage.scalarOperand(add, inner)) {
      epsilon = static_cast<float>(*constant);
      sum = skipIdleCasts(inner);
    }
  auto sums = [&](auto reduce) {
    return reduce && skipIdleCasts(reduce.getData()) == value && reduce.getKeepdims() &&
           reduce.getAxes() == ArrayRef<int64_t>{typeOf(value).getRank() - 1};
  };
  isWithoutSigns = sums(sum.getDefiningOp<onnx::ReduceL1Op>());
  return isWithoutSigns || sums(sum.getDefiningOp<onnx::ReduceSumOp>());
}

/// Takes apart what made the weights, back to the scores of the chosen: the numbers that TopK took, or those
/// gathered at its indices. Returns the scores of all experts; null when they are made in another way, and
/// then `culprit` is where.
static Value scoresOf(Stage &stage, Value weights, onnx::TopKOp topK, Routing &routing, Operation *&culprit,
                      bool &isWithoutSigns) {
  Value value = skipIdleCasts(weights), inner;
  auto next = [&](Value to) { value = skipIdleCasts(to); };
  if (auto product = value.getDefiningOp<onnx::MulOp>())
    if (std::optional<double> factor = stage.scalarOperand(product, inner)) {
      routing.scale = static_cast<float>(*factor);
      next(inner);
    }
  if (auto quotient = value.getDefiningOp<onnx::DivOp>();
      quotient &&
      isSumOf(stage, quotient.getB(), skipIdleCasts(quotient.getA()), routing.epsilon, isWithoutSigns)) {
    routing.normalize = true;
    next(quotient.getA());
  } else if (auto softmax = value.getDefiningOp<onnx::SoftmaxOp>();
             softmax && isLast(softmax.getAxis(), softmax.getX())) {
    routing.softmaxChosen = true;
    next(softmax.getX());
  }
  if (value == topK.getValues())
    return skipIdleCasts(topK.getX());
  auto gather = value.getDefiningOp<onnx::GatherElementsOp>();
  if (gather && skipIdleCasts(gather.getIndices()) == topK.getIndices() &&
      isLast(gather.getAxis(), gather.getData()))
    return skipIdleCasts(gather.getData());
  culprit = value.getDefiningOp() ? value.getDefiningOp() : topK;
  return {};
}

/// A vector [E] that the compiler knows, for what is broadcast to rows of E elements.
static Value asBias(Stage &stage, Value value, int64_t experts) {
  RankedTensorType type = typeOf(value);
  if (!weight::isKnownWeight(value) || type.getShape() != ArrayRef<int64_t>{experts} || !isF32(value))
    return {};
  return value;
}

Choice raising::raiseRouting(Stage &stage, const Choice &choice) {
  onnx::TopKOp topK = topKOf(choice.indices);
  if (!topK) {
    Routing routing;
    if (Value logits = beforeSparseMixer(stage, choice, routing)) {
      auto route = buildRoute(stage, logits, Value(), routing);
      return {route.getIndices(), route.getWeights()};
    }
    stage.remark(choice.indices.getDefiningOp(), "experts are chosen here one after the other, and their "
                                                 "weights are no sparse mixer's; the router stays as it is");
    return choice;
  }
  int64_t experts = typeOf(topK.getX()).getDimSize(topK.getAxis());
  Routing routing;
  routing.k = typeOf(choice.indices).getShape().back();
  Operation *culprit = topK;
  bool isWithoutSigns = false;
  Value scores = scoresOf(stage, choice.weights, topK, routing, culprit, isWithoutSigns),
        chosen = skipIdleCasts(topK.getX()), bias;
  if (!scores) {
    stage.remark(culprit,
                 "experts are chosen here in a way that moe.route does not know; the router stays as it is");
    return choice;
  }
  if (Value unlimited = beforeGroupLimit(stage, chosen, routing)) {
    // Weights may be those of scores that groups were excluded from.
    if (scores == chosen) {
      routing.limitsWeights = routing.groups > 1;
      scores = unlimited;
    }
    chosen = unlimited;
  }
  if (chosen != scores) {
    auto add = chosen.getDefiningOp<onnx::AddOp>();
    for (unsigned i : {0u, 1u})
      if (add && skipIdleCasts(add->getOperand(i)) == scores)
        bias = asBias(stage, add->getOperand(1 - i), experts);
    if (!bias) {
      stage.remark(topK,
                   "experts are not chosen by their scores and a known bias; the router stays as it is");
      return choice;
    }
  }
  Value logits = scores;
  if (auto softmax = scores.getDefiningOp<onnx::SoftmaxOp>(); softmax && isLast(softmax.getAxis(), scores)) {
    routing.score = moe::Score::Softmax;
    logits = softmax.getX();
  } else if (auto sigmoid = scores.getDefiningOp<onnx::SigmoidOp>()) {
    routing.score = moe::Score::Sigmoid;
    logits = sigmoid.getX();
  }
  if (isWithoutSigns && routing.score == moe::Score::Logits) {
    stage.remark(
        topK,
        "scores that may be negative are divided by their sum without signs; the router stays as it is");
    return choice;
  }
  if (!isF32(logits))
    return choice;
  auto route = buildRoute(stage, logits, bias ? weight::asWeight(stage.builder, bias) : bias, routing);
  return {route.getIndices(), route.getWeights()};
}
