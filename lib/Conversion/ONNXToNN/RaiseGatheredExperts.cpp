//===- RaiseGatheredExperts.cpp - Experts that are computed for each pair, and added up by token -------===//
//
//   sum over j of weights[t, j] * (out[indices[t, j]] h(t, j)),  h(t, j) = act(in[indices[t, j]] x[t])
//
// In the batched form, one matrix is gathered from the weights of all experts for each pair of a token and an
// expert; in the grouped form, pairs are sorted by expert (GroupedExperts.cpp). Which element of what is
// multiplied is followed through the ops that move data, so that it does not matter whether tokens were
// repeated by Tile, Expand or Gather, pairs were flattened, or weights transposed.
//
//===----------------------------------------------------------------------------------------------===//
#include "ExpertMatcher.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

static void raise(Stage &stage, onnx::ReduceSumOp sum) {
  RankedTensorType type = typeOf(sum.getData());
  if (type.getRank() != 3 || sum.getAxes() != ArrayRef<int64_t>{1} || sum.getKeepdims() ||
      !isF32(sum.getData()))
    return;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(sum.getData());
  Polynomial tokens = sizes[0], slots = sizes[1];
  ExpertMatcher matcher(stage);
  matcher.token = matcher.newIndex(tokens);
  matcher.slot = matcher.newIndex(slots);
  Polynomial column = matcher.newIndex(sizes[2]);
  ElementOf term = matcher.trace(sum.getData(), {matcher.token, *matcher.slot, column});
  if (std::optional<ElementOf> sorted = matcher.beforeUnsorting(term))
    term = *sorted;
  auto weighted = term.tensor.getDefiningOp<onnx::MulOp>();
  if (!weighted)
    return;

  // Which factor is the weight of the pair?
  std::optional<ExpertProduct> out;
  Value weights;
  for (unsigned i : {0u, 1u}) {
    ElementOf weight = matcher.operand(weighted->getOperand(1 - i), term.indices);
    if (!matcher.isPair(weight))
      continue;
    weights = weight.tensor;
    if ((out = matcher.product(matcher.operand(weighted->getOperand(i), term.indices))))
      break;
  }
  if (!out)
    return; // Most sums are no experts.
  if (typeOf(weights).getShape() != typeOf(matcher.indices).getShape() || !isF32(weights)) {
    matcher.fail(weighted, "its weights are not those of its router's choice");
    return;
  }
  std::optional<MatchedExpert> expert = matcher.expertOf(weighted, *out, column);
  if (!expert)
    return;
  ArrayRef<Polynomial> chosen = stage.shapes.sizes(matcher.indices);
  if (!(stage.shapes.sizes(expert->x)[0] == tokens) || !(chosen[0] == tokens) || !(chosen[1] == slots)) {
    matcher.fail(weighted, "the router's tokens are not proven to be the experts'");
    return;
  }
  Operation *router = matcher.indices.getDefiningOp();
  stage.buildAt(sum, router);
  std::optional<ExpertLayers> layers = matcher.layersOf(weighted, *expert);
  if (!layers)
    return;
  Choice choice = raiseRouting(stage, {matcher.indices, weights});
  Value y = buildExperts(stage, expert->x, choice.indices, choice.weights, *layers);
  sum.getReduced().replaceAllUsesWith(y);
}

void raising::raiseGatheredExperts(Stage &stage) {
  SmallVector<onnx::ReduceSumOp> ops;
  stage.function.walk([&](onnx::ReduceSumOp op) { ops.push_back(op); });
  for (onnx::ReduceSumOp op : ops)
    raise(stage, op);
}
