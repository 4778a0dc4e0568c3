//===- Reshape.cpp - Lowerings that give the same elements another shape --------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

namespace {
/// Consecutive dimensions of the old shape that hold the same elements as consecutive ones of the new shape.
struct Group {
  ReassociationIndices from, to;
};
} // namespace

/// Finds the finest groups that the symbolic sizes prove; one group of everything when they prove none.
static SmallVector<Group> groupDims(ArrayRef<Size> from, ArrayRef<Size> to) {
  SmallVector<Group> groups;
  size_t i = 0, j = 0;
  bool proven = true;
  while (proven && i < from.size() && j < to.size()) {
    Group group;
    Polynomial before = from[i].symbolic, after = to[j].symbolic;
    bool same = from[i].provablyEquals(to[j]);
    group.from.push_back(i++);
    group.to.push_back(j++);
    while (!same && !(before == after)) {
      bool growBefore;
      if (before.constant() && after.constant())
        growBefore = *before.constant() < *after.constant();
      else
        growBefore = !before.isConstant(0) && after.divideExactly(before).has_value();
      if (!growBefore && (after.isConstant(0) || !before.divideExactly(after))) {
        proven = false;
        break;
      }
      if (growBefore ? i == from.size() : j == to.size()) {
        proven = false;
        break;
      }
      if (growBefore) {
        before = before * from[i].symbolic;
        group.from.push_back(i++);
      } else {
        after = after * to[j].symbolic;
        group.to.push_back(j++);
      }
    }
    groups.push_back(group);
  }
  for (; proven && i < from.size(); ++i) {
    proven = from[i].constant() == 1 && !groups.empty();
    if (proven)
      groups.back().from.push_back(i);
  }
  for (; proven && j < to.size(); ++j) {
    proven = to[j].constant() == 1 && !groups.empty();
    if (proven)
      groups.back().to.push_back(j);
  }
  if (proven)
    return groups;
  Group all;
  for (size_t k = 0; k < from.size(); ++k)
    all.from.push_back(k);
  for (size_t k = 0; k < to.size(); ++k)
    all.to.push_back(k);
  return {all};
}

static RankedTensorType typeWith(ArrayRef<Size> sizes, Type element) {
  SmallVector<int64_t> shape;
  for (const Size &size : sizes)
    shape.push_back(size.constant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

Value Lowering::reshape(Value x, ArrayRef<Size> to) {
  Type element = typeOf(x).getElementType();
  SmallVector<Size, 4> from = sizes(x);
  if (isSmall(x.getType()) && to.size() <= 1 &&
      llvm::all_of(to, [](const Size &size) { return size.constant(); }))
    return fromElements(typeWith(to, element), elements(x));
  if (from.empty() || to.empty()) {
    // One element on both sides.
    auto ones = RankedTensorType::get(SmallVector<int64_t>(from.size(), 1), element);
    Value one = castTo(x, ones);
    if (!from.empty())
      return tensor::CollapseShapeOp::create(*this, getLoc(), one, ArrayRef<ReassociationIndices>());
    if (to.empty())
      return x;
    auto type = RankedTensorType::get(SmallVector<int64_t>(to.size(), 1), element);
    return tensor::ExpandShapeOp::create(*this, getLoc(), type, one, ArrayRef<ReassociationIndices>());
  }
  SmallVector<Group> groups = groupDims(from, to);
  // memref.expand_shape with two unknown sizes in a group has no lowering upstream.
  bool ambiguous = llvm::any_of(groups, [&](const Group &group) {
    return llvm::count_if(group.to, [&](int64_t dim) { return !to[dim].constant(); }) > 1;
  });
  if (ambiguous) {
    SmallVector<Value> shape;
    for (const Size &size : to)
      shape.push_back(value(size));
    auto shapeType = RankedTensorType::get(static_cast<int64_t>(to.size()), getIndexType());
    Value reshaped =
        tensor::ReshapeOp::create(*this, getLoc(), typeWith(to, element), x, fromElements(shapeType, shape));
    return known(reshaped, to);
  }
  SmallVector<ReassociationIndices> collapse, expand;
  SmallVector<int64_t> middle;
  for (const Group &group : groups) {
    collapse.push_back(group.from);
    expand.push_back(group.to);
    // The verifiers want a static size exactly where all of the group's are.
    int64_t count = 1;
    for (int64_t dim : group.to) {
      std::optional<int64_t> constant = to[dim].constant();
      count = constant && count != ShapedType::kDynamic ? count * *constant : ShapedType::kDynamic;
    }
    middle.push_back(count);
  }
  Value result = x;
  if (groups.size() < from.size()) {
    // Static sizes that are proven make the collapsed type more static than the operand's.
    Value operand = x;
    RankedTensorType refined = typeWith(from, element);
    if (refined != x.getType())
      operand = tensor::CastOp::create(*this, getLoc(), refined, x);
    result = tensor::CollapseShapeOp::create(*this, getLoc(), operand, collapse);
  }
  auto middleType = RankedTensorType::get(middle, element);
  if (result.getType() != middleType)
    result = tensor::CastOp::create(*this, getLoc(), middleType, result);
  if (groups.size() < to.size()) {
    SmallVector<OpFoldResult> shape;
    for (const Size &size : to)
      shape.push_back(size.value);
    result = tensor::ExpandShapeOp::create(*this, getLoc(), typeWith(to, element), result, expand, shape);
  }
  return known(result, to);
}

static LoweredValues lowerReshape(ReshapeOp op, ReshapeOp::Adaptor operands, Lowering &l) {
  constexpr StringLiteral mismatch = "the shape does not hold the elements";
  SmallVector<Size, 4> from = l.sizes(operands.getData());
  RankedTensorType type = l.resultType();
  SmallVector<Polynomial> symbolic(l.symbolicShapes().sizes(op.getReshaped()));
  Size total = l.productSize(from);

  // What the shape says; an absent value stands for the -1.
  SmallVector<Value> elements = l.elements(operands.getShape());
  SmallVector<std::optional<Size>> wanted;
  SmallVector<Value> isInferred(elements.size());
  const Integers *knownShape = l.symbolicShapes().integers(op.getShape());
  unsigned unknown = 0;
  Polynomial held(1);
  for (unsigned i = 0; i < elements.size(); ++i) {
    held = held * symbolic[i];
    Value element = l.toIndex(elements[i]);
    std::optional<int64_t> constant = getConstantIntValue(element);
    if (constant && *constant == -1) {
      wanted.push_back(std::nullopt);
    } else if (constant && *constant == 0 && !op.getAllowzero() && i < from.size()) {
      wanted.push_back(from[i]);
    } else if (constant) {
      wanted.push_back(l.size(*constant));
    } else if (i < from.size() && knownShape && i < knownShape->size() &&
               (*knownShape)[i] == from[i].symbolic) {
      wanted.push_back(from[i]); // Also where it is 0.
    } else {
      ++unknown;
      if (!op.getAllowzero() && i < from.size())
        element = l.select(l.compare(Compare::Equal, element, l.index(0)), l.value(from[i]), element);
      isInferred[i] = l.compare(Compare::Equal, element, l.index(-1));
      wanted.push_back(l.size(element));
    }
  }
  bool proven = held == total.symbolic && llvm::all_of(symbolic, [&](const Polynomial &size) {
                  return l.symbolicShapes().isNonNegative(size);
                });
  if (proven) {
    SmallVector<Size> others, to;
    for (auto [i, size] : llvm::enumerate(wanted))
      if (size)
        others.push_back(*size);
    for (auto [i, size] : llvm::enumerate(wanted))
      to.push_back(symbolic[i].constant() ? l.size(*symbolic[i].constant())
                   : size                 ? Size{size->value, symbolic[i]}
                                          : l.size(l.div(l.value(total), l.product(others)), symbolic[i]));
    return {l.reshape(operands.getData(), to)};
  }

  Value others = l.index(1), count = l.value(total), anyZero = l.boolean(false);
  SmallVector<Value> factors;
  for (unsigned i = 0; i < wanted.size(); ++i) {
    if (!wanted[i])
      continue;
    Value factor = l.value(*wanted[i]);
    if (isInferred[i])
      factor = l.select(isInferred[i], l.index(1), factor);
    l.check(l.compare(Compare::GreaterOrEqual, factor, l.index(0)), mismatch);
    anyZero = l.logicalOr(anyZero, l.compare(Compare::Equal, factor, l.index(0)));
    factors.push_back(factor);
  }
  for (Value factor : factors) {
    if (unknown > 1) { // The product must not wrap round to the right one.
      Value limit = l.div(l.max(count, l.index(1)), l.max(factor, l.index(1)));
      l.check(l.logicalOr(anyZero, l.compare(Compare::LessOrEqual, others, limit)), mismatch);
    }
    others = l.mul(others, factor);
  }
  Value inferred = l.div(count, others);
  SmallVector<Size> to;
  for (unsigned i = 0; i < wanted.size(); ++i) {
    if (!wanted[i])
      to.push_back(l.size(inferred, symbolic[i]));
    else if (isInferred[i])
      to.push_back(l.size(l.select(isInferred[i], inferred, l.value(*wanted[i])), symbolic[i]));
    else
      to.push_back(*wanted[i]);
    if (!type.isDynamicDim(i) && !to.back().constant()) {
      l.checkEqual(to.back(), l.size(type.getDimSize(i)), mismatch);
      to.back() = l.size(type.getDimSize(i));
    }
  }
  // Not by the symbolic sizes: they were not enough.
  l.check(l.compare(Compare::Equal, l.product(to), count), mismatch);
  return {l.reshape(operands.getData(), to)};
}

static LoweredValues lowerFlatten(FlattenOp op, FlattenOp::Adaptor operands, Lowering &l) {
  SmallVector<Size, 4> from = l.sizes(operands.getX());
  ArrayRef<Size> all(from);
  int64_t axis = op.getAxis();
  return {
      l.reshape(operands.getX(), {l.productSize(all.take_front(axis)), l.productSize(all.drop_front(axis))})};
}

static LoweredValues lowerSqueeze(SqueezeOp op, SqueezeOp::Adaptor operands, Lowering &l) {
  for (int64_t axis : op.getAxes())
    l.checkEqual(l.size(operands.getData(), axis), l.size(1), "a dimension to squeeze is not 1");
  return {l.dropUnitDims(operands.getData(), op.getAxes())};
}

static LoweredValues lowerUnsqueeze(UnsqueezeOp op, UnsqueezeOp::Adaptor operands, Lowering &l) {
  return {l.insertUnitDims(operands.getData(), op.getAxes())};
}

void tamis::onnx::addReshapeLowerings(LoweringPatterns &patterns) {
  patterns.add<ReshapeOp>(lowerReshape);
  patterns.add<FlattenOp>(lowerFlatten);
  patterns.add<SqueezeOp>(lowerSqueeze);
  patterns.add<UnsqueezeOp>(lowerUnsqueeze);
}
