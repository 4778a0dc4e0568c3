//===- Broadcast.cpp - numpy's broadcasting with sizes that only a run knows ----------------------===//
//
// A size that is 1 statically is a map to 0, sizes that are provably equal need nothing. What is left (two
// sizes that may or may not be equal) is compared at run time; the rare operand that must be repeated is
// copied to the full size then, so that the loop over the elements is the same plain loop in every case.
//
//===----------------------------------------------------------------------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

Size Lowering::broadcastSize(ArrayRef<Size> candidates) {
  SmallVector<Size> distinct;
  const Size *fixed = nullptr;
  for (const Size &candidate : candidates) {
    if (candidate.constant() == 1)
      continue;
    if (candidate.constant())
      fixed = &candidate;
    if (llvm::none_of(distinct, [&](const Size &other) { return other.provablyEquals(candidate); }))
      distinct.push_back(candidate);
  }
  if (distinct.empty())
    return size(1);
  if (distinct.size() == 1)
    return fixed ? *fixed : distinct.front();
  Size result = fixed ? *fixed : distinct.front();
  Value one = index(1);
  if (!fixed)
    for (const Size &other : ArrayRef(distinct).drop_front())
      result = size(select(compare(Compare::Equal, value(result), one), value(other), value(result)));
  for (const Size &each : distinct) {
    if (each.provablyEquals(result))
      continue;
    Value given = value(each);
    check(logicalOr(compare(Compare::Equal, given, value(result)), compare(Compare::Equal, given, one)),
          "the sizes cannot be broadcast");
  }
  return result;
}

Value Lowering::repeat(Value operand, ArrayRef<Size> target, ArrayRef<bool> uncertain) {
  SmallVector<Size, 4> from = sizes(operand), to;
  unsigned offset = target.size() - from.size();
  Value needed = boolean(false);
  for (unsigned i = 0; i < from.size(); ++i) {
    to.push_back(uncertain[i] ? target[i + offset] : from[i]);
    if (uncertain[i])
      needed = logicalOr(needed, compare(Compare::NotEqual, value(from[i]), value(to[i])));
  }
  SmallVector<int64_t> shape;
  for (const Size &each : to)
    shape.push_back(each.constant().value_or(ShapedType::kDynamic));
  Type element = typeOf(operand).getElementType();
  auto type = RankedTensorType::get(shape, element);
  ++state.broadcasts;
  auto choice = scf::IfOp::create(
      *this, getLoc(), needed,
      [&](OpBuilder &b, Location loc) {
        OpBuilder::InsertionGuard guard(*this);
        setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
        SmallVector<Value> isOne(from.size());
        for (unsigned i = 0; i < from.size(); ++i)
          if (uncertain[i])
            isOne[i] = compare(Compare::Equal, value(from[i]), index(1));
        Value repeated = generic({}, {}, to, element, [&](ScalarBuilder &s, ValueRange) {
          SmallVector<Value> indices;
          for (unsigned i = 0; i < from.size(); ++i) {
            Value at = linalg::IndexOp::create(s, loc, i);
            indices.push_back(uncertain[i] ? s.select(isOne[i], s.index(0), at) : at);
          }
          return tensor::ExtractOp::create(s, loc, operand, indices).getResult();
        });
        if (repeated.getType() != type)
          repeated = tensor::CastOp::create(*this, loc, type, repeated);
        scf::YieldOp::create(*this, loc, repeated);
      },
      [&](OpBuilder &b, Location loc) {
        Value same =
            operand.getType() == type ? operand : tensor::CastOp::create(b, loc, type, operand).getResult();
        scf::YieldOp::create(b, loc, same);
      });
  return known(choice.getResult(0), to);
}

Broadcast Lowering::broadcast(ValueRange operands, ArrayRef<Size> target) {
  Broadcast result;
  size_t rank = target.size();
  SmallVector<SmallVector<Size, 4>, 0> operandSizes;
  for (Value operand : operands) {
    operandSizes.push_back(sizes(operand));
    rank = std::max(rank, operandSizes.back().size());
  }
  for (size_t i = 0; i < rank; ++i) {
    SmallVector<Size> candidates;
    for (const SmallVector<Size, 4> &each : operandSizes)
      if (i + each.size() >= rank)
        candidates.push_back(each[i + each.size() - rank]);
    if (i + target.size() >= rank)
      candidates.push_back(target[i + target.size() - rank]);
    result.sizes.push_back(broadcastSize(candidates));
  }
  for (auto [operand, from] : llvm::zip_equal(operands, operandSizes)) {
    SmallVector<AffineExpr> exprs;
    SmallVector<bool> uncertain(from.size(), false);
    unsigned offset = rank - from.size();
    for (unsigned i = 0; i < from.size(); ++i) {
      const Size &to = result.sizes[i + offset];
      bool one = from[i].constant() == 1;
      exprs.push_back(one ? getAffineConstantExpr(0) : getAffineDimExpr(i + offset));
      uncertain[i] = !one && !from[i].provablyEquals(to);
    }
    Value used = operand;
    if (llvm::is_contained(uncertain, true))
      used = repeat(operand, result.sizes, uncertain);
    result.operands.push_back(used);
    result.maps.push_back(AffineMap::get(rank, 0, exprs, getContext()));
  }
  return result;
}

Value Lowering::expandTo(Value x, ArrayRef<Size> target) {
  Broadcast shape = broadcast(x, target);
  bool whole = typeOf(x).getRank() == static_cast<int64_t>(shape.sizes.size()) && shape.maps[0].isIdentity();
  if (whole)
    return shape.operands[0];
  Value count = index(1);
  for (const Size &size : shape.sizes) {
    count = mul(count, value(size));
    if (!getConstantIntValue(count))
      checkCount(count);
  }
  return generic(shape.operands, shape.maps, shape.sizes, typeOf(x).getElementType(),
                 [](ScalarBuilder &, ValueRange args) { return args[0]; });
}

Value Lowering::elementwise(ValueRange operands, Type element, ScalarFn compute) {
  // Small tensors: one scalar computation an element.
  int64_t count = 1, rank = 0;
  bool small = true;
  for (Value operand : operands) {
    small = small && isSmall(operand.getType());
    rank = std::max(rank, typeOf(operand).getRank());
    if (!small || typeOf(operand).getNumElements() == 1)
      continue;
    small = count == 1 || count == typeOf(operand).getNumElements();
    count = typeOf(operand).getNumElements();
  }
  if (small && (count == 1 || element.isInteger())) {
    SmallVector<SmallVector<Value>> scalars;
    for (Value operand : operands)
      scalars.push_back(elements(operand));
    SmallVector<Value> results;
    for (int64_t i = 0; i < count; ++i) {
      SmallVector<Value> arguments;
      for (const SmallVector<Value> &each : scalars)
        arguments.push_back(each[each.size() == 1 ? 0 : i]);
      results.push_back(compute(*this, arguments));
    }
    return fromElements(RankedTensorType::get(SmallVector<int64_t>(rank, count), element), results);
  }
  // Operands of one element are scalars outside of the loop, unless they bring the rank.
  SmallVector<Value> tensors, scalars;
  SmallVector<int> tensorAt(operands.size(), -1);
  int64_t tensorRank = 0;
  for (Value operand : operands)
    if (!typeOf(operand).hasStaticShape() || typeOf(operand).getNumElements() != 1)
      tensorRank = std::max(tensorRank, typeOf(operand).getRank());
  for (auto [i, operand] : llvm::enumerate(operands)) {
    RankedTensorType type = typeOf(operand);
    bool scalar = type.hasStaticShape() && type.getNumElements() == 1 && type.getRank() <= tensorRank;
    if (scalar) {
      scalars.push_back(onlyElement(operand));
    } else {
      tensorAt[i] = tensors.size();
      tensors.push_back(operand);
      scalars.push_back(Value());
    }
  }
  Broadcast shape = broadcast(tensors);
  return generic(shape.operands, shape.maps, shape.sizes, element, [&](ScalarBuilder &b, ValueRange args) {
    SmallVector<Value> arguments;
    for (auto [i, scalar] : llvm::enumerate(scalars))
      arguments.push_back(scalar ? scalar : args[tensorAt[i]]);
    return compute(b, arguments);
  });
}
