//===- SuccessiveMaxima.cpp - Experts that are chosen one after the other -------------------------------===//
//
// The first has the greatest score, the second the greatest of the scores with -infinity scattered to where
// the first is, and so on. As no expert of -infinity is greater than one that is left, they are distinct,
// where no more than one expert has the score -infinity from the beginning: of those, moe.route chooses each
// once.
//
//===----------------------------------------------------------------------------------------------===//
#include "Experts.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

static bool isLast(int64_t axis, Value value) { return axis == typeOf(value).getRank() - 1; }

std::optional<Maximum> raising::maximumOf(Value places) {
  places = skipIdleCasts(places);
  bool keeps = true;
  if (auto unsqueeze = places.getDefiningOp<onnx::UnsqueezeOp>();
      unsqueeze && unsqueeze.getAxes() == ArrayRef<int64_t>{typeOf(places).getRank() - 1}) {
    places = skipIdleCasts(unsqueeze.getData());
    keeps = false;
  }
  if (auto op = places.getDefiningOp<onnx::ArgMaxOp>();
      op && op.getKeepdims() == keeps && isLast(op.getAxis(), op.getData()))
    return Maximum{op, skipIdleCasts(op.getData()),
                   op.getSelectLastIndex() ? moe::Ties::High : moe::Ties::Low};
  if (onnx::TopKOp op = keeps ? topKOf(places) : onnx::TopKOp(); op && typeOf(places).getShape().back() == 1)
    return Maximum{op, skipIdleCasts(op.getX())};
  return std::nullopt;
}

/// -infinity where a maximum's scores are greatest, and the same scores elsewhere?
static bool excludes(Stage &stage, Value scores, const Maximum &maximum) {
  auto scatter = scores.getDefiningOp<onnx::ScatterElementsOp>();
  if (!scatter || skipIdleCasts(scatter.getData()) != maximum.scores || scatter.getReduction() != "none" ||
      !isLast(scatter.getAxis(), scatter.getData()))
    return false;
  std::optional<Maximum> place = maximumOf(scatter.getIndices());
  return place && place->op == maximum.op &&
         stage.isFilledWith(scatter.getUpdates(), -std::numeric_limits<double>::infinity());
}

SmallVector<Maximum> raising::successiveMaxima(Stage &stage, Value indices) {
  auto concat = skipIdleCasts(indices).getDefiningOp<onnx::ConcatOp>();
  if (!concat || !isLast(concat.getAxis(), concat.getY()))
    return {};
  SmallVector<Maximum> found;
  for (Value input : concat.getInputs()) {
    std::optional<Maximum> maximum = maximumOf(input);
    if (!maximum || ShapedType::isDynamic(typeOf(maximum->scores).getShape().back()) ||
        (!found.empty() &&
         (maximum->ties != found.back().ties || !excludes(stage, maximum->scores, found.back()))))
      return {};
    found.push_back(*maximum);
  }
  // A last one, of -infinity, would be one that was chosen before.
  if (static_cast<int64_t>(found.size()) > typeOf(found.front().scores).getShape().back())
    return {};
  return found;
}
