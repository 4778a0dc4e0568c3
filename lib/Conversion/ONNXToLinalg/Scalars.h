//===- Scalars.h - Arithmetic on scalars of any element type --------------------------------------===//
#ifndef TAMIS_CONVERSION_ONNXTOLINALG_SCALARS_H
#define TAMIS_CONVERSION_ONNXTOLINALG_SCALARS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tamis::onnx {

enum class Compare { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual };

/// A builder of scalar code. The operands of one call have the same type: a float, a signless integer or
/// index. Integers are signed unless `isUnsigned` says otherwise. What is constant is folded.
class ScalarBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using mlir::ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Value = mlir::Value;
  using Type = mlir::Type;

  /// A number of `type`; for integers it must be whole.
  Value number(Type type, double value);
  Value integer(Type type, int64_t value);
  Value index(int64_t value) { return integer(getIndexType(), value); }
  Value boolean(bool value) { return integer(getI1Type(), value); }
  /// The identity of a maximum (minimum): the lowest (highest) value, an infinity for floats.
  Value lowest(Type type, bool isUnsigned = false);
  Value highest(Type type, bool isUnsigned = false);

  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  /// Integers truncate towards zero. A divisor of 0 gives 0, never a trap.
  Value div(Value a, Value b, bool isUnsigned = false);
  /// Integers only: the remainder of div; with the sign of a.
  Value rem(Value a, Value b, bool isUnsigned = false);
  /// Signed ceil(a / b) of a >= 0 and b > 0.
  Value ceilDiv(Value a, Value b);
  /// NaN when an operand is NaN.
  Value max(Value a, Value b, bool isUnsigned = false);
  Value min(Value a, Value b, bool isUnsigned = false);
  Value neg(Value a);
  Value abs(Value a, bool isUnsigned = false);
  /// NaN compares unequal to everything.
  Value compare(Compare predicate, Value a, Value b, bool isUnsigned = false);
  Value select(Value condition, Value a, Value b);
  Value logicalAnd(Value a, Value b);
  Value logicalOr(Value a, Value b);
  Value logicalNot(Value a);
  /// A sum whose order does not matter, so that loops of it may be vectorised.
  Value accumulate(Value a, Value b);

  /// An op of the math dialect.
  template <typename Op> Value math(Value x) { return Op::create(*this, getLoc(), x); }
  Value sqrt(Value x) { return math<mlir::math::SqrtOp>(x); }
  Value exp(Value x) { return math<mlir::math::ExpOp>(x); }

  /// ONNX Cast. Integers are taken for unsigned where the flags say so.
  Value convert(Value x, Type to, bool fromUnsigned = false, bool toUnsigned = false);
  /// An integer as an index, sign-extended.
  Value toIndex(Value x);
  /// An index or integer as an integer of `type`.
  Value toInteger(Value x, Type type);
};

/// f32 for narrower floats, else the type itself: what sums and functions are computed in.
mlir::Type computeType(mlir::Type type);

} // namespace tamis::onnx

#endif
