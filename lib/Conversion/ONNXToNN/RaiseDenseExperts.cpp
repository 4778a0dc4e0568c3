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
// The sum may be a ReduceSum, or one of the letters of an Einsum, with the last product in it or before.
// Where r is no router's choice, a token's experts are those for which r is not 0; where it is a softmax or a
// sigmoid, those are all: a soft mixture, for which the token chooses every expert.
//
//===----------------------------------------------------------------------------------------------===//
#include "ExpertTerms.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

namespace {
/// A sum over experts.
struct ExpertSum {
  Operation *op;
  Polynomial experts;
  int64_t axis = 0; ///< of a ReduceSum
  char letter = 0;  ///< of an Einsum
};

class DenseExperts {
public:
  DenseExperts(Stage &stage, const ExpertSum &sum) : stage(stage), sum(sum), matcher(stage) {}
  void raise();

private:
  /// What is multiplied in the term of an expert.
  SmallVector<ElementOf, 3> factorsOf(const Polynomial &expert, SmallVectorImpl<Polynomial> &summed);
  /// What is scattered to element [token, expert] of a matrix of `rest` elsewhere: a value for each choice.
  Value scattered(const ElementOf &element, double rest);
  bool keepsZero(const MatchedExpert &expert) const;
  /// The product that some factors are, and the other one of them, the weight, or nothing.
  std::optional<ExpertProduct> lastProduct(ArrayRef<ElementOf> factors, ArrayRef<Polynomial> summed,
                                           std::optional<ElementOf> &weight);
  /// Experts whose layers are one weight each.
  void raiseStacked(const ExpertProduct &out, const std::optional<ElementOf> &weight, Operation *node);
  void buildChoice(const MatchedExpert &expert, Value weights, Value scores, Operation *node);
  void buildSoft(const MatchedExpert &expert, const ElementOf &weight, Operation *node);
  /// Experts of layers of their own, whose results are one tensor.
  void raiseSingle();

  Stage &stage;
  ExpertSum sum;
  ExpertMatcher matcher;
  SmallVector<Polynomial, 4> place; ///< of the sum's element
  SmallVector<Polynomial, 2> tokens;
  Polynomial column;
};
} // namespace

SmallVector<ElementOf, 3> DenseExperts::factorsOf(const Polynomial &expert,
                                                  SmallVectorImpl<Polynomial> &summed) {
  if (auto einsum = dyn_cast<onnx::EinsumOp>(sum.op))
    return matcher.terms({einsum.getY(), place}, summed, sum.letter, expert);
  if (auto product = dyn_cast<onnx::MatMulOp>(sum.op)) {
    SmallVector<Polynomial, 4> a(place), b(place);
    a.back() = b[b.size() - 2] = expert;
    return {matcher.operand(product.getA(), a), matcher.operand(product.getB(), b)};
  }
  SmallVector<Polynomial, 4> inner(place);
  inner.insert(inner.begin() + sum.axis, expert);
  ElementOf term = matcher.trace(sum.op->getOperand(0), inner);
  auto both = matcher.factors(term);
  return both ? SmallVector<ElementOf, 3>{both->first, both->second} : SmallVector<ElementOf, 3>{term};
}

Value DenseExperts::scattered(const ElementOf &element, double rest) {
  auto scatter = element.tensor.getDefiningOp<onnx::ScatterElementsOp>();
  SmallVector<Polynomial, 4> expected(tokens.begin(), tokens.end());
  expected.push_back(*matcher.expert);
  if (!scatter || element.indices != expected || scatter.getAxis() != tokens.size() ||
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

std::optional<ExpertProduct> DenseExperts::lastProduct(ArrayRef<ElementOf> factors,
                                                       ArrayRef<Polynomial> summed,
                                                       std::optional<ElementOf> &weight) {
  auto productOf = [&](ArrayRef<ElementOf> rest) -> std::optional<ExpertProduct> {
    ExpertProduct result;
    if (rest.size() == 1 && summed.empty())
      return matcher.product(rest.front());
    if (rest.size() == 2 && summed.size() == 1 && matcher.productOf(rest[0], rest[1], summed.front(), result))
      return result;
    return std::nullopt;
  };
  for (auto [i, factor] : llvm::enumerate(factors)) {
    std::optional<ExpertColumn> found = columnOf(stage, factor, tokens);
    if (!found || !found->isOfMatrix() || !(found->expert == *matcher.expert) || !isF32(factor.tensor))
      continue;
    SmallVector<ElementOf, 3> rest(factors.begin(), factors.end());
    rest.erase(rest.begin() + i);
    if (std::optional<ExpertProduct> product = productOf(rest)) {
      weight = factor;
      return product;
    }
  }
  return isa<onnx::ReduceSumOp>(sum.op) ? productOf(factors) : std::nullopt;
}

void DenseExperts::buildChoice(const MatchedExpert &expert, Value weights, Value scores, Operation *node) {
  ArrayRef<Polynomial> chosen = stage.shapes.sizes(matcher.indices), rows = stage.shapes.sizes(expert.x);
  int64_t experts = *sum.experts.constant();
  if (chosen.drop_back() != rows.drop_back())
    return (void)matcher.fail(node, "the router's tokens are not proven to be the experts'");
  if (routerExperts(stage, matcher.indices) != experts)
    return (void)matcher.fail(node, "of the " + Twine(routerExperts(stage, matcher.indices)) +
                                        " experts of its router " + Twine(experts) + " are there");
  if (scores && (!keepsZero(expert) || !chosen.back().isConstant(1)))
    return (void)matcher.fail(node, "experts that a token did not choose are not proven to make zeros");
  stage.buildAt(sum.op, matcher.indices.getDefiningOp());
  std::optional<ExpertLayers> layers = matcher.layersOf(node, expert);
  if (!layers)
    return;
  Value x = expert.x;
  Choice choice = raiseRouting(stage, {matcher.indices, scores ? scores : weights});
  if (scores) {
    // One expert a token: its row times the score, and its result times 1.
    Value factor = onnx::SigmoidOp::create(stage.builder, stage.location(), scores.getType(), choice.weights)
                       .getResult();
    x = onnx::MulOp::create(stage.builder, stage.location(), x.getType(), x, factor);
    auto scalar = RankedTensorType::get({}, stage.builder.getF32Type());
    Value one =
        onnx::ConstantOp::create(stage.builder, stage.location(), DenseElementsAttr::get(scalar, 1.0f));
    int64_t rank = typeOf(choice.indices).getRank();
    Value shape = onnx::ShapeOp::create(stage.builder, stage.location(),
                                        RankedTensorType::get({rank}, stage.builder.getI64Type()),
                                        choice.indices, 0, rank);
    choice.weights = onnx::ExpandOp::create(stage.builder, stage.location(), scores.getType(), one, shape);
  }
  replaceSum(stage, sum.op, buildExperts(stage, x, choice.indices, choice.weights, *layers));
}

/// All experts for each token, in the order of their scores.
static std::optional<Choice> routeToAll(Stage &stage, Value weights, int64_t experts) {
  Operation *op = weights.getDefiningOp();
  auto softmax = dyn_cast_or_null<onnx::SoftmaxOp>(op);
  if (!(softmax && static_cast<int64_t>(softmax.getAxis()) == typeOf(weights).getRank() - 1) &&
      !isa_and_nonnull<onnx::SigmoidOp>(op))
    return std::nullopt;
  if (!isF32(op->getOperand(0)))
    return std::nullopt;
  Routing routing;
  routing.k = experts;
  routing.score = softmax ? moe::Score::Softmax : moe::Score::Sigmoid;
  moe::RouteOp route = buildRoute(stage, op->getOperand(0), Value(), routing);
  return Choice{route.getIndices(), route.getWeights()};
}

void DenseExperts::buildSoft(const MatchedExpert &expert, const ElementOf &weight, Operation *node) {
  ArrayRef<Polynomial> rows = stage.shapes.sizes(expert.x);
  int64_t experts = *sum.experts.constant(), rank = static_cast<int64_t>(tokens.size());
  stage.buildAt(sum.op);
  SmallVector<SmallVector<ExpertColumn, 2>> columns;
  std::optional<ExpertColumn> found = columnOf(stage, weight, tokens);
  for (int64_t i = 0; i < experts; ++i) {
    found->expert = Polynomial(i);
    columns.push_back({*found});
  }
  if (!(stage.shapes.sizes(weight.tensor)[found->axis] == sum.experts))
    return (void)matcher.fail(node, "its weights are those of another number of experts");
  Value matrix = matrixOf(stage, columns, rank);
  if (stage.shapes.sizes(matrix).drop_back() != rows.drop_back())
    return (void)matcher.fail(node, "the weights' tokens are not proven to be the experts'");
  std::optional<ExpertLayers> layers = matcher.layersOf(node, expert);
  if (!layers)
    return;
  if (std::optional<Choice> choice = choiceOf(stage, matrix)) {
    Choice routed = raiseRouting(stage, *choice);
    return replaceSum(stage, sum.op, buildExperts(stage, expert.x, routed.indices, routed.weights, *layers));
  }
  int64_t k = expertsPerToken(stage, weight, *matcher.expert).value_or(experts);
  std::optional<Choice> all = k < experts ? std::nullopt : routeToAll(stage, matrix, experts);
  if (all)
    return replaceSum(stage, sum.op, buildExperts(stage, expert.x, all->indices, all->weights, *layers));
  if (k >= experts)
    return (void)matcher.fail(node, "nothing makes the experts that a token did not choose zero");
  ExpertList list = listExperts(stage, matrix, matrix, k);
  replaceSum(stage, sum.op,
             buildExperts(stage, expert.x, list.indices, list.weights, *layers, /*skips=*/true));
}

void DenseExperts::raiseStacked(const ExpertProduct &out, const std::optional<ElementOf> &weight,
                                Operation *node) {
  Value weights = weight ? scattered(*weight, 0) : Value(), scores;
  // The router's scores may be on the rows that experts read.
  matcher.rowFactor = [&](const ElementOf &factor) {
    auto sigmoid = factor.tensor.getDefiningOp<onnx::SigmoidOp>();
    Value found = sigmoid && !weight ? scattered(matcher.operand(sigmoid.getX(), factor.indices),
                                                 -std::numeric_limits<double>::infinity())
                                     : Value();
    if (!found || (scores && scores != found))
      return false;
    scores = found;
    return true;
  };
  std::optional<MatchedExpert> expert = matcher.expertOf(node, out, column);
  if (!expert)
    return;
  if (!weight && !scores)
    return (void)matcher.fail(node, "nothing makes the experts that a token did not choose zero");
  if (weights || scores)
    return buildChoice(*expert, weights, scores, node);
  buildSoft(*expert, *weight, node);
}

void DenseExperts::raiseSingle() {
  // Worth it where a token has not all of them.
  std::vector<ExpertTerm> terms;
  int64_t experts = *sum.experts.constant();
  for (int64_t i = 0; i < experts; ++i) {
    matcher.expert = Polynomial(i);
    SmallVector<Polynomial, 2> summed;
    SmallVector<ElementOf, 3> factors = factorsOf(*matcher.expert, summed);
    ExpertTerm term;
    std::optional<ExpertProduct> out;
    for (unsigned weight : {0u, 1u}) {
      if (factors.size() != 2 || !summed.empty() || out)
        break;
      std::optional<ExpertColumn> found = columnOf(stage, factors[weight], tokens);
      if (!found || !found->isOfMatrix() || !found->expert.isConstant(i) || !isF32(found->tensor))
        continue;
      term.mask = *found;
      term.weights = {*found};
      out = matcher.product(factors[1 - weight]);
    }
    if (!out)
      return;
    term.op = factors.front().tensor.getDefiningOp() ? factors.front().tensor.getDefiningOp() : sum.op;
    std::optional<MatchedExpert> layers = matcher.expertOf(term.op, *out, column);
    if (!layers)
      return;
    if (stage.shapes.sizes(layers->x).drop_back() !=
        stage.shapes.sizes(sum.op->getResult(0)).take_front(tokens.size()))
      return;
    term.layers = *layers;
    terms.push_back(std::move(term));
  }
  buildTerms(stage, sum.op, terms, {}, experts - 1);
}

void DenseExperts::raise() {
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(sum.op->getResult(0));
  if (!sum.experts.constant() || *sum.experts.constant() < 2 || sizes.size() < 2 || sizes.size() > 4)
    return;
  for (const Polynomial &size : sizes)
    place.push_back(matcher.newIndex(size));
  column = place.back();
  tokens.append(place.begin(), std::prev(place.end()));
  if (isa<onnx::MatMulOp>(sum.op))
    tokens.pop_back(); // The only row.
  if (tokens.empty())
    return;
  matcher.token = tokens.back();
  matcher.leading.append(tokens.begin(), std::prev(tokens.end()));
  matcher.expert = stage.shapes.newIndex(sum.experts);
  SmallVector<Polynomial, 2> summed;
  SmallVector<ElementOf, 3> factors = factorsOf(*matcher.expert, summed);
  std::optional<ElementOf> weight;
  std::optional<ExpertProduct> out = lastProduct(factors, summed, weight);
  if (!out)
    return raiseSingle(); // Most sums are no experts.
  if (!out->isOfAll())
    return;
  Operation *node = sum.op;
  if (auto reduce = dyn_cast<onnx::ReduceSumOp>(sum.op); reduce && reduce.getData().getDefiningOp())
    node = matcher
               .trace(reduce.getData(),
                      [&] {
                        SmallVector<Polynomial, 4> inner(place);
                        inner.insert(inner.begin() + sum.axis, *matcher.expert);
                        return inner;
                      }())
               .tensor.getDefiningOp();
  raiseStacked(*out, weight, node);
}

/// The sums over experts that an op may be.
static SmallVector<ExpertSum, 2> sumsOf(Stage &stage, Operation *op) {
  SmallVector<ExpertSum, 2> result;
  if (op->getNumResults() != 1 || !isF32(op->getResult(0)))
    return result;
  if (auto reduce = dyn_cast<onnx::ReduceSumOp>(op)) {
    if (reduce.getAxes().size() == 1 && !reduce.getKeepdims() &&
        reduce.getAxes()[0] < typeOf(reduce.getData()).getRank() - 1) {
      int64_t axis = reduce.getAxes()[0];
      result.push_back({op, stage.shapes.sizes(reduce.getData())[axis], axis});
    }
  } else if (auto product = dyn_cast<onnx::MatMulOp>(op)) {
    ArrayRef<Polynomial> a = stage.shapes.sizes(product.getA()), b = stage.shapes.sizes(product.getB());
    if (a.size() >= 3 && a.size() == b.size() && a[a.size() - 2].isConstant(1))
      result.push_back({op, a.back()});
  } else if (auto einsum = dyn_cast<onnx::EinsumOp>(op)) {
    auto [operands, output] = einsum.getEquation().split("->");
    SmallVector<StringRef, 3> letters;
    operands.split(letters, ',');
    for (auto [own, input] : llvm::zip(letters, einsum.getInputs()))
      for (auto [letter, size] : llvm::zip(own, stage.shapes.sizes(input)))
        if (!output.contains(letter) && size.constant() && !size.isConstant(1) &&
            llvm::none_of(result, [&](const ExpertSum &found) { return found.letter == letter; }))
          result.push_back({op, size, 0, letter});
  }
  return result;
}

namespace {
/// Terms that are added one after the other: experts of layers of their own, times columns of a matrix.
class ColumnSums {
public:
  explicit ColumnSums(Stage &stage) : stage(stage) {}
  void raise(onnx::AddOp add) {
    if (inside.contains(add))
      return;
    std::vector<ExpertTerm> terms;
    SmallVector<Value> others;
    collect(add.getC(), true, terms, others);
    if (terms.size() > 1 && llvm::all_of(terms, [&](const ExpertTerm &term) {
          return term.mask.tensor == terms.front().mask.tensor;
        }))
      buildTerms(stage, add, terms, others, static_cast<int64_t>(terms.size()) - 1);
  }

private:
  void collect(Value value, bool isRoot, std::vector<ExpertTerm> &terms, SmallVectorImpl<Value> &others) {
    auto add = value.getDefiningOp<onnx::AddOp>();
    if (add && (isRoot || value.hasOneUse()) && add.getA().getType() == value.getType() &&
        add.getB().getType() == value.getType()) {
      inside.insert(add);
      collect(add.getA(), false, terms, others);
      collect(add.getB(), false, terms, others);
    } else if (std::optional<ExpertTerm> term = termOf(value)) {
      terms.push_back(std::move(*term));
    } else {
      others.push_back(value);
    }
  }

  std::optional<ExpertTerm> termOf(Value value) {
    if (!value.getDefiningOp<onnx::MulOp>() || !isF32(value))
      return std::nullopt;
    ArrayRef<Polynomial> sizes = stage.shapes.sizes(value);
    if (sizes.size() < 2)
      return std::nullopt;
    ExpertMatcher matcher(stage);
    SmallVector<Polynomial, 4> place;
    for (const Polynomial &size : sizes)
      place.push_back(matcher.newIndex(size));
    SmallVector<Polynomial, 2> tokens(place.begin(), std::prev(place.end()));
    matcher.token = tokens.back();
    matcher.leading.append(tokens.begin(), std::prev(tokens.end()));
    matcher.expert = Polynomial(-1); // Of layers of its own.
    ExpertTerm term;
    term.op = value.getDefiningOp();
    std::optional<ExpertProduct> out =
        weightedProduct(stage, matcher, matcher.trace(value, place), tokens, term);
    if (!out || term.weights.size() != 1 || !term.weights.front().isOfMatrix())
      return std::nullopt;
    std::optional<MatchedExpert> layers = matcher.expertOf(term.op, *out, place.back());
    if (!layers || stage.shapes.sizes(layers->x).drop_back() != sizes.drop_back())
      return std::nullopt;
    term.mask = term.weights.front();
    term.layers = *layers;
    return term;
  }

  Stage &stage;
  llvm::SmallPtrSet<Operation *, 16> inside;
};
} // namespace

void raising::raiseDenseExperts(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) {
    if (isa<onnx::ReduceSumOp, onnx::MatMulOp, onnx::EinsumOp, onnx::AddOp>(op))
      ops.push_back(op);
  });
  ColumnSums columns(stage);
  for (Operation *op : llvm::reverse(ops)) {
    if (auto add = dyn_cast<onnx::AddOp>(op))
      columns.raise(add);
    for (const ExpertSum &sum : sumsOf(stage, op))
      if (!op->use_empty())
        DenseExperts(stage, sum).raise();
  }
}
