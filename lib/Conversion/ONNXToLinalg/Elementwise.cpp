//===- Elementwise.cpp - Lowerings of elementwise ops ---------------------------------------------===//
#include "Lowering.h"

#include "mlir/IR/Matchers.h"
#include <numbers>

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

//===- One operand -------------------------------------------------------------------------------===//

/// `compute` for each element; in f32 for narrower floats.
static LoweredValues lowerUnary(Lowering &l, Value x, ScalarFn compute) {
  Type element = l.resultType().getElementType(), wide = computeType(element);
  return {l.elementwise(x, element, [&](ScalarBuilder &b, ValueRange args) {
    return b.convert(compute(b, b.convert(args[0], wide)), element);
  })};
}

template <typename Op, typename MathOp>
static LoweredValues lowerMath(Op op, typename Op::Adaptor operands, Lowering &l) {
  return lowerUnary(l, operands.getX(),
                    [](ScalarBuilder &b, ValueRange args) { return b.math<MathOp>(args[0]); });
}

static Value sigmoid(ScalarBuilder &b, Value x) {
  Value one = b.number(x.getType(), 1);
  return b.div(one, b.add(one, b.exp(b.neg(x))));
}

/// log(1 + exp(x)), which neither overflows nor loses small values.
static Value softplus(ScalarBuilder &b, Value x) {
  Value zero = b.number(x.getType(), 0);
  Value tail = b.math<math::Log1pOp>(b.exp(b.neg(b.abs(x))));
  return b.add(b.select(b.compare(Compare::Greater, x, zero), x, zero), tail);
}

/// min(max(x, low), high) that keeps NaN.
static Value clamp(ScalarBuilder &b, Value x, Value low, Value high, bool isUnsigned = false) {
  if (low)
    x = b.select(b.compare(Compare::Less, x, low, isUnsigned), low, x);
  if (high)
    x = b.select(b.compare(Compare::Greater, x, high, isUnsigned), high, x);
  return x;
}

template <typename Op> static Value computeUnary(Op op, ScalarBuilder &b, Value x, bool isUnsigned);

template <> Value computeUnary(AbsOp, ScalarBuilder &b, Value x, bool isUnsigned) {
  return b.abs(x, isUnsigned);
}
template <> Value computeUnary(NegOp, ScalarBuilder &b, Value x, bool) { return b.neg(x); }
template <> Value computeUnary(NotOp, ScalarBuilder &b, Value x, bool) { return b.logicalNot(x); }
template <> Value computeUnary(ReciprocalOp, ScalarBuilder &b, Value x, bool) {
  return b.div(b.integer(x.getType(), 1), x);
}
template <> Value computeUnary(ReluOp, ScalarBuilder &b, Value x, bool) {
  return clamp(b, x, b.integer(x.getType(), 0), {});
}
template <> Value computeUnary(LeakyReluOp op, ScalarBuilder &b, Value x, bool) {
  Value scaled = b.mul(x, b.number(x.getType(), op.getAlpha().convertToFloat()));
  return b.select(b.compare(Compare::Less, x, b.number(x.getType(), 0)), scaled, x);
}
template <> Value computeUnary(EluOp op, ScalarBuilder &b, Value x, bool) {
  Value alpha = b.number(x.getType(), op.getAlpha().convertToFloat());
  Value negative = b.mul(alpha, b.math<math::ExpM1Op>(x));
  return b.select(b.compare(Compare::Less, x, b.number(x.getType(), 0)), negative, x);
}
template <> Value computeUnary(SigmoidOp, ScalarBuilder &b, Value x, bool) { return sigmoid(b, x); }
template <> Value computeUnary(SwishOp op, ScalarBuilder &b, Value x, bool) {
  return b.mul(x, sigmoid(b, b.mul(x, b.number(x.getType(), op.getAlpha().convertToFloat()))));
}
template <> Value computeUnary(HardSigmoidOp op, ScalarBuilder &b, Value x, bool) {
  Type type = x.getType();
  Value line = b.add(b.mul(x, b.number(type, op.getAlpha().convertToFloat())),
                     b.number(type, op.getBeta().convertToFloat()));
  return clamp(b, line, b.number(type, 0), b.number(type, 1));
}
template <> Value computeUnary(HardSwishOp, ScalarBuilder &b, Value x, bool) {
  Type type = x.getType();
  Value line = b.add(b.mul(x, b.number(type, 1.0 / 6)), b.number(type, 0.5));
  return b.mul(x, clamp(b, line, b.number(type, 0), b.number(type, 1)));
}
template <> Value computeUnary(SoftplusOp, ScalarBuilder &b, Value x, bool) { return softplus(b, x); }
template <> Value computeUnary(SoftsignOp, ScalarBuilder &b, Value x, bool) {
  return b.div(x, b.add(b.number(x.getType(), 1), b.abs(x)));
}
template <> Value computeUnary(MishOp, ScalarBuilder &b, Value x, bool) {
  return b.mul(x, b.math<math::TanhOp>(softplus(b, x)));
}
template <> Value computeUnary(GeluOp op, ScalarBuilder &b, Value x, bool) {
  Type type = x.getType();
  Value half = b.mul(x, b.number(type, 0.5)), curve;
  if (op.getTanh()) {
    Value cube = b.mul(b.mul(x, x), x);
    Value inner = b.add(x, b.mul(cube, b.number(type, 0.044715)));
    curve = b.math<math::TanhOp>(b.mul(inner, b.number(type, std::sqrt(2 * std::numbers::inv_pi))));
  } else {
    curve = b.math<math::ErfOp>(b.mul(x, b.number(type, std::numbers::sqrt2 / 2)));
  }
  return b.mul(half, b.add(b.number(type, 1), curve));
}
template <> Value computeUnary(SignOp, ScalarBuilder &b, Value x, bool isUnsigned) {
  Type type = x.getType();
  Value zero = b.integer(type, 0), one = b.integer(type, 1);
  Value positive = b.compare(Compare::Greater, x, zero, isUnsigned);
  if (isUnsigned)
    return b.select(positive, one, zero);
  // NaN keeps itself.
  Value rest = b.select(b.compare(Compare::Equal, x, zero), zero, isa<FloatType>(type) ? x : zero);
  return b.select(positive, one, b.select(b.compare(Compare::Less, x, zero), b.integer(type, -1), rest));
}

template <typename Op> static LoweredValues lowerComputed(Op op, typename Op::Adaptor operands, Lowering &l) {
  bool isUnsigned = l.isUnsigned();
  return lowerUnary(l, operands.getX(), [&](ScalarBuilder &b, ValueRange args) {
    return computeUnary<Op>(op, b, args[0], isUnsigned);
  });
}

static LoweredValues lowerIsNaN(IsNaNOp op, IsNaNOp::Adaptor operands, Lowering &l) {
  return {l.elementwise(operands.getX(), l.getI1Type(), [](ScalarBuilder &b, ValueRange args) {
    return b.compare(Compare::NotEqual, args[0], args[0]);
  })};
}

static LoweredValues lowerIsInf(IsInfOp op, IsInfOp::Adaptor operands, Lowering &l) {
  return {l.elementwise(operands.getX(), l.getI1Type(), [&](ScalarBuilder &b, ValueRange args) {
    Type type = args[0].getType();
    Value positive = b.compare(Compare::Equal, args[0], b.highest(type));
    Value negative = b.compare(Compare::Equal, args[0], b.lowest(type));
    if (!op.getDetectPositive())
      return op.getDetectNegative() ? negative : b.boolean(false);
    return op.getDetectNegative() ? b.logicalOr(positive, negative) : positive;
  })};
}

/// Rounds integers too: to themselves.
template <typename Op, typename MathOp>
static LoweredValues lowerRounding(Op op, typename Op::Adaptor operands, Lowering &l) {
  return lowerUnary(l, operands.getX(), [](ScalarBuilder &b, ValueRange args) {
    return isa<FloatType>(args[0].getType()) ? b.math<MathOp>(args[0]) : args[0];
  });
}

static LoweredValues lowerCast(onnx::CastOp op, onnx::CastOp::Adaptor operands, Lowering &l) {
  Type to = l.resultType().getElementType();
  if (typeOf(operands.getX()).getElementType() == to)
    return {operands.getX()};
  bool fromUnsigned = l.isUnsigned(), toUnsigned = getElementTypeOrSelf(op.getType()).isUnsignedInteger();
  return {l.elementwise(operands.getX(), to, [&](ScalarBuilder &b, ValueRange args) {
    return b.convert(args[0], to, fromUnsigned, toUnsigned);
  })};
}

static LoweredValues lowerClip(ClipOp op, ClipOp::Adaptor operands, Lowering &l) {
  bool isUnsigned = l.isUnsigned();
  Value low = operands.getMin() ? l.onlyElement(operands.getMin()) : Value();
  Value high = operands.getMax() ? l.onlyElement(operands.getMax()) : Value();
  return {
      l.elementwise(operands.getX(), l.resultType().getElementType(), [&](ScalarBuilder &b, ValueRange args) {
        return clamp(b, args[0], low, high, isUnsigned);
      })};
}

//===- Two operands and more ---------------------------------------------------------------------===//

template <typename Op>
static LoweredValues lowerBinary(Op op, Lowering &l, ValueRange operands, ScalarFn compute) {
  return {l.elementwise(operands, l.resultType().getElementType(), compute)};
}

template <typename Op>
static LoweredValues lowerArithmetic(Op op, typename Op::Adaptor operands, Lowering &l) {
  bool isUnsigned = l.isUnsigned();
  return lowerBinary(
      op, l, {operands.getA(), operands.getB()}, [&](ScalarBuilder &b, ValueRange args) -> Value {
        Value x = args[0], y = args[1];
        if constexpr (std::is_same_v<Op, AddOp>)
          return b.add(x, y);
        else if constexpr (std::is_same_v<Op, onnx::SubOp>)
          return b.sub(x, y);
        else if constexpr (std::is_same_v<Op, MulOp>)
          return b.mul(x, y);
        else if constexpr (std::is_same_v<Op, MaxOp>)
          return b.max(x, y, isUnsigned);
        else if constexpr (std::is_same_v<Op, MinOp>)
          return b.min(x, y, isUnsigned);
        else if constexpr (std::is_same_v<Op, AndOp>)
          return b.logicalAnd(x, y);
        else if constexpr (std::is_same_v<Op, OrOp>)
          return b.logicalOr(x, y);
        else if constexpr (std::is_same_v<Op, XorOp>)
          return b.createOrFold<arith::XOrIOp>(x, y);
        else {
          static_assert(std::is_same_v<Op, PReluOp>);
          return b.select(b.compare(Compare::Less, x, b.integer(x.getType(), 0), isUnsigned), b.mul(x, y), x);
        }
      });
}

template <typename Op, Compare predicate>
static LoweredValues lowerComparison(Op op, typename Op::Adaptor operands, Lowering &l) {
  bool isUnsigned = l.isUnsigned();
  return lowerBinary(op, l, {operands.getA(), operands.getB()}, [&](ScalarBuilder &b, ValueRange args) {
    return b.compare(predicate, args[0], args[1], isUnsigned);
  });
}

/// Integers only: no element of the divisor is 0.
static void checkDivisor(Lowering &l, Value divisor) {
  l.checkElements(
      divisor,
      [](ScalarBuilder &b, ValueRange args) {
        return b.compare(Compare::NotEqual, args[0], b.integer(args[0].getType(), 0));
      },
      "an integer is divided by zero");
}

static LoweredValues lowerDiv(DivOp op, DivOp::Adaptor operands, Lowering &l) {
  bool isUnsigned = l.isUnsigned();
  if (!isa<FloatType>(l.resultType().getElementType()))
    checkDivisor(l, operands.getB());
  return lowerBinary(op, l, {operands.getA(), operands.getB()},
                     [&](ScalarBuilder &b, ValueRange args) { return b.div(args[0], args[1], isUnsigned); });
}

/// C's fmod, exactly: subtracts multiples of y by fused steps in a wider float until less than |y| is left.
/// For f16 that is f32, in which every rest of f16 is exact: LLVM moves copysign past roundings from f64 to
/// f16, which no processor has.
static Value fmod(ScalarBuilder &b, Value x, Value y) {
  Type original = x.getType(), wide = original.isF16() ? Type(b.getF32Type()) : Type(b.getF64Type());
  x = b.convert(x, wide);
  Value divisor = b.abs(b.convert(y, wide));
  auto loop = scf::WhileOp::create(
      b, b.getLoc(), TypeRange(wide), ValueRange(b.abs(x)),
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ScalarBuilder s(loc, nested);
        Value more = s.compare(Compare::GreaterOrEqual, s.abs(args[0]), divisor);
        scf::ConditionOp::create(s, loc, more, args);
      },
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ScalarBuilder s(loc, nested);
        Value quotient = s.math<math::TruncOp>(s.div(args[0], divisor));
        Value rest = math::FmaOp::create(s, loc, s.neg(quotient), divisor, args[0]);
        scf::YieldOp::create(s, loc, rest);
      });
  // The last quotient may have been rounded up.
  Value rest = loop.getResult(0);
  rest = b.select(b.compare(Compare::Less, rest, b.number(wide, 0)), b.add(rest, divisor), rest);
  Value isNumber = b.compare(Compare::Equal, b.mul(x, b.number(wide, 0)), b.number(wide, 0));
  rest = b.select(isNumber, rest, b.mul(b.sub(x, x), x)); // NaN of an infinity or NaN.
  return b.convert(math::CopySignOp::create(b, b.getLoc(), rest, x), original);
}

static LoweredValues lowerMod(ModOp op, ModOp::Adaptor operands, Lowering &l) {
  bool isUnsigned = l.isUnsigned(), floating = isa<FloatType>(l.resultType().getElementType());
  if (!floating)
    checkDivisor(l, operands.getB());
  return lowerBinary(op, l, {operands.getA(), operands.getB()}, [&](ScalarBuilder &b, ValueRange args) {
    Value x = args[0], y = args[1];
    Value rest = floating ? fmod(b, x, y) : b.rem(x, y, isUnsigned);
    if (op.getFmod() || isUnsigned)
      return rest;
    // With the sign of the divisor.
    Value zero = b.integer(y.getType(), 0);
    Value differs = b.createOrFold<arith::XOrIOp>(b.compare(Compare::Less, rest, zero),
                                                  b.compare(Compare::Less, y, zero));
    differs = b.logicalAnd(differs, b.compare(Compare::NotEqual, rest, zero));
    return b.select(differs, b.add(rest, y), rest);
  });
}

/// The only value of a constant exponent.
static std::optional<double> constantExponent(Value exponent) {
  DenseElementsAttr value;
  if (!matchPattern(exponent, m_Constant(&value)) || !value.isSplat())
    return std::nullopt;
  if (isa<FloatType>(value.getElementType()))
    return value.getSplatValue<APFloat>().convertToDouble();
  return static_cast<double>(value.getSplatValue<APInt>().getSExtValue());
}

/// By squaring; wraps as products of integers do. Negative exponents give 0 but for bases 1 and -1.
static Value integerPower(ScalarBuilder &b, Value base, Value exponent) {
  Type type = base.getType(), i64 = b.getI64Type();
  Value zero = b.integer(i64, 0), one = b.integer(i64, 1);
  Value x = b.convert(base, i64), n = b.convert(exponent, i64);
  auto loop = scf::WhileOp::create(
      b, b.getLoc(), TypeRange{i64, i64, i64}, ValueRange{one, x, b.max(n, zero)},
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ScalarBuilder s(loc, nested);
        scf::ConditionOp::create(s, loc, s.compare(Compare::Greater, args[2], zero), args);
      },
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ScalarBuilder s(loc, nested);
        Value odd = s.compare(Compare::NotEqual, s.createOrFold<arith::AndIOp>(args[2], one), zero);
        Value product = s.select(odd, s.mul(args[0], args[1]), args[0]);
        Value half = s.createOrFold<arith::ShRUIOp>(args[2], one);
        scf::YieldOp::create(s, loc, ValueRange{product, s.mul(args[1], args[1]), half});
      });
  Value isOne = b.compare(Compare::Equal, x, one),
        isMinusOne = b.compare(Compare::Equal, x, b.integer(i64, -1));
  Value odd = b.compare(Compare::NotEqual, b.createOrFold<arith::AndIOp>(n, one), zero);
  Value inverse = b.select(isMinusOne, b.select(odd, x, one), b.select(isOne, one, zero));
  return b.convert(b.select(b.compare(Compare::Less, n, zero), inverse, loop.getResult(0)), type);
}

static LoweredValues lowerPow(PowOp op, PowOp::Adaptor operands, Lowering &l) {
  Type element = l.resultType().getElementType(), wide = computeType(element);
  std::optional<double> exponent = constantExponent(operands.getB());
  bool unsignedBase = l.isUnsigned(0), unsignedExponent = l.isUnsigned(1);
  return lowerBinary(
      op, l, {operands.getA(), operands.getB()}, [&](ScalarBuilder &b, ValueRange args) -> Value {
        Value y = args[1];
        if (!isa<FloatType>(element) && !isa<FloatType>(y.getType()))
          return integerPower(b, args[0], y);
        // An integer base with a float exponent is computed in f64.
        Type type = isa<FloatType>(element) ? wide : Type(b.getF64Type());
        Value x = b.convert(args[0], type, unsignedBase), one = b.number(type, 1), result;
        if (exponent == 0.0)
          result = one;
        else if (exponent == 1.0)
          result = x;
        else if (exponent == 2.0)
          result = b.mul(x, x);
        else if (exponent == 3.0)
          result = b.mul(b.mul(x, x), x);
        else if (exponent == 0.5)
          result = b.sqrt(x);
        else if (exponent == -0.5)
          result = b.div(one, b.sqrt(x));
        else if (exponent == -1.0)
          result = b.div(one, x);
        else
          result = math::PowFOp::create(b, b.getLoc(), x, b.convert(y, type, unsignedExponent));
        return b.convert(result, element);
      });
}

static LoweredValues lowerWhere(onnx::WhereOp op, onnx::WhereOp::Adaptor operands, Lowering &l) {
  return lowerBinary(op, l, {operands.getCondition(), operands.getX(), operands.getY()},
                     [](ScalarBuilder &b, ValueRange args) { return b.select(args[0], args[1], args[2]); });
}

template <typename... Ops> static void addComputed(LoweringPatterns &patterns) {
  (patterns.add<Ops>(lowerComputed<Ops>), ...);
}
template <typename... Ops> static void addArithmetic(LoweringPatterns &patterns) {
  (patterns.add<Ops>(lowerArithmetic<Ops>), ...);
}
template <typename Op, typename MathOp> static void addMath(LoweringPatterns &patterns) {
  patterns.add<Op>(lowerMath<Op, MathOp>);
}

void tamis::onnx::addElementwiseLowerings(LoweringPatterns &patterns) {
  addMath<onnx::AcosOp, math::AcosOp>(patterns);
  addMath<onnx::AcoshOp, math::AcoshOp>(patterns);
  addMath<onnx::AsinOp, math::AsinOp>(patterns);
  addMath<onnx::AsinhOp, math::AsinhOp>(patterns);
  addMath<onnx::AtanOp, math::AtanOp>(patterns);
  addMath<onnx::AtanhOp, math::AtanhOp>(patterns);
  addMath<onnx::CosOp, math::CosOp>(patterns);
  addMath<onnx::CoshOp, math::CoshOp>(patterns);
  addMath<onnx::ErfOp, math::ErfOp>(patterns);
  addMath<onnx::ExpOp, math::ExpOp>(patterns);
  addMath<onnx::LogOp, math::LogOp>(patterns);
  addMath<onnx::SinOp, math::SinOp>(patterns);
  addMath<onnx::SinhOp, math::SinhOp>(patterns);
  addMath<onnx::SqrtOp, math::SqrtOp>(patterns);
  addMath<onnx::TanOp, math::TanOp>(patterns);
  addMath<onnx::TanhOp, math::TanhOp>(patterns);
  patterns.add<onnx::CeilOp>(lowerRounding<onnx::CeilOp, math::CeilOp>);
  patterns.add<onnx::FloorOp>(lowerRounding<onnx::FloorOp, math::FloorOp>);
  patterns.add<RoundOp>(lowerRounding<RoundOp, math::RoundEvenOp>);
  addComputed<AbsOp, NegOp, NotOp, ReciprocalOp, ReluOp, LeakyReluOp, EluOp, SigmoidOp, SwishOp,
              HardSigmoidOp, HardSwishOp, SoftplusOp, SoftsignOp, MishOp, GeluOp, SignOp>(patterns);
  patterns.add<IsNaNOp>(lowerIsNaN);
  patterns.add<IsInfOp>(lowerIsInf);
  patterns.add<onnx::CastOp>(lowerCast);
  patterns.add<ClipOp>(lowerClip);
  addArithmetic<AddOp, onnx::SubOp, MulOp, MaxOp, MinOp, AndOp, OrOp, XorOp, PReluOp>(patterns);
  patterns.add<DivOp>(lowerDiv);
  patterns.add<ModOp>(lowerMod);
  patterns.add<PowOp>(lowerPow);
  patterns.add<EqualOp>(lowerComparison<EqualOp, Compare::Equal>);
  patterns.add<GreaterOp>(lowerComparison<GreaterOp, Compare::Greater>);
  patterns.add<GreaterOrEqualOp>(lowerComparison<GreaterOrEqualOp, Compare::GreaterOrEqual>);
  patterns.add<LessOp>(lowerComparison<LessOp, Compare::Less>);
  patterns.add<LessOrEqualOp>(lowerComparison<LessOrEqualOp, Compare::LessOrEqual>);
  patterns.add<onnx::WhereOp>(lowerWhere);
}
