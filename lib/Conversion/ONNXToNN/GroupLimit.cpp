//===- GroupLimit.cpp - Routers that exclude experts outside of the best groups ------------------------===//
//
// Experts are G runs of E / G. A group's score is the sum of its greatest scores (TopK, ReduceSum) or the
// greatest (ReduceMax); ones are scattered to the best groups, spread to their experts, and scores where no
// one is are replaced by a constant (Where), or multiplied by 0, before experts are chosen.
//
//===----------------------------------------------------------------------------------------------===//
#include "Experts.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

namespace {
/// A mask of experts: where ones were scattered to groups, or where none were.
struct GroupMask {
  onnx::ScatterElementsOp scatter;
  ElementOf element; ///< of the scatter's result
  bool isInverted = false;
};

/// Scores that are replaced outside of some groups.
struct LimitedScores {
  Value scores, mask;
  double fill;
  bool excludes; ///< whether the mask is not 0 where scores are replaced
};
} // namespace

/// Follows a mask's element back to the groups that are kept.
static std::optional<GroupMask> groupMaskOf(Stage &stage, ElementOf element) {
  GroupMask result;
  for (;;) {
    element = stage.elements.trace(element);
    Operation *op = element.tensor.getDefiningOp();
    Value other;
    if (auto scatter = dyn_cast_or_null<onnx::ScatterElementsOp>(op)) {
      result.scatter = scatter;
      result.element = element;
      return result;
    }
    if (auto equal = dyn_cast_or_null<onnx::EqualOp>(op);
        equal && stage.scalarOperand(equal, other) == std::optional(0.0)) {
      result.isInverted = !result.isInverted;
      element.tensor = other;
    } else if (auto negation = dyn_cast_or_null<onnx::NotOp>(op)) {
      result.isInverted = !result.isInverted;
      element.tensor = negation->getOperand(0);
    } else if (auto cast = dyn_cast_or_null<onnx::CastOp>(op)) {
      element.tensor = cast.getX(); // Of zeros and ones.
    } else {
      return std::nullopt;
    }
    if (stage.shapes.sizes(element.tensor).size() != element.indices.size())
      return std::nullopt;
  }
}

/// How many groups the mask's scatter is over; the element is not known before that.
static std::optional<int64_t> groupsOf(Value mask) {
  for (unsigned steps = 0; steps < 16; ++steps) {
    Operation *op = mask.getDefiningOp();
    if (auto scatter = dyn_cast_or_null<onnx::ScatterElementsOp>(op)) {
      int64_t groups = typeOf(scatter.getData()).getShape().back();
      return ShapedType::isDynamic(groups) ? std::nullopt : std::optional(groups);
    }
    if (!isa_and_nonnull<onnx::EqualOp, onnx::NotOp, onnx::CastOp, onnx::ReshapeOp, onnx::ExpandOp,
                         onnx::UnsqueezeOp, onnx::TileOp>(op))
      return std::nullopt;
    mask = op->getOperand(0);
  }
  return std::nullopt;
}

/// The number of greatest elements of the last dimension that `sum` adds up, and that dimension's tensor.
static std::optional<std::pair<int64_t, Value>> greatestOf(Value sum) {
  sum = skipIdleCasts(sum);
  auto isLast = [&](ArrayRef<int64_t> axes, Value data) {
    return axes == ArrayRef<int64_t>{typeOf(data).getRank() - 1};
  };
  if (auto max = sum.getDefiningOp<onnx::ReduceMaxOp>())
    return !max.getKeepdims() && isLast(max.getAxes(), max.getData())
               ? std::optional(std::make_pair(int64_t(1), max.getData()))
               : std::nullopt;
  auto reduce = sum.getDefiningOp<onnx::ReduceSumOp>();
  if (!reduce || reduce.getKeepdims() || !isLast(reduce.getAxes(), reduce.getData()))
    return std::nullopt;
  auto topK = skipIdleCasts(reduce.getData()).getDefiningOp<onnx::TopKOp>();
  if (!topK || skipIdleCasts(reduce.getData()) != topK.getValues() || !topKOf(topK.getIndices()))
    return std::nullopt;
  return std::make_pair(typeOf(topK.getValues()).getShape().back(), topK.getX());
}

static std::optional<LimitedScores> limitedScores(Stage &stage, Value limited) {
  if (auto where = limited.getDefiningOp<onnx::WhereOp>()) {
    std::optional<double> fill = stage.scalar(where.getX());
    bool excludes = fill.has_value();
    if (!fill)
      fill = stage.scalar(where.getY());
    if (!fill)
      return std::nullopt;
    return LimitedScores{skipIdleCasts(excludes ? where.getY() : where.getX()), where.getCondition(), *fill,
                         excludes};
  }
  // Scores of a softmax or sigmoid are finite and not below 0, so that times 0 they are 0.
  if (auto product = limited.getDefiningOp<onnx::MulOp>())
    for (unsigned i : {0u, 1u}) {
      Value scores = skipIdleCasts(product->getOperand(i));
      if (isa_and_nonnull<onnx::SoftmaxOp, onnx::SigmoidOp>(scores.getDefiningOp()))
        return LimitedScores{scores, product->getOperand(1 - i), 0, false};
    }
  return std::nullopt;
}

Value raising::beforeGroupLimit(Stage &stage, Value chosen, Routing &routing) {
  std::optional<LimitedScores> limited = limitedScores(stage, chosen);
  if (!limited || typeOf(chosen).getRank() != 2)
    return {};
  Value scores = limited->scores;
  std::optional<int64_t> groups = groupsOf(limited->mask);
  int64_t experts = typeOf(chosen).getShape().back();
  if (!groups || *groups < 1 || ShapedType::isDynamic(experts) || experts % *groups != 0 ||
      typeOf(scores) != typeOf(chosen) || typeOf(limited->mask).getShape() != typeOf(chosen).getShape())
    return {};
  int64_t size = experts / *groups;
  if (size < 2)
    return {};
  // The only group is kept.
  Polynomial token = stage.shapes.newIndex(stage.shapes.sizes(chosen)[0]),
             group = *groups == 1 ? Polynomial() : stage.shapes.newIndex(*groups),
             member = stage.shapes.newIndex(size), expert = group * Polynomial(size) + member;
  std::optional<GroupMask> mask = groupMaskOf(stage, {limited->mask, {token, expert}});
  if (!mask || mask->isInverted != limited->excludes || mask->element.indices.size() != 2 ||
      !(mask->element.indices[0] == token) || !(mask->element.indices[1] == group))
    return {};
  onnx::ScatterElementsOp scatter = mask->scatter;
  onnx::TopKOp kept = topKOf(scatter.getIndices());
  if (!kept || scatter.getAxis() != 1 || scatter.getReduction() != "none" ||
      !stage.isFilledWith(scatter.getData(), 0) || !stage.isFilledWith(scatter.getUpdates(), 1) ||
      typeOf(kept.getX()).getShape().back() != *groups)
    return {};
  auto greatest = greatestOf(kept.getX());
  if (!greatest || typeOf(greatest->second).getRank() != 3)
    return {};
  ElementOf grouped = stage.elements.trace({greatest->second, {token, group, member}}),
            flat = stage.elements.trace({scores, {token, expert}});
  int64_t keptGroups = typeOf(kept.getIndices()).getShape().back();
  if (!(grouped == flat) || routing.k > keptGroups * size)
    return {};
  if (*groups == 1)
    return scores;
  routing.groups = *groups;
  routing.keptGroups = keptGroups;
  routing.groupTop = greatest->first;
  routing.groupFill = static_cast<float>(limited->fill);
  return scores;
}
