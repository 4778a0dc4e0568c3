//===- SparseMixer.cpp - Weights by a softmax over what is near the expert that was chosen
//---------------===//
//
// The router of Phi-MoE: experts are chosen one after the other, and each gets the weight that a softmax over
// the experts left gives it, without those whose logits are far below its own:
//
//   m = max(l), far = (m - l) / max(|l|, m) > threshold, weight = softmax(far ? -infinity : l) at the expert
//
// for the logits l, in which -infinity was scattered to the experts chosen before.
//
//===----------------------------------------------------------------------------------------------===//
#include "Experts.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

static bool isLast(int64_t axis, Value value) { return axis == typeOf(value).getRank() - 1; }

/// Is `value` the greatest of a maximum's scores, [..., 1]?
static bool isValueOf(Value value, const Maximum &maximum) {
  value = skipIdleCasts(value);
  if (auto topK = dyn_cast<onnx::TopKOp>(maximum.op); topK && value == topK.getValues())
    return true;
  auto max = value.getDefiningOp<onnx::ReduceMaxOp>();
  return max && max.getKeepdims() && skipIdleCasts(max.getData()) == maximum.scores &&
         max.getAxes() == ArrayRef<int64_t>{typeOf(maximum.scores).getRank() - 1};
}

/// The threshold when `far` says which of the logits are far below a maximum of them.
static std::optional<double> thresholdOf(Stage &stage, Value far, const Maximum &maximum, Value logits) {
  Operation *comparison = skipIdleCasts(far).getDefiningOp();
  if (!isa_and_nonnull<onnx::GreaterOp, onnx::LessOp>(comparison))
    return std::nullopt;
  bool isGreater = isa<onnx::GreaterOp>(comparison);
  std::optional<double> threshold = stage.scalar(comparison->getOperand(isGreater ? 1 : 0));
  auto quotient = skipIdleCasts(comparison->getOperand(isGreater ? 0 : 1)).getDefiningOp<onnx::DivOp>();
  auto difference = quotient ? skipIdleCasts(quotient.getA()).getDefiningOp<onnx::SubOp>() : onnx::SubOp();
  auto size = quotient ? skipIdleCasts(quotient.getB()).getDefiningOp<onnx::MaxOp>() : onnx::MaxOp();
  // Where an expert was chosen before, -infinity is as good as its logit: it is excluded from the softmax.
  auto isLogits = [&](Value value) {
    return skipIdleCasts(value) == logits || skipIdleCasts(value) == maximum.scores;
  };
  Value magnitude;
  if (!difference || !size || !isValueOf(difference.getA(), maximum) || !isLogits(difference.getB()) ||
      !matchEither(size, magnitude, [&](Value value) { return isValueOf(value, maximum); }))
    return std::nullopt;
  auto abs = skipIdleCasts(magnitude).getDefiningOp<onnx::AbsOp>();
  return abs && isLogits(abs.getX()) ? threshold : std::nullopt;
}

/// The same for the weight [..., 1] of the expert that has the maximum.
static std::optional<double> mixedBy(Stage &stage, Value weight, const Maximum &maximum, Value logits) {
  auto gather = skipIdleCasts(weight).getDefiningOp<onnx::GatherElementsOp>();
  std::optional<Maximum> place = gather ? maximumOf(gather.getIndices()) : std::nullopt;
  if (!place || place->op != maximum.op || !isLast(gather.getAxis(), gather.getData()))
    return std::nullopt;
  auto softmax = skipIdleCasts(gather.getData()).getDefiningOp<onnx::SoftmaxOp>();
  auto where = softmax && isLast(softmax.getAxis(), softmax.getX())
                   ? skipIdleCasts(softmax.getX()).getDefiningOp<onnx::WhereOp>()
                   : onnx::WhereOp();
  if (!where || stage.scalar(where.getX()) != std::optional(-std::numeric_limits<double>::infinity()) ||
      skipIdleCasts(where.getY()) != maximum.scores)
    return std::nullopt;
  return thresholdOf(stage, where.getCondition(), maximum, logits);
}

Value raising::beforeSparseMixer(Stage &stage, const Choice &choice, Routing &routing) {
  SmallVector<Maximum> maxima = successiveMaxima(stage, choice.indices);
  Value weights = skipIdleCasts(choice.weights), inner;
  if (auto product = weights.getDefiningOp<onnx::MulOp>())
    if (std::optional<double> factor = stage.scalarOperand(product, inner)) {
      routing.scale = static_cast<float>(*factor);
      weights = skipIdleCasts(inner);
    }
  auto concat = weights.getDefiningOp<onnx::ConcatOp>();
  if (maxima.empty() || !concat || !isLast(concat.getAxis(), concat.getY()) ||
      concat.getInputs().size() != maxima.size() || !isF32(maxima.front().scores))
    return {};
  Value logits = maxima.front().scores;
  std::optional<double> threshold;
  for (auto [weight, maximum] : llvm::zip(concat.getInputs(), maxima)) {
    std::optional<double> own = mixedBy(stage, weight, maximum, logits);
    if (!own || !(*own >= 0) || (threshold && own != threshold))
      return {};
    threshold = own;
  }
  routing.k = static_cast<int64_t>(maxima.size());
  routing.ties = maxima.front().ties;
  routing.mixerThreshold = static_cast<float>(*threshold);
  return logits;
}
