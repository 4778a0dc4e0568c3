//===- ElementwiseTypes.cpp - Result types of elementwise ops -----------------------------------------===//
#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

using namespace mlir;
using namespace tamis::onnx;

static LogicalResult inferUnary(Operation *op, Types &types, ElementClass elements) {
  if (failed(checkElements(op, op->getOperand(0), elements)))
    return failure();
  types.push_back(op->getOperand(0).getType());
  return success();
}

#define TAMIS_UNARY(OP, CLASS)                                                                               \
  LogicalResult OP##Op::inferResultTypes(Types &types) {                                                     \
    return inferUnary(*this, types, ElementClass::CLASS);                                                    \
  }
TAMIS_UNARY(Abs, Number)
TAMIS_UNARY(Acos, Float)
TAMIS_UNARY(Acosh, Float)
TAMIS_UNARY(Asin, Float)
TAMIS_UNARY(Asinh, Float)
TAMIS_UNARY(Atan, Float)
TAMIS_UNARY(Atanh, Float)
TAMIS_UNARY(Ceil, Float)
TAMIS_UNARY(Cos, Float)
TAMIS_UNARY(Cosh, Float)
TAMIS_UNARY(Elu, Float)
TAMIS_UNARY(Erf, Number)
TAMIS_UNARY(Exp, Float)
TAMIS_UNARY(Floor, Float)
TAMIS_UNARY(Gelu, Float)
TAMIS_UNARY(HardSigmoid, Float)
TAMIS_UNARY(HardSwish, Float)
TAMIS_UNARY(LeakyRelu, Float)
TAMIS_UNARY(Log, Float)
TAMIS_UNARY(Mish, Float)
TAMIS_UNARY(Neg, Number)
TAMIS_UNARY(Not, Bool)
TAMIS_UNARY(Reciprocal, Float)
TAMIS_UNARY(Relu, Number)
TAMIS_UNARY(Round, Float)
TAMIS_UNARY(Sigmoid, Float)
TAMIS_UNARY(Sign, Number)
TAMIS_UNARY(Sin, Float)
TAMIS_UNARY(Sinh, Float)
TAMIS_UNARY(Softplus, Float)
TAMIS_UNARY(Softsign, Float)
TAMIS_UNARY(Sqrt, Float)
TAMIS_UNARY(Swish, Float)
TAMIS_UNARY(Tan, Float)
TAMIS_UNARY(Tanh, Float)
#undef TAMIS_UNARY

static LogicalResult inferFloatTest(Operation *op, Types &types) {
  if (failed(checkElements(op, op->getOperand(0), ElementClass::Float)))
    return failure();
  types.push_back(tensorType(op->getOperand(0)).clone(IntegerType::get(op->getContext(), 1)));
  return success();
}
LogicalResult IsNaNOp::inferResultTypes(Types &types) { return inferFloatTest(*this, types); }
LogicalResult IsInfOp::inferResultTypes(Types &types) { return inferFloatTest(*this, types); }

static LogicalResult inferBinary(Operation *op, Types &types, ElementClass elements, bool toBool = false) {
  Sizes sizes;
  if (failed(checkElements(op, op->getOperand(0), elements)) ||
      failed(checkSameElements(op, op->getOperands())) ||
      failed(broadcastOperands(op, op->getOperands(), sizes)))
    return failure();
  Type element =
      toBool ? IntegerType::get(op->getContext(), 1) : tensorType(op->getOperand(0)).getElementType();
  types.push_back(RankedTensorType::get(sizes, element));
  return success();
}

#define TAMIS_BINARY(OP, ...)                                                                                \
  LogicalResult OP##Op::inferResultTypes(Types &types) { return inferBinary(*this, types, __VA_ARGS__); }
TAMIS_BINARY(Add, ElementClass::Number)
TAMIS_BINARY(Sub, ElementClass::Number)
TAMIS_BINARY(Mul, ElementClass::Number)
TAMIS_BINARY(Div, ElementClass::Number)
TAMIS_BINARY(Mod, ElementClass::Number)
TAMIS_BINARY(Max, ElementClass::Number)
TAMIS_BINARY(Min, ElementClass::Number)
TAMIS_BINARY(And, ElementClass::Bool)
TAMIS_BINARY(Or, ElementClass::Bool)
TAMIS_BINARY(Xor, ElementClass::Bool)
TAMIS_BINARY(Equal, ElementClass::Any, /*toBool=*/true)
TAMIS_BINARY(Greater, ElementClass::Number, /*toBool=*/true)
TAMIS_BINARY(GreaterOrEqual, ElementClass::Number, /*toBool=*/true)
TAMIS_BINARY(Less, ElementClass::Number, /*toBool=*/true)
TAMIS_BINARY(LessOrEqual, ElementClass::Number, /*toBool=*/true)
#undef TAMIS_BINARY

LogicalResult PowOp::inferResultTypes(Types &types) {
  Sizes sizes;
  if (failed(checkElements(*this, getA(), ElementClass::Number)) ||
      failed(checkElements(*this, getB(), ElementClass::Number)) ||
      failed(broadcastOperands(*this, getOperands(), sizes)))
    return failure();
  types.push_back(RankedTensorType::get(sizes, tensorType(getA()).getElementType()));
  return success();
}

LogicalResult PReluOp::inferResultTypes(Types &types) {
  if (failed(inferBinary(*this, types, ElementClass::Number)))
    return failure();
  if (cast<RankedTensorType>(types.back()).getRank() != tensorType(getA()).getRank())
    return emitOpError("has a slope of higher rank than its operand");
  types.back() = getA().getType();
  return success();
}

LogicalResult CastOp::inferResultTypes(Types &types) {
  types.push_back(tensorType(getX()).clone(tensorType(getY()).getElementType()));
  return success();
}

LogicalResult ClipOp::inferResultTypes(Types &types) {
  if (failed(checkElements(*this, getX(), ElementClass::Number)) ||
      failed(checkSameElements(*this, getOperands())) ||
      (getMin() && failed(checkScalar(*this, getMin(), "min"))) ||
      (getMax() && failed(checkScalar(*this, getMax(), "max"))))
    return failure();
  types.push_back(getX().getType());
  return success();
}

LogicalResult WhereOp::inferResultTypes(Types &types) {
  Sizes sizes;
  if (failed(checkElements(*this, getCondition(), ElementClass::Bool)) ||
      failed(checkSameElements(*this, {getX(), getY()})) ||
      failed(broadcastOperands(*this, getOperands(), sizes)))
    return failure();
  types.push_back(RankedTensorType::get(sizes, tensorType(getX()).getElementType()));
  return success();
}
