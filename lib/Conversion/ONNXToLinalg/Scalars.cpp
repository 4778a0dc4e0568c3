//===- Scalars.cpp - Arithmetic on scalars of any element type ------------------------------------===//
#include "Scalars.h"

#include "tamis/Dialect/ONNX/IR/KnownElements.h"

using namespace mlir;
using namespace tamis::onnx;

Type tamis::onnx::computeType(Type type) {
  auto floating = dyn_cast<FloatType>(type);
  return floating && floating.getWidth() < 32 ? Type(Float32Type::get(type.getContext())) : type;
}

Value ScalarBuilder::number(Type type, double value) {
  if (auto floating = dyn_cast<FloatType>(type)) {
    APFloat converted(value);
    bool losesInfo;
    converted.convert(floating.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return arith::ConstantOp::create(*this, getLoc(), FloatAttr::get(type, converted));
  }
  return integer(type, tamis::onnx::toInteger(value));
}

Value ScalarBuilder::integer(Type type, int64_t value) {
  if (isa<FloatType>(type))
    return number(type, static_cast<double>(value));
  if (auto width = dyn_cast<IntegerType>(type))
    return arith::ConstantOp::create(
        *this, getLoc(),
        IntegerAttr::get(type, APInt(width.getWidth(), value, true, /*implicitTrunc=*/true)));
  return arith::ConstantOp::create(*this, getLoc(), IntegerAttr::get(type, value));
}

Value ScalarBuilder::lowest(Type type, bool isUnsigned) {
  if (isa<FloatType>(type))
    return number(type, -std::numeric_limits<double>::infinity());
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = isUnsigned || width == 1 ? APInt::getZero(width) : APInt::getSignedMinValue(width);
  return arith::ConstantOp::create(*this, getLoc(), IntegerAttr::get(type, value));
}

Value ScalarBuilder::highest(Type type, bool isUnsigned) {
  if (isa<FloatType>(type))
    return number(type, std::numeric_limits<double>::infinity());
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = isUnsigned || width == 1 ? APInt::getAllOnes(width) : APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(*this, getLoc(), IntegerAttr::get(type, value));
}

Value ScalarBuilder::add(Value a, Value b) {
  return isa<FloatType>(a.getType()) ? createOrFold<arith::AddFOp>(a, b) : createOrFold<arith::AddIOp>(a, b);
}
Value ScalarBuilder::sub(Value a, Value b) {
  return isa<FloatType>(a.getType()) ? createOrFold<arith::SubFOp>(a, b) : createOrFold<arith::SubIOp>(a, b);
}
Value ScalarBuilder::mul(Value a, Value b) {
  return isa<FloatType>(a.getType()) ? createOrFold<arith::MulFOp>(a, b) : createOrFold<arith::MulIOp>(a, b);
}

Value ScalarBuilder::div(Value a, Value b, bool isUnsigned) {
  Type type = a.getType();
  if (isa<FloatType>(type))
    return createOrFold<arith::DivFOp>(a, b);
  Value zero = integer(type, 0), one = integer(type, 1);
  Value byZero = compare(Compare::Equal, b, zero);
  if (isUnsigned) {
    Value quotient = createOrFold<arith::DivUIOp>(a, select(byZero, one, b));
    return select(byZero, zero, quotient);
  }
  // The lowest value divided by -1 overflows, which traps.
  Value byMinusOne = compare(Compare::Equal, b, integer(type, -1));
  Value safe = select(logicalOr(byZero, byMinusOne), one, b);
  Value quotient = createOrFold<arith::DivSIOp>(a, safe);
  return select(byZero, zero, select(byMinusOne, neg(a), quotient));
}

Value ScalarBuilder::rem(Value a, Value b, bool isUnsigned) { return sub(a, mul(div(a, b, isUnsigned), b)); }

Value ScalarBuilder::ceilDiv(Value a, Value b) { return div(add(a, sub(b, integer(b.getType(), 1))), b); }

Value ScalarBuilder::max(Value a, Value b, bool isUnsigned) {
  // No care for the sign of zero: it would cost instructions and no model depends on it.
  if (isa<FloatType>(a.getType()))
    return createOrFold<arith::MaximumFOp>(a, b, arith::FastMathFlags::nsz);
  if (isUnsigned || a.getType().isInteger(1))
    return createOrFold<arith::MaxUIOp>(a, b);
  return createOrFold<arith::MaxSIOp>(a, b);
}

Value ScalarBuilder::min(Value a, Value b, bool isUnsigned) {
  if (isa<FloatType>(a.getType()))
    return createOrFold<arith::MinimumFOp>(a, b, arith::FastMathFlags::nsz);
  if (isUnsigned || a.getType().isInteger(1))
    return createOrFold<arith::MinUIOp>(a, b);
  return createOrFold<arith::MinSIOp>(a, b);
}

Value ScalarBuilder::neg(Value a) {
  return isa<FloatType>(a.getType()) ? createOrFold<arith::NegFOp>(a) : sub(integer(a.getType(), 0), a);
}

Value ScalarBuilder::abs(Value a, bool isUnsigned) {
  if (isa<FloatType>(a.getType()))
    return math<math::AbsFOp>(a);
  return isUnsigned ? a : max(a, neg(a));
}

Value ScalarBuilder::compare(Compare predicate, Value a, Value b, bool isUnsigned) {
  if (isa<FloatType>(a.getType())) {
    static constexpr arith::CmpFPredicate predicates[] = {
        arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE, arith::CmpFPredicate::OLT,
        arith::CmpFPredicate::OLE, arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
    return createOrFold<arith::CmpFOp>(predicates[static_cast<int>(predicate)], a, b);
  }
  using P = arith::CmpIPredicate;
  static constexpr P signedPredicates[] = {P::eq, P::ne, P::slt, P::sle, P::sgt, P::sge};
  static constexpr P unsignedPredicates[] = {P::eq, P::ne, P::ult, P::ule, P::ugt, P::uge};
  bool asUnsigned = isUnsigned || a.getType().isInteger(1);
  return createOrFold<arith::CmpIOp>(
      (asUnsigned ? unsignedPredicates : signedPredicates)[static_cast<int>(predicate)], a, b);
}

Value ScalarBuilder::select(Value condition, Value a, Value b) {
  return createOrFold<arith::SelectOp>(condition, a, b);
}
Value ScalarBuilder::logicalAnd(Value a, Value b) { return createOrFold<arith::AndIOp>(a, b); }
Value ScalarBuilder::logicalOr(Value a, Value b) { return createOrFold<arith::OrIOp>(a, b); }
Value ScalarBuilder::logicalNot(Value a) { return createOrFold<arith::XOrIOp>(a, boolean(true)); }

Value ScalarBuilder::accumulate(Value a, Value b) {
  if (!isa<FloatType>(a.getType()))
    return arith::AddIOp::create(*this, getLoc(), a, b);
  return arith::AddFOp::create(*this, getLoc(), a, b, arith::FastMathFlags::reassoc);
}

Value ScalarBuilder::toIndex(Value x) {
  return x.getType().isIndex() ? x : createOrFold<arith::IndexCastOp>(getIndexType(), x);
}

Value ScalarBuilder::toInteger(Value x, Type type) {
  if (x.getType() == type)
    return x;
  if (x.getType().isIndex() || type.isIndex())
    return createOrFold<arith::IndexCastOp>(type, x);
  return convert(x, type);
}

Value ScalarBuilder::convert(Value x, Type to, bool fromUnsigned, bool toUnsigned) {
  Type from = x.getType();
  if (from == to)
    return x;
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (to.isInteger(1))
    return compare(Compare::NotEqual, x, integer(from, 0));
  if (fromFloat && toFloat) {
    // Processors convert f64 to f32 and f32 to f16, not f64 to f16; nor f16 to bf16.
    bool narrow = fromFloat.getWidth() < 32 || toFloat.getWidth() < 32;
    if (narrow && !from.isF32() && !to.isF32())
      return convert(convert(x, getF32Type()), to);
    if (fromFloat.getWidth() < toFloat.getWidth())
      return createOrFold<arith::ExtFOp>(to, x);
    return createOrFold<arith::TruncFOp>(to, x);
  }
  if (fromFloat) {
    if (fromFloat.getWidth() < 32)
      x = convert(x, getF32Type());
    unsigned width = to.getIntOrFloatBitWidth();
    if (toUnsigned && width == 64)
      return createOrFold<arith::FPToUIOp>(to, x);
    // Through a wider integer, as C++ on x86 does: out of range, the low bits remain.
    if (width < 32 || toUnsigned) {
      Type wide = getIntegerType(width < 32 ? 32 : 64);
      return createOrFold<arith::TruncIOp>(to, createOrFold<arith::FPToSIOp>(wide, x));
    }
    return createOrFold<arith::FPToSIOp>(to, x);
  }
  bool asUnsigned = fromUnsigned || from.isInteger(1);
  if (toFloat) {
    Type through = toFloat.getWidth() < 32 ? Type(getF32Type()) : to;
    Value converted =
        asUnsigned ? createOrFold<arith::UIToFPOp>(through, x) : createOrFold<arith::SIToFPOp>(through, x);
    return convert(converted, to);
  }
  unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = to.getIntOrFloatBitWidth();
  if (fromWidth > toWidth)
    return createOrFold<arith::TruncIOp>(to, x);
  return asUnsigned ? createOrFold<arith::ExtUIOp>(to, x) : createOrFold<arith::ExtSIOp>(to, x);
}
