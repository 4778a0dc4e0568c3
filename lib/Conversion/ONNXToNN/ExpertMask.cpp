//===- ExpertMask.cpp - Which experts a token has, by a matrix ----------------------------------------===//
#include "ExpertMask.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

/// Does an index depend on another?
static bool mentions(const Polynomial &index, const Polynomial &other) {
  for (const Polynomial::Term &term : other.getTerms())
    for (auto symbol : term.symbols)
      if (!(index.substitute(symbol, Polynomial()) == index))
        return true;
  return false;
}

/// The operand's element that goes into an element of an elementwise op.
static ElementOf operandOf(Stage &stage, Value value, ArrayRef<Polynomial> indices) {
  SmallVector<Polynomial, 4> place;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(value);
  for (auto [size, index] : llvm::zip(sizes, indices.take_back(sizes.size())))
    place.push_back(size.isConstant(1) ? Polynomial() : index);
  return stage.elements.trace({value, place});
}

std::optional<ExpertColumn> raising::columnOf(Stage &stage, const ElementOf &element,
                                              ArrayRef<Polynomial> tokens) {
  ExpertColumn result;
  result.tensor = element.tensor;
  size_t token = 0;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(element.tensor);
  // All of the tokens, and no more.
  auto isOfAll = [&](const Polynomial &index, const Polynomial &size) {
    return stage.shapes.upperBound(index) == std::optional(size - Polynomial(1));
  };
  for (auto [i, index] : llvm::enumerate(element.indices)) {
    if (token < tokens.size() && index == tokens[token] && isOfAll(index, sizes[i])) {
      ++token;
    } else if (sizes[i].isConstant(1)) {
      continue;
    } else if (result.axis < 0) {
      result.axis = static_cast<int64_t>(i);
      result.expert = index;
    } else {
      return std::nullopt;
    }
  }
  // A token's index that is there twice is no expert's.
  bool isToken =
      result.isOfMatrix() && !result.expert.constant() && llvm::is_contained(tokens, result.expert);
  return token == tokens.size() && !isToken ? std::optional(result) : std::nullopt;
}

ElementOf raising::beforeCasts(Stage &stage, ElementOf element) {
  for (;;) {
    element = stage.elements.trace(element);
    auto cast = element.tensor.getDefiningOp<onnx::CastOp>();
    if (!cast)
      return element;
    Type from = typeOf(cast.getX()).getElementType(), to = typeOf(cast.getY()).getElementType();
    // Of a fraction, or of an integer that is cut off, 0 may be left.
    bool keeps =
        to.isInteger(1) || from.isInteger(1) || (from.isInteger() && to.isFloat()) ||
        (from.isInteger() && to.isInteger() && to.getIntOrFloatBitWidth() >= from.getIntOrFloatBitWidth());
    if (!keeps)
      return element;
    element.tensor = cast.getX();
  }
}

/// A one-hot op whose elements off are 0; null when an element is of something else. With `isOne`, those on
/// are 1.
static onnx::OneHotOp oneHotOf(Stage &stage, const ElementOf &element, bool isOne) {
  auto op = element.tensor.getDefiningOp<onnx::OneHotOp>();
  if (!op)
    return {};
  std::optional<Polynomial> off = stage.elements.integer({op.getValues(), {Polynomial(0)}}),
                            on = stage.elements.integer({op.getValues(), {Polynomial(1)}});
  bool isMask = off && off->isConstant(0) && on && on->constant() && (!isOne || on->isConstant(1));
  return isMask ? op : onnx::OneHotOp();
}

/// The element of a one-hot op that an element is, perhaps times numbers of 0 and 1.
static std::optional<ElementOf> maskedOneHot(Stage &stage, ElementOf element) {
  element = beforeCasts(stage, element);
  if (oneHotOf(stage, element, true))
    return element;
  auto product = element.tensor.getDefiningOp<onnx::MulOp>();
  if (!product)
    return {};
  for (unsigned i : {0u, 1u}) {
    std::optional<ElementOf> op =
        maskedOneHot(stage, operandOf(stage, product->getOperand(i), element.indices));
    if (op && isZeroOrOne(stage, operandOf(stage, product->getOperand(1 - i), element.indices)))
      return op;
  }
  return {};
}

/// Was the expert that `second` has a one for chosen among those without that of `first`? (Not where all that
/// are left have -infinity: see SuccessiveMaxima.cpp.)
static bool excludes(Stage &stage, onnx::OneHotOp first, onnx::OneHotOp second) {
  auto argmax = skipIdleCasts(second.getIndices()).getDefiningOp<onnx::ArgMaxOp>();
  if (!argmax || argmax.getKeepdims() || argmax.getAxis() != second.getAxis())
    return false;
  auto where = skipIdleCasts(argmax.getData()).getDefiningOp<onnx::WhereOp>();
  if (!where || stage.scalar(where.getX()) != std::optional(-std::numeric_limits<double>::infinity()))
    return false;
  Value condition = where.getCondition();
  while (auto cast = condition.getDefiningOp<onnx::CastOp>())
    condition = cast.getX();
  return condition == first.getY() && first.getAxis() == second.getAxis();
}

bool raising::isZeroOrOne(Stage &stage, const ElementOf &element) {
  ElementOf source = stage.elements.trace(element);
  Operation *op = source.tensor.getDefiningOp();
  auto type = typeOf(source.tensor).getElementType();
  if (type.isInteger(1) || (op && oneHotOf(stage, source, true)))
    return true;
  if (auto cast = dyn_cast_or_null<onnx::CastOp>(op))
    return typeOf(cast.getX()).getElementType().isInteger(1) ||
           isZeroOrOne(stage, {cast.getX(), source.indices});
  if (isa_and_nonnull<onnx::MulOp>(op))
    return isZeroOrOne(stage, operandOf(stage, op->getOperand(0), source.indices)) &&
           isZeroOrOne(stage, operandOf(stage, op->getOperand(1), source.indices));
  if (isa_and_nonnull<onnx::AddOp>(op)) {
    // Of experts that are chosen one after the other.
    std::optional<ElementOf> a = maskedOneHot(stage, operandOf(stage, op->getOperand(0), source.indices)),
                             b = maskedOneHot(stage, operandOf(stage, op->getOperand(1), source.indices));
    if (!a || !b || !(a->indices == b->indices))
      return false;
    auto first = a->tensor.getDefiningOp<onnx::OneHotOp>(),
         second = b->tensor.getDefiningOp<onnx::OneHotOp>();
    return excludes(stage, first, second) || excludes(stage, second, first);
  }
  return false;
}

/// The same element of a tensor before an op that moves whole rows of experts: which row it then is, is not
/// said.
static std::optional<ElementOf> sameRow(Stage &stage, const ElementOf &element, const Polynomial &expert) {
  Operation *op = element.tensor.getDefiningOp();
  if (!isa_and_nonnull<onnx::ReshapeOp, onnx::GatherOp>(op) || element.indices.empty() ||
      !(element.indices.back() == expert))
    return std::nullopt;
  Value source = op->getOperand(0);
  ArrayRef<Polynomial> from = stage.shapes.sizes(source), to = stage.shapes.sizes(element.tensor);
  auto gather = dyn_cast<onnx::GatherOp>(op);
  if (from.empty() || !(from.back() == to.back()) || (gather && gather.getAxis() + 1 == from.size()))
    return std::nullopt;
  ElementOf result{source, {}};
  for (const Polynomial &size : from.drop_back())
    result.indices.push_back(size.isConstant(1) ? Polynomial() : stage.shapes.newIndex(size));
  result.indices.push_back(expert);
  return result;
}

std::optional<int64_t> raising::expertsPerToken(Stage &stage, const ElementOf &element,
                                                const Polynomial &expert) {
  ElementOf source = beforeCasts(stage, element);
  Operation *op = source.tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  auto isOfExpert = [&](const Polynomial &index) { return index == expert; };
  auto operand = [&](unsigned i) {
    return expertsPerToken(stage, operandOf(stage, op->getOperand(i), source.indices), expert);
  };
  auto least = [](std::optional<int64_t> a, std::optional<int64_t> b) {
    return a && b ? std::min(*a, *b) : a ? a : b;
  };
  auto sum = [](std::optional<int64_t> a, std::optional<int64_t> b) -> std::optional<int64_t> {
    return a && b ? std::optional(*a + *b) : std::nullopt;
  };
  // One index is the expert, and no other has to do with it.
  auto depends = [&](const Polynomial &index) { return mentions(index, expert); };
  if (llvm::count_if(source.indices, isOfExpert) != 1 || llvm::count_if(source.indices, depends) != 1)
    return std::nullopt;
  if (onnx::OneHotOp oneHot = oneHotOf(stage, source, false))
    return isOfExpert(source.indices[oneHot.getAxis()]) ? std::optional<int64_t>(1) : std::nullopt;
  if (isa<onnx::MulOp, onnx::AndOp>(op))
    return least(operand(0), operand(1));
  if (isa<onnx::AddOp, onnx::SubOp, onnx::OrOp>(op))
    return sum(operand(0), operand(1));
  if (isa<onnx::DivOp>(op))
    return operand(0);
  auto isZero = [&](Value value) { return stage.isScalar(value, 0, 0); };
  if (isa<onnx::GreaterOp>(op) && isZero(op->getOperand(1)))
    return operand(0);
  if (isa<onnx::LessOp>(op) && isZero(op->getOperand(0)))
    return operand(1);
  if (auto negation = dyn_cast<onnx::NotOp>(op)) {
    auto equal = negation->getOperand(0).getDefiningOp<onnx::EqualOp>();
    for (unsigned i : {0u, 1u})
      if (equal && isZero(equal->getOperand(1 - i)))
        return expertsPerToken(stage, operandOf(stage, equal->getOperand(i), source.indices), expert);
    return std::nullopt;
  }
  if (isa<onnx::EqualOp>(op)) {
    // The number of an expert, for one that does not depend on it.
    for (unsigned i : {0u, 1u}) {
      ElementOf number = operandOf(stage, op->getOperand(i), source.indices),
                other = operandOf(stage, op->getOperand(1 - i), source.indices);
      if (stage.elements.integer(number) == std::optional(expert) && llvm::none_of(other.indices, depends))
        return 1;
    }
    return std::nullopt;
  }
  if (isa<onnx::WhereOp>(op)) {
    if (isZero(op->getOperand(2)))
      return least(operand(0), operand(1));
    return sum(operand(1), operand(2));
  }
  if (auto scatter = dyn_cast<onnx::ScatterElementsOp>(op)) {
    // As many as are scattered to a row of zeros.
    int64_t axis = scatter.getAxis();
    std::optional<int64_t> places = stage.shapes.sizes(scatter.getIndices())[axis].constant();
    return isOfExpert(source.indices[axis]) && stage.isFilledWith(scatter.getData(), 0) ? places
                                                                                        : std::nullopt;
  }
  auto reduced = [&](auto reduce) -> std::optional<int64_t> {
    if (!reduce || reduce.getKeepdims() || reduce.getAxes().size() != 1)
      return std::nullopt;
    int64_t axis = reduce.getAxes()[0];
    std::optional<int64_t> places = stage.shapes.sizes(reduce.getData())[axis].constant();
    SmallVector<Polynomial, 4> place(source.indices);
    place.insert(place.begin() + axis,
                 places == 1 ? Polynomial()
                             : stage.shapes.newIndex(stage.shapes.sizes(reduce.getData())[axis]));
    std::optional<int64_t> each = expertsPerToken(stage, {reduce.getData(), place}, expert);
    return places && each ? std::optional(*places * *each) : std::nullopt;
  };
  if (std::optional<int64_t> most = reduced(dyn_cast<onnx::ReduceSumOp>(op)))
    return most;
  if (std::optional<int64_t> most = reduced(dyn_cast<onnx::ReduceMaxOp>(op)))
    return most;
  if (std::optional<ElementOf> before = sameRow(stage, source, expert))
    return expertsPerToken(stage, *before, expert);
  return std::nullopt;
}

std::optional<Choice> raising::choiceOf(Stage &stage, Value matrix) {
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(matrix);
  int64_t axis = static_cast<int64_t>(sizes.size()) - 1;
  Choice choice;
  matrix = skipIdleCasts(matrix);
  if (auto scatter = matrix.getDefiningOp<onnx::ScatterElementsOp>()) {
    if (static_cast<int64_t>(scatter.getAxis()) != axis || scatter.getReduction() != "none" ||
        !stage.isFilledWith(scatter.getData(), 0))
      return std::nullopt;
    choice = {routerIndices(stage, scatter.getIndices()), skipIdleCasts(scatter.getUpdates())};
  } else if (auto sum = matrix.getDefiningOp<onnx::ReduceSumOp>()) {
    // One-hot rows times weights, added up.
    auto product = skipIdleCasts(sum.getData()).getDefiningOp<onnx::MulOp>();
    if (!product || sum.getKeepdims() || sum.getAxes() != ArrayRef<int64_t>{axis})
      return std::nullopt;
    for (unsigned i : {0u, 1u}) {
      Value mask = product->getOperand(i), weights = skipIdleCasts(product->getOperand(1 - i));
      while (auto cast = mask.getDefiningOp<onnx::CastOp>())
        mask = cast.getX();
      auto oneHot = mask.getDefiningOp<onnx::OneHotOp>();
      auto unsqueeze = weights.getDefiningOp<onnx::UnsqueezeOp>();
      if (oneHot && static_cast<int64_t>(oneHot.getAxis()) == axis + 1 && unsqueeze &&
          unsqueeze.getAxes() == ArrayRef<int64_t>{axis + 1} && typeOf(mask).getRank() == axis + 2 &&
          oneHotOf(stage, {mask, SmallVector<Polynomial, 4>(axis + 2)}, true))
        choice = {routerIndices(stage, oneHot.getIndices()), skipIdleCasts(unsqueeze.getData())};
    }
  }
  if (!choice.indices || !isF32(choice.weights) ||
      typeOf(choice.weights).getShape() != typeOf(choice.indices).getShape() ||
      stage.shapes.sizes(choice.indices).drop_back() != sizes.drop_back() ||
      !sizes.back().isConstant(routerExperts(stage, choice.indices)))
    return std::nullopt;
  return choice;
}

ExpertList raising::listExperts(Stage &stage, Value matrix, Value weights, int64_t k) {
  OpBuilder &builder = stage.builder;
  RankedTensorType type = typeOf(matrix);
  int64_t experts = type.getShape().back(), axis = type.getRank() - 1;
  auto cast = [&](Value value, Type to) -> Value {
    RankedTensorType from = typeOf(value);
    return from.getElementType() == to
               ? value
               : onnx::CastOp::create(builder, stage.location(), from.clone(to), value).getResult();
  };
  Type i64 = builder.getI64Type(), f32 = builder.getF32Type(), i1 = builder.getI1Type();
  auto free = onnx::ConstantOp::create(builder, stage.location(),
                                       DenseElementsAttr::get(RankedTensorType::get({}, i64), int64_t(-1)));
  ExpertList list;
  Value isTaken = cast(matrix, i1), numbers;
  list.taken = cast(isTaken, f32);
  list.weights = weights ? weights : list.taken;
  if (k < experts) {
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = k;
    auto top = onnx::TopKOp::create(builder, stage.location(), RankedTensorType::get(shape, f32),
                                    RankedTensorType::get(shape, i64), list.taken, integers(stage, {k}), axis,
                                    /*largest=*/true);
    list.taken = top.getValues();
    isTaken = cast(list.taken, i1);
    numbers = top.getIndices();
    list.weights = weights ? onnx::GatherElementsOp::create(builder, stage.location(),
                                                            top.getValues().getType(), weights, numbers, axis)
                                 .getResult()
                           : list.taken;
  } else {
    SmallVector<int64_t> all;
    for (int64_t expert = 0; expert < experts; ++expert)
      all.push_back(expert);
    numbers = integers(stage, all);
  }
  list.indices =
      onnx::WhereOp::create(builder, stage.location(), typeOf(isTaken).clone(i64), isTaken, numbers, free);
  if (weights) {
    // What would be the weight of nobody, which may be NaN.
    auto zero = onnx::ConstantOp::create(builder, stage.location(),
                                         DenseElementsAttr::get(RankedTensorType::get({}, f32), 0.0f));
    list.weights =
        onnx::WhereOp::create(builder, stage.location(), typeOf(list.weights), isTaken, list.weights, zero);
  }
  return list;
}
