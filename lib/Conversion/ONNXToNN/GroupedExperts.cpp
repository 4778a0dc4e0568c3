//===- GroupedExperts.cpp - Rows sorted by expert, and a product for each run of them -----------------===//
//
// The grouped form: the experts of all pairs, sorted; rows gathered in that order; counts of equal experts,
// added up, as the bounds of runs; a product of each run with its expert's matrix, joined; and the inverse of
// the sort to put rows back in the order of pairs.
//
//   row r of the joined products is X[r] w[e] for bounds[e - 1] <= r < bounds[e], and that e is sorted[r].
//
//===----------------------------------------------------------------------------------------------===//
#include "ExpertMatcher.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

/// Does this sort all of a vector, the smallest first?
static bool sortsAll(Stage &stage, onnx::TopKOp topK) {
  ArrayRef<Polynomial> from = stage.shapes.sizes(topK.getX()), to = stage.shapes.sizes(topK.getValues());
  return !topK.getLargest() && topK.getSorted() && from.size() == 1 && from.front() == to.front();
}

/// The sort that this vector is the inverse of: element p is the place that p was sorted to.
static onnx::TopKOp inverseOf(Stage &stage, Value inverse) {
  auto isSortOf = [&](const ElementOf &element, const Polynomial &row) {
    auto topK = element.tensor.getDefiningOp<onnx::TopKOp>();
    return topK && element.tensor == topK.getIndices() && element.indices.size() == 1 &&
                   element.indices[0] == row && sortsAll(stage, topK)
               ? topK
               : onnx::TopKOp();
  };
  Operation *op = inverse.getDefiningOp();
  if (auto again = dyn_cast_or_null<onnx::TopKOp>(op)) {
    // The sort of a permutation is its inverse.
    if (inverse != again.getIndices() || !sortsAll(stage, again))
      return {};
    Polynomial row = stage.shapes.newIndex(stage.shapes.sizes(again.getX()).front());
    return isSortOf(stage.elements.trace({again.getX(), {row}}), row);
  }
  if (!isa_and_nonnull<onnx::ScatterNDOp, onnx::ScatterElementsOp>(op))
    return {};
  Value data = op->getOperand(0), indices = op->getOperand(1), updates = op->getOperand(2);
  auto reduction = op->getAttrOfType<StringAttr>("reduction");
  if ((reduction && reduction.getValue() != "none") || stage.shapes.sizes(data).size() != 1)
    return {};
  Polynomial row = stage.shapes.newIndex(stage.shapes.sizes(updates).front());
  SmallVector<Polynomial, 4> place{row};
  if (isa<onnx::ScatterNDOp>(op))
    place.push_back(Polynomial());
  if (stage.shapes.sizes(indices).size() != place.size() ||
      stage.elements.integer({updates, {row}}) != std::optional(row))
    return {};
  onnx::TopKOp sort = isSortOf(stage.elements.trace({indices, place}), row);
  // All places are written: as many as there are.
  bool fits = sort && stage.shapes.sizes(sort.getX()).front() == stage.shapes.sizes(updates).front() &&
              (stage.shapes.sizes(data).front() == stage.shapes.sizes(updates).front());
  return fits ? sort : onnx::TopKOp();
}

std::optional<ElementOf> ExpertMatcher::beforeUnsorting(const ElementOf &element) {
  Value data;
  ElementOf at;
  SmallVector<Polynomial, 4> rest;
  ArrayRef<Polynomial> place = element.indices;
  if (auto gather = element.tensor.getDefiningOp<onnx::GatherOp>()) {
    if (gather.getAxis() != 0 || stage.shapes.sizes(gather.getIndices()).size() != 1)
      return std::nullopt;
    data = gather.getData();
    at = trace(gather.getIndices(), place.front());
  } else if (auto gather = element.tensor.getDefiningOp<onnx::GatherNDOp>()) {
    ArrayRef<Polynomial> sizes = stage.shapes.sizes(gather.getIndices());
    if (gather.getBatchDims() != 0 || sizes.size() != 2 || !sizes.back().isConstant(1))
      return std::nullopt;
    data = gather.getData();
    at = trace(gather.getIndices(), {place.front(), Polynomial()});
  } else {
    return std::nullopt;
  }
  if (at.indices.size() != 1 || !(sort = inverseOf(stage, at.tensor)))
    return std::nullopt;
  // The row that this pair was sorted to: inverse[pair] = row, and so indices[row] = pair.
  row = stage.shapes.newIndex(stage.shapes.sizes(sort.getX()).front());
  stage.elements.name({sort.getIndices(), {row}}, at.indices.front());
  SmallVector<Polynomial, 4> from{row};
  llvm::append_range(from, place.drop_front());
  return trace(data, from);
}

/// Through conversions between numbers that keep integers as they are: counts of rows, which are below 2^24.
static ElementOf traceInteger(Stage &stage, ElementOf element) {
  for (;;) {
    element = stage.elements.trace(element);
    auto cast = element.tensor.getDefiningOp<onnx::CastOp>();
    auto isCount = [](Value value) {
      Type type = typeOf(value).getElementType();
      return type.isF32() || type.isInteger(32) || type.isInteger(64);
    };
    if (!cast || !isCount(cast.getX()) || !isCount(cast.getY()))
      return element;
    element.tensor = cast.getX();
  }
}

/// One step of arithmetic on one number, in the type of its result.
static std::optional<double> evaluate(Stage &stage, Operation *op, double x) {
  Type type = typeOf(op->getResult(0)).getElementType();
  std::optional<double> result;
  if (isa<onnx::CastOp>(op)) {
    result = type.isInteger() ? std::trunc(x) : x;
  } else if (auto clip = dyn_cast<onnx::ClipOp>(op)) {
    std::optional<double> low = clip.getMin() ? stage.scalar(clip.getMin()) : x,
                          high = clip.getMax() ? stage.scalar(clip.getMax()) : x;
    if (low && high)
      result = std::min(std::max(x, *low), *high);
  } else if (std::optional<double> y = stage.scalar(op->getOperand(1))) {
    if (isa<onnx::AddOp>(op))
      result = x + *y;
    else if (isa<onnx::SubOp>(op))
      result = x - *y;
    else if (isa<onnx::MulOp>(op))
      result = x * *y;
    else if (isa<onnx::DivOp>(op) && *y != 0)
      result = type.isInteger() ? std::trunc(x / *y) : x / *y;
  }
  return result && type.isF32() ? std::optional<double>(static_cast<float>(*result)) : result;
}

/// Is an element of a vector the expert that `sorted` has at the same row, for all of them? It may come from
/// arithmetic on it that a histogram does with its bounds.
static bool isExpertOf(Stage &stage, Value value, onnx::TopKOp sort, int64_t experts) {
  Polynomial row = stage.shapes.newIndex(stage.shapes.sizes(value).front());
  ElementOf at{value, {row}}, sorted = stage.elements.trace({sort.getValues(), {row}}),
                              unsorted = stage.elements.trace({sort.getX(), {row}});
  SmallVector<Operation *> steps;
  for (;;) {
    at = stage.elements.trace(at);
    if (at == sorted || at == unsorted)
      break;
    Operation *op = at.tensor.getDefiningOp();
    if (!isa_and_nonnull<onnx::CastOp, onnx::ClipOp, onnx::AddOp, onnx::SubOp, onnx::MulOp, onnx::DivOp>(
            op) ||
        stage.shapes.sizes(op->getOperand(0)).size() != at.indices.size())
      return false;
    steps.push_back(op);
    at.tensor = op->getOperand(0);
  }
  for (int64_t expert = 0; expert < experts; ++expert) {
    std::optional<double> x = static_cast<double>(expert);
    for (Operation *op : llvm::reverse(steps))
      if (!x || !(x = evaluate(stage, op, *x)))
        return false;
    if (*x != static_cast<double>(expert))
      return false;
  }
  return true;
}

/// Is element e of `sums` the number of rows of experts 0 to e, for each of the router's?
static bool countsRows(Stage &stage, onnx::CumSumOp sums, onnx::TopKOp sort, int64_t experts) {
  if (sums.getAxis() != 0 || sums.getExclusive() || sums.getReverse() ||
      stage.shapes.sizes(sums.getX()).size() != 1)
    return false;
  Polynomial group = stage.shapes.newIndex(stage.shapes.sizes(sums.getX()).front());
  ElementOf counts = traceInteger(stage, {sums.getX(), {group}});
  auto scatter = counts.tensor.getDefiningOp<onnx::ScatterElementsOp>();
  if (!scatter || counts.indices.size() != 1 || !(counts.indices[0] == group) ||
      scatter.getReduction() != "add" || scatter.getAxis() != 0)
    return false;
  Polynomial rows = stage.shapes.sizes(scatter.getIndices()).front();
  return rows == stage.shapes.sizes(sort.getX()).front() &&
         stage.elements.build({scatter.getData(), {group}})->isNumber(0) &&
         stage.elements.build({scatter.getUpdates(), {stage.shapes.newIndex(rows)}})->isNumber(1) &&
         isExpertOf(stage, scatter.getIndices(), sort, experts);
}

bool ExpertMatcher::grouped(const ElementOf &element, ExpertProduct &result) {
  auto concat = element.tensor.getDefiningOp<onnx::ConcatOp>();
  if (!concat || !sort || concat.getAxis() != 0 || element.indices.size() != 2 ||
      !(element.indices[0] == row) || !isExpert(trace(sort.getValues(), row)))
    return false;
  int64_t experts = routerExperts(stage, indices), parts = concat.getInputs().size();
  onnx::CumSumOp sums;
  auto isBound = [&](Value value, int64_t expert) {
    ElementOf bound = traceInteger(
        stage, {value, SmallVector<Polynomial, 4>(stage.shapes.sizes(value).size(), Polynomial())});
    auto op = bound.tensor.getDefiningOp<onnx::CumSumOp>();
    if (!op || (sums && op != sums) || bound.indices.size() != 1 || !bound.indices[0].isConstant(expert))
      return false;
    sums = op;
    return true;
  };
  auto isInteger = [&](Value value, int64_t expected) {
    std::optional<Polynomial> known = stage.shapes.integer(value);
    return known && known->isConstant(expected);
  };
  Value rows;
  bool hasBias = !result.bias.empty(), hasOwn = false;
  for (auto [i, part] : llvm::enumerate(concat.getInputs())) {
    int64_t expert = static_cast<int64_t>(i);
    nn::LinearOp linear = plainLinear(part);
    auto gather = linear ? skipIdleCasts(linear.getX()).getDefiningOp<onnx::GatherOp>() : onnx::GatherOp();
    auto range = gather ? gather.getIndices().getDefiningOp<onnx::RangeOp>() : onnx::RangeOp();
    if (!range || gather.getAxis() != 0 || (rows && rows != gather.getData()) ||
        !isInteger(range.getDelta(), 1) || !isBound(range.getLimit(), expert) ||
        !(expert == 0 ? isInteger(range.getStart(), 0) : isBound(range.getStart(), expert - 1)))
      return false;
    rows = gather.getData();
    if (expert == 0)
      hasOwn = bool(linear.getBias());
    if ((hasOwn && hasBias) || hasOwn != bool(linear.getBias()) ||
        (!result.w.empty() && result.w.front().getType() != linear.getW().getType()))
      return false;
    result.w.push_back(linear.getW());
    if (linear.getBias())
      result.bias.push_back(linear.getBias());
  }
  if (parts < experts || !countsRows(stage, sums, sort, experts))
    return false;
  result.column = element.indices[1];
  result.inner = stage.shapes.newIndex(typeOf(result.w.front()).getDimSize(0));
  result.x = trace(rows, {row, result.inner});
  return true;
}
