//===- RaiseDenseExperts.cpp - All experts as one batch of products, most of them times zero ----------===//
//
// Every expert is computed for every token, as a batch of products with a weight of all experts, and the
// scores of the chosen are scattered into a matrix [T, E] of what makes the others nothing:
//
//   sum over e of r[t, e] * mlp_e(x[t]),               r[t, e] 0 unless the token chose e
//   sum over e of mlp_e(x[t] * sigmoid(r[t, e])),      r[t, e] -infinity unless the token chose e
//
// In the second form a row of zeros is what an expert that was not chosen reads; without biases, and with an
// activation that keeps 0, it makes zeros of it. (Where such an expert overflows, the model gives NaN and
// moe.experts does not.)
//
//===----------------------------------------------------------------------------------------------===//
#include "ExpertMatcher.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

namespace {
class DenseExperts {
public:
  DenseExperts(Stage &stage, onnx::ReduceSumOp sum) : stage(stage), sum(sum), matcher(stage) {}
  void raise();

private:
  /// What is scattered to element [token, expert] of a matrix of `rest` elsewhere: a value for each choice.
  Value scattered(const ElementOf &element, double rest);
  bool keepsZero(const MatchedExpert &expert) const;

  Stage &stage;
  onnx::ReduceSumOp sum;
  ExpertMatcher matcher;
};
} // namespace

Value DenseExperts::scattered(const ElementOf &element, double rest) {
  auto scatter = element.tensor.getDefiningOp<onnx::ScatterElementsOp>();
  if (!scatter || element.indices.size() != 2 || !(element.indices[0] == matcher.token) ||
      !(element.indices[1] == *matcher.expert) || scatter.getAxis() != 1 ||
      scatter.getReduction() != "none" || !stage.isFilledWith(scatter.getData(), rest))
    return {};
  Value found = routerIndices(stage, scatter.getIndices()), updates = skipIdleCasts(scatter.getUpdates());
  if (!found || (matcher.indices && found != matcher.indices) ||
      typeOf(updates).getShape() != typeOf(found).getShape() || !isF32(updates))
    return {};
  matcher.indices = found;
  return updates;
}

bool DenseExperts::keepsZero(const MatchedExpert &expert) const {
  bool hasBias =
      !expert.gate.bias.empty() || !expert.out.bias.empty() || (expert.up && !expert.up->bias.empty());
  return !hasBias && expert.form.activation != nn::Activation::Sigmoid;
}

void DenseExperts::raise() {
  if (typeOf(sum.getData()).getRank() != 3 || sum.getAxes().size() != 1 || sum.getAxes()[0] > 1 ||
      sum.getKeepdims() || !isF32(sum.getData()))
    return;
  int64_t axis = sum.getAxes()[0];
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(sum.getData());
  Polynomial tokens = sizes[1 - axis], experts = sizes[axis];
  if (!experts.constant() || *experts.constant() < 2)
    return;
  matcher.token = matcher.newIndex(tokens);
  matcher.expert = stage.shapes.newIndex(experts);
  Polynomial column = matcher.newIndex(sizes[2]);
  SmallVector<Polynomial, 4> place{matcher.token, column};
  place.insert(place.begin() + axis, *matcher.expert);
  ElementOf term = matcher.trace(sum.getData(), place);

  std::optional<ExpertProduct> out;
  Value weights;
  if (auto weighted = term.tensor.getDefiningOp<onnx::MulOp>())
    for (unsigned i : {0u, 1u})
      if ((weights = scattered(matcher.operand(weighted->getOperand(1 - i), term.indices), 0)) &&
          (out = matcher.product(matcher.operand(weighted->getOperand(i), term.indices))))
        break;
  if (!weights)
    out = matcher.product(term);
  if (!out || !out->isOfAll())
    return; // Most sums are no experts.
  Operation *node = term.tensor.getDefiningOp();

  // The router's scores may be on the rows that experts read.
  Value scores;
  matcher.rowFactor = [&](const ElementOf &factor) {
    auto sigmoid = factor.tensor.getDefiningOp<onnx::SigmoidOp>();
    Value found = sigmoid && !weights ? scattered(matcher.operand(sigmoid.getX(), factor.indices),
                                                  -std::numeric_limits<double>::infinity())
                                      : Value();
    if (!found || (scores && scores != found))
      return false;
    scores = found;
    return true;
  };
  std::optional<MatchedExpert> expert = matcher.expertOf(node, *out, column);
  if (!expert)
    return;
  if (!weights && !scores)
    return (void)matcher.fail(node, "nothing makes the experts that a token did not choose zero");
  ArrayRef<Polynomial> chosen = stage.shapes.sizes(matcher.indices);
  if (!(stage.shapes.sizes(expert->x)[0] == tokens) || !(chosen[0] == tokens))
    return (void)matcher.fail(node, "the router's tokens are not proven to be the experts'");
  if (routerExperts(stage, matcher.indices) != *experts.constant())
    return (void)matcher.fail(node, "of the " + Twine(routerExperts(stage, matcher.indices)) +
                                        " experts of its router " + Twine(*experts.constant()) +
                                        " are there");
  if (scores && (!keepsZero(*expert) || !chosen[1].isConstant(1)))
    return (void)matcher.fail(node, "experts that a token did not choose are not proven to make zeros");

  Operation *router = matcher.indices.getDefiningOp();
  stage.buildAt(sum, router);
  std::optional<ExpertLayers> layers = matcher.layersOf(node, *expert);
  if (!layers)
    return;
  Value x = expert->x;
  Choice choice = raiseRouting(stage, {matcher.indices, scores ? scores : weights});
  if (scores) {
    // One expert a token: its row times the score, and its result times 1.
    Value factor = onnx::SigmoidOp::create(stage.builder, stage.location(), scores.getType(), choice.weights)
                       .getResult();
    x = onnx::MulOp::create(stage.builder, stage.location(), x.getType(), x, factor);
    auto scalar = RankedTensorType::get({}, stage.builder.getF32Type());
    Value one =
        onnx::ConstantOp::create(stage.builder, stage.location(), DenseElementsAttr::get(scalar, 1.0f));
    Value shape =
        onnx::ShapeOp::create(stage.builder, stage.location(),
                              RankedTensorType::get({2}, stage.builder.getI64Type()), choice.indices, 0, 2);
    choice.weights = onnx::ExpandOp::create(stage.builder, stage.location(), scores.getType(), one, shape);
  }
  Value y = buildExperts(stage, x, choice.indices, choice.weights, *layers);
  sum.getReduced().replaceAllUsesWith(y);
}

void raising::raiseDenseExperts(Stage &stage) {
  SmallVector<onnx::ReduceSumOp> ops;
  stage.function.walk([&](onnx::ReduceSumOp op) { ops.push_back(op); });
  for (onnx::ReduceSumOp op : ops)
    DenseExperts(stage, op).raise();
}
