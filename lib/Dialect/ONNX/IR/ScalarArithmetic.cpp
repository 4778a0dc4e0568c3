//===- ScalarArithmetic.cpp - Elementwise ops on one element ------------------------------------------===//
//
// Results are those of the compiled code, bit for bit: + - * / and sqrt of floats are computed in double and
// rounded once more to f32, which for these operations gives the f32 result.
//
//===--------------------------------------------------------------------------------------------------===//
#include "ScalarArithmetic.h"

#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include <cmath>

using namespace mlir;

namespace tamis::onnx {

APFloat toAPFloat(double value, FloatType type) {
  APFloat result(value);
  bool lossy;
  result.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
  return result;
}

double toDouble(APFloat value) {
  bool lossy;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
  return value.convertToDouble();
}

Number roundTo(Number number, Type type) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return {0, toDouble(toAPFloat(number.real, floatType))};
  unsigned width = type.getIntOrFloatBitWidth();
  APInt bits(64, static_cast<uint64_t>(number.integer));
  if (width < 64)
    bits = type.isUnsignedInteger() || width == 1 ? bits.trunc(width).zext(64) : bits.trunc(width).sext(64);
  return {bits.getSExtValue(), 0};
}

static std::optional<Number> integerBinary(Operation *op, int64_t a, int64_t b, Type type) {
  auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  bool isUnsigned = type.isUnsignedInteger(), less = isUnsigned ? ua < ub : a < b;
  auto wrap = [](uint64_t value) { return Number{static_cast<int64_t>(value), 0}; };
  auto truth = [](bool value) { return Number{value, 0}; };
  if (isa<AddOp>(op))
    return wrap(ua + ub);
  if (isa<SubOp>(op))
    return wrap(ua - ub);
  if (isa<MulOp>(op))
    return wrap(ua * ub);
  if (isa<DivOp, ModOp>(op)) {
    if (b == 0 || (!isUnsigned && b == -1 && a == INT64_MIN))
      return std::nullopt;
    if (isa<DivOp>(op))
      return isUnsigned ? wrap(ua / ub) : Number{a / b, 0};
    if (isUnsigned)
      return wrap(ua % ub);
    int64_t rest = a % b;
    if (!cast<ModOp>(op).getFmod() && rest != 0 && (rest < 0) != (b < 0))
      rest += b;
    return Number{rest, 0};
  }
  if (isa<MaxOp>(op))
    return Number{less ? b : a, 0};
  if (isa<MinOp>(op))
    return Number{less ? a : b, 0};
  if (isa<AndOp>(op))
    return truth(a && b);
  if (isa<OrOp>(op))
    return truth(a || b);
  if (isa<XorOp>(op))
    return truth(a != b);
  if (isa<EqualOp>(op))
    return truth(a == b);
  if (isa<LessOp>(op))
    return truth(less);
  if (isa<LessOrEqualOp>(op))
    return truth(less || a == b);
  if (isa<GreaterOp>(op))
    return truth(!less && a != b);
  if (isa<GreaterOrEqualOp>(op))
    return truth(!less);
  return std::nullopt;
}

static std::optional<Number> floatBinary(Operation *op, double a, double b) {
  auto real = [](double value) { return Number{0, value}; };
  auto truth = [](bool value) { return Number{value, 0}; };
  if (isa<AddOp>(op))
    return real(a + b);
  if (isa<SubOp>(op))
    return real(a - b);
  if (isa<MulOp>(op))
    return real(a * b);
  if (isa<DivOp>(op))
    return real(a / b);
  if (isa<MaxOp, MinOp>(op)) {
    if (std::isnan(a) || std::isnan(b))
      return std::nullopt;
    return real(isa<MaxOp>(op) ? std::max(a, b) : std::min(a, b));
  }
  if (isa<PowOp>(op) && (b == 1 || b == 2 || b == 0.5))
    return real(b == 1 ? a : b == 2 ? a * a : std::sqrt(a));
  if (isa<EqualOp>(op))
    return truth(a == b);
  if (isa<LessOp>(op))
    return truth(a < b);
  if (isa<LessOrEqualOp>(op))
    return truth(a <= b);
  if (isa<GreaterOp>(op))
    return truth(a > b);
  if (isa<GreaterOrEqualOp>(op))
    return truth(a >= b);
  return std::nullopt;
}

static std::optional<Number> castScalar(Number x, Type from, Type to) {
  bool fromFloat = isa<FloatType>(from);
  if (to.isInteger(1))
    return Number{fromFloat ? x.real != 0 : x.integer != 0, 0};
  if (isa<FloatType>(to)) {
    if (fromFloat)
      return x;
    // Rounded once, from the integer itself.
    APFloat exact(cast<FloatType>(to).getFloatSemantics());
    exact.convertFromAPInt(APInt(64, static_cast<uint64_t>(x.integer)), !from.isUnsignedInteger(),
                           APFloat::rmNearestTiesToEven);
    return Number{0, toDouble(exact)};
  }
  if (!fromFloat)
    return x;
  double whole = std::trunc(x.real);
  if (!(whole >= -0x1p63 && whole < 0x1p63))
    return std::nullopt;
  return Number{static_cast<int64_t>(whole), 0};
}

static std::optional<Number> unary(Operation *op, Number x, Type type) {
  bool isFloat = isa<FloatType>(type);
  if (isa<NotOp>(op))
    return Number{!x.integer, 0};
  if (isa<NegOp>(op))
    return Number{static_cast<int64_t>(-static_cast<uint64_t>(x.integer)), -x.real};
  if (isa<AbsOp>(op))
    return Number{x.integer < 0 && !type.isUnsignedInteger()
                      ? static_cast<int64_t>(-static_cast<uint64_t>(x.integer))
                      : x.integer,
                  std::fabs(x.real)};
  if (!isFloat)
    return std::nullopt;
  if (isa<SqrtOp>(op))
    return Number{0, std::sqrt(x.real)};
  if (isa<ReciprocalOp>(op))
    return Number{0, 1 / x.real};
  if (isa<CeilOp>(op))
    return Number{0, std::ceil(x.real)};
  if (isa<FloorOp>(op))
    return Number{0, std::floor(x.real)};
  return std::nullopt;
}

bool isScalarOp(Operation *op) {
  return isa<AddOp, SubOp, MulOp, DivOp, ModOp, MaxOp, MinOp, AndOp, OrOp, XorOp, PowOp, EqualOp, LessOp,
             LessOrEqualOp, GreaterOp, GreaterOrEqualOp, CastOp, NotOp, NegOp, AbsOp, SqrtOp, ReciprocalOp,
             CeilOp, FloorOp>(op);
}

std::optional<Number> computeScalar(Operation *op, ArrayRef<Number> operands) {
  Type type = tensorType(op->getOperand(0)).getElementType(),
       to = tensorType(op->getResult(0)).getElementType();
  std::optional<Number> result;
  if (isa<CastOp>(op))
    result = castScalar(operands[0], type, to);
  else if (operands.size() == 1)
    result = unary(op, operands[0], type);
  else if (!isa<FloatType>(type) || !isa<FloatType>(tensorType(op->getOperand(1)).getElementType()))
    result =
        isa<PowOp>(op) ? std::nullopt : integerBinary(op, operands[0].integer, operands[1].integer, type);
  else
    result = floatBinary(op, operands[0].real, operands[1].real);
  return result ? std::optional(roundTo(*result, to)) : std::nullopt;
}

std::optional<Number> reduceScalars(Operation *op, Number a, Number b, Type type) {
  auto ua = static_cast<uint64_t>(a.integer), ub = static_cast<uint64_t>(b.integer);
  bool less = type.isUnsignedInteger() || type.isInteger(1) ? ua < ub : a.integer < b.integer;
  if (isa<ReduceSumOp>(op))
    return roundTo({static_cast<int64_t>(ua + ub), 0}, type);
  if (isa<ReduceProdOp>(op))
    return roundTo({static_cast<int64_t>(ua * ub), 0}, type);
  if (isa<ReduceMaxOp>(op))
    return less ? b : a;
  if (isa<ReduceMinOp>(op))
    return less ? a : b;
  return std::nullopt;
}

} // namespace tamis::onnx
