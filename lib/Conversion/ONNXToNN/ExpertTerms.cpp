//===- ExpertTerms.cpp - Sums of experts whose tokens a matrix names ------------------------------------===//
#include "ExpertTerms.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

std::optional<ExpertProduct> raising::weightedProduct(Stage &stage, ExpertMatcher &matcher,
                                                      const ElementOf &element, ArrayRef<Polynomial> tokens,
                                                      ExpertTerm &term) {
  if (std::optional<ExpertProduct> product = matcher.product(element))
    return product;
  auto both = matcher.factors(element);
  if (!both)
    return std::nullopt;
  for (auto [factor, rest] : {*both, std::make_pair(both->second, both->first)}) {
    ExpertTerm tried = term;
    std::optional<double> scale = stage.scalar(factor.tensor);
    std::optional<ExpertColumn> column = scale ? std::nullopt : columnOf(stage, factor, tokens);
    if (scale)
      tried.scale *= static_cast<float>(*scale);
    else if (column && isF32(column->tensor) && (!column->isOfMatrix() || column->expert.constant()))
      tried.weights.push_back(*column);
    else
      continue;
    if (std::optional<ExpertProduct> product = weightedProduct(stage, matcher, rest, tokens, tried)) {
      term = std::move(tried);
      return product;
    }
  }
  return std::nullopt;
}

/// A column as [tokens..., 1].
static Value columnValue(Stage &stage, const ExpertColumn &column, int64_t tokenRank) {
  OpBuilder &builder = stage.builder;
  Value value = column.tensor;
  if (column.isOfMatrix()) {
    RankedTensorType type = typeOf(value);
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + column.axis);
    auto scalar = RankedTensorType::get({}, builder.getI64Type());
    Value number = onnx::ConstantOp::create(builder, stage.location(),
                                            DenseElementsAttr::get(scalar, *column.expert.constant()));
    value = onnx::GatherOp::create(builder, stage.location(), type.clone(shape), value, number, column.axis);
  }
  // What else it has are dimensions of 1.
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape, axes;
  int64_t excess = type.getRank() - tokenRank;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (excess > 0 && type.getDimSize(i) == 1) {
      axes.push_back(i);
      --excess;
    } else {
      shape.push_back(type.getDimSize(i));
    }
  }
  if (!axes.empty())
    value = onnx::SqueezeOp::create(builder, stage.location(), type.clone(shape), value, axes);
  shape.push_back(1);
  return onnx::UnsqueezeOp::create(builder, stage.location(), type.clone(shape), value,
                                   ArrayRef<int64_t>{tokenRank});
}

Value raising::matrixOf(Stage &stage, ArrayRef<SmallVector<ExpertColumn, 2>> columns, int64_t tokenRank) {
  OpBuilder &builder = stage.builder;
  // The graph's own matrix, where it has all columns in order.
  const ExpertColumn &first = columns.front().front();
  RankedTensorType type = typeOf(first.tensor);
  bool isWhole = first.isOfMatrix() && type.getRank() == tokenRank + 1 &&
                 type.getDimSize(first.axis) == static_cast<int64_t>(columns.size());
  for (auto [i, parts] : llvm::enumerate(columns))
    isWhole &= parts.size() == 1 && parts.front().tensor == first.tensor &&
               parts.front().axis == first.axis && parts.front().expert.isConstant(static_cast<int64_t>(i));
  if (isWhole) {
    if (first.axis == tokenRank)
      return first.tensor;
    SmallVector<int64_t> order, shape;
    for (int64_t i = 0; i <= tokenRank; ++i)
      if (i != first.axis)
        order.push_back(i);
    order.push_back(first.axis);
    for (int64_t i : order)
      shape.push_back(type.getDimSize(i));
    return onnx::TransposeOp::create(builder, stage.location(), type.clone(shape), first.tensor, order);
  }
  SmallVector<Value> values;
  for (ArrayRef<ExpertColumn> parts : columns) {
    Value value;
    for (const ExpertColumn &part : parts) {
      Value factor = columnValue(stage, part, tokenRank);
      value =
          value ? onnx::MulOp::create(builder, stage.location(), factor.getType(), value, factor).getResult()
                : factor;
    }
    values.push_back(value);
  }
  SmallVector<int64_t> shape(typeOf(values.front()).getShape());
  shape.back() = static_cast<int64_t>(values.size());
  return onnx::ConcatOp::create(builder, stage.location(), typeOf(values.front()).clone(shape), values,
                                tokenRank);
}

/// A number that is there when a list has one row, and else ends the run.
static Value oneRowOf(Stage &stage, Value list) {
  OpBuilder &builder = stage.builder;
  RankedTensorType type = typeOf(list);
  auto scalar = RankedTensorType::get({}, type.getElementType());
  Value zero =
      onnx::ConstantOp::create(builder, stage.location(), DenseElementsAttr::get(scalar, int64_t(0)));
  Value rows =
      onnx::GatherOp::create(builder, stage.location(), type.clone({type.getDimSize(1)}), list, zero, 0);
  return onnx::ReshapeOp::create(builder, stage.location(), type.clone({1, 1}), rows, integers(stage, {1, 1}),
                                 false);
}

/// Are masks comparisons of the same number of a token with other constants each?
static bool areOfDifferentNumbers(Stage &stage, ArrayRef<ExpertTerm> terms) {
  Value compared;
  llvm::SmallSet<int64_t, 16> numbers;
  for (const ExpertTerm &term : terms) {
    if (term.mask.isOfMatrix())
      return false; // Of another number, in another column.
    auto equal = term.mask.tensor.getDefiningOp<onnx::EqualOp>();
    Value other;
    std::optional<double> number = equal ? stage.scalarOperand(equal, other) : std::nullopt;
    if (!number || (compared && other != compared) ||
        typeOf(other).getShape() != typeOf(equal.getC()).getShape() ||
        !numbers.insert(static_cast<int64_t>(*number)).second)
      return false;
    compared = other;
  }
  return true;
}

void raising::replaceSum(Stage &stage, Operation *root, Value y) {
  auto type = typeOf(root->getResult(0));
  if (typeOf(y).getRank() < type.getRank())
    y = onnx::UnsqueezeOp::create(stage.builder, stage.location(), type, y,
                                  ArrayRef<int64_t>{type.getRank() - 2});
  root->getResult(0).replaceAllUsesWith(y);
}

void raising::buildTerms(Stage &stage, Operation *root, std::vector<ExpertTerm> &terms,
                         ArrayRef<Value> others, int64_t limit) {
  ExpertMatcher matcher(stage);
  // In the order of their experts, where those are known.
  auto numberOf = [](const ExpertTerm &term) {
    return term.slab ? term.slab : term.mask.isOfMatrix() ? term.mask.expert.constant() : std::nullopt;
  };
  bool areNumbered = llvm::all_of(terms, [&](const ExpertTerm &term) { return numberOf(term).has_value(); });
  if (areNumbered)
    llvm::sort(terms, [&](const ExpertTerm &a, const ExpertTerm &b) { return *numberOf(a) < *numberOf(b); });
  else
    std::reverse(terms.begin(), terms.end());
  const ExpertTerm &first = terms.front();
  for (auto [i, term] : llvm::enumerate(terms)) {
    if (term.mask.isOfMatrix() && !term.mask.expert.constant())
      return (void)matcher.fail(term.op, "which expert this is, is not known");
    if (!term.layers.isAlike(first.layers))
      return (void)matcher.fail(term.op, "this expert is of another form than the first");
    if (term.weights.empty() != first.weights.empty() || term.scale != first.scale)
      return (void)matcher.fail(term.op, "this expert's rows have other weights than the first's");
    if (i > 0 && areNumbered && numberOf(term) == numberOf(terms[i - 1]))
      return (void)matcher.fail(term.op, "an expert is there twice");
  }
  int64_t tokenRank = typeOf(first.layers.x).getRank() - 1, experts = static_cast<int64_t>(terms.size());

  // How many experts may a token have?
  int64_t k = experts;
  const ExpertColumn &mask = first.mask;
  if (mask.isOfMatrix() && llvm::all_of(terms, [&](const ExpertTerm &term) {
        return term.mask.tensor == mask.tensor && term.mask.axis == mask.axis;
      })) {
    SmallVector<Polynomial, 4> place;
    for (const Polynomial &size : stage.shapes.sizes(mask.tensor))
      place.push_back(size.isConstant(1) ? Polynomial() : stage.shapes.newIndex(size));
    if (std::optional<int64_t> most = expertsPerToken(stage, {mask.tensor, place}, place[mask.axis]))
      k = std::min(k, *most);
  }
  if (areOfDifferentNumbers(stage, terms))
    k = 1;
  if (limit > 0 && k > limit)
    return;
  bool overwrites = llvm::any_of(terms, [](const ExpertTerm &term) { return !term.adds && !term.starts; });
  if (overwrites && k != 1)
    return (void)matcher.fail(root, "an expert's rows are written over those of another");
  if (overwrites &&
      (others.size() > 1 || llvm::any_of(terms, [](const ExpertTerm &term) { return term.adds; })))
    return (void)matcher.fail(root, "some of its rows are added, and others written over those");

  std::vector<MatchedExpert> matches;
  for (const ExpertTerm &term : terms)
    matches.push_back(term.layers);
  stage.buildAt(root, mask.tensor.getDefiningOp());
  std::optional<ExpertLayers> layers = matcher.layersOf(root, matches);
  if (!layers)
    return;
  // Weights of all experts are numbered as their matrix is, the terms as they come.
  if (typeOf(layers->out.w).getDimSize(0) != experts)
    return (void)matcher.fail(root, "it has weights of more experts than there are");
  SmallVector<SmallVector<ExpertColumn, 2>> masks, weights;
  for (const ExpertTerm &term : terms) {
    masks.push_back({term.mask});
    weights.push_back(term.weights);
  }
  OpBuilder &builder = stage.builder;
  Value matrix = matrixOf(stage, masks, tokenRank);
  bool isWeighted = !overwrites && llvm::all_of(terms, [](const ExpertTerm &term) {
    if (term.weights.size() != 1 || term.single || term.scale != 1)
      return false;
    const ExpertColumn &weight = term.weights.front();
    return weight.tensor == term.mask.tensor && weight.axis == term.mask.axis &&
           weight.expert == term.mask.expert;
  });
  if (std::optional<Choice> choice = isWeighted ? choiceOf(stage, matrix) : std::nullopt) {
    Choice routed = raiseRouting(stage, *choice);
    Value y = buildExperts(stage, first.layers.x, routed.indices, routed.weights, *layers);
    for (Value other : others)
      if (!stage.isFilledWith(other, 0))
        y = onnx::AddOp::create(builder, stage.location(), root->getResult(0).getType(), y, other);
    return replaceSum(stage, root, y);
  }
  ExpertList list =
      listExperts(stage, matrix, first.weights.empty() ? Value() : matrixOf(stage, weights, tokenRank), k);
  if (first.scale != 1) {
    auto scalar = RankedTensorType::get({}, builder.getF32Type());
    Value scale =
        onnx::ConstantOp::create(builder, stage.location(), DenseElementsAttr::get(scalar, first.scale));
    list.weights =
        onnx::MulOp::create(builder, stage.location(), list.weights.getType(), list.weights, scale);
  }
  for (const ExpertTerm &term : terms)
    if (term.single)
      list.indices = after(stage, oneRowOf(stage, term.single), list.indices);
  Value y = buildExperts(stage, first.layers.x, list.indices, list.weights, *layers, /*skips=*/true);
  Type type = root->getResult(0).getType();
  if (overwrites && !others.empty()) {
    Value isTaken = onnx::CastOp::create(builder, stage.location(),
                                         typeOf(list.taken).clone(builder.getI1Type()), list.taken);
    y = onnx::WhereOp::create(builder, stage.location(), type, isTaken, y, others.front());
  } else {
    for (Value other : others)
      if (!stage.isFilledWith(other, 0))
        y = onnx::AddOp::create(builder, stage.location(), type, y, other);
  }
  replaceSum(stage, root, y);
}
