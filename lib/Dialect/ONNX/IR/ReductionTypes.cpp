//===- ReductionTypes.cpp - Result types of reductions, scans, softmax and norms ----------------------===//
#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

using namespace mlir;
using namespace tamis::onnx;

static Sizes reducedSizes(RankedTensorType type, ArrayRef<int64_t> axes, bool keepDims) {
  Sizes sizes;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      sizes.push_back(size);
    else if (keepDims)
      sizes.push_back(1);
  }
  return sizes;
}

template <typename OpTy> static LogicalResult inferReduction(OpTy op, Types &types, ElementClass elements) {
  auto type = tensorType(op.getData());
  if (failed(checkElements(op, op.getData(), elements)) ||
      failed(checkAxes(op, op.getAxes(), type.getRank())))
    return failure();
  types.push_back(
      RankedTensorType::get(reducedSizes(type, op.getAxes(), op.getKeepdims()), type.getElementType()));
  return success();
}

#define TAMIS_REDUCTION(OP, CLASS)                                                                           \
  LogicalResult OP##Op::inferResultTypes(Types &types) {                                                     \
    return inferReduction(*this, types, ElementClass::CLASS);                                                \
  }
TAMIS_REDUCTION(ReduceSum, Number)
TAMIS_REDUCTION(ReduceMean, Number)
TAMIS_REDUCTION(ReduceMax, Any)
TAMIS_REDUCTION(ReduceMin, Any)
TAMIS_REDUCTION(ReduceProd, Number)
TAMIS_REDUCTION(ReduceL1, Number)
TAMIS_REDUCTION(ReduceL2, Number)
TAMIS_REDUCTION(ReduceSumSquare, Number)
TAMIS_REDUCTION(ReduceLogSum, Number)
TAMIS_REDUCTION(ReduceLogSumExp, Number)
#undef TAMIS_REDUCTION

template <typename OpTy> static LogicalResult inferArg(OpTy op, Types &types) {
  auto type = tensorType(op.getData());
  int64_t axis = op.getAxis();
  if (failed(checkElements(op, op.getData(), ElementClass::Number)) ||
      failed(checkAxis(op, axis, type.getRank())))
    return failure();
  types.push_back(RankedTensorType::get(reducedSizes(type, axis, op.getKeepdims()),
                                        IntegerType::get(op.getContext(), 64)));
  return success();
}
LogicalResult ArgMaxOp::inferResultTypes(Types &types) { return inferArg(*this, types); }
LogicalResult ArgMinOp::inferResultTypes(Types &types) { return inferArg(*this, types); }

/// The result has the operand's type, which `axis` must suit.
static LogicalResult inferAlongAxis(Operation *op, Value x, int64_t axis, ElementClass elements,
                                    Types &types) {
  if (failed(checkElements(op, x, elements)) || failed(checkAxis(op, axis, tensorType(x).getRank())))
    return failure();
  types.push_back(x.getType());
  return success();
}
LogicalResult CumSumOp::inferResultTypes(Types &types) {
  return inferAlongAxis(*this, getX(), getAxis(), ElementClass::Number, types);
}
LogicalResult SoftmaxOp::inferResultTypes(Types &types) {
  return inferAlongAxis(*this, getX(), getAxis(), ElementClass::Float, types);
}
LogicalResult LogSoftmaxOp::inferResultTypes(Types &types) {
  return inferAlongAxis(*this, getX(), getAxis(), ElementClass::Float, types);
}

/// scale and bias must broadcast to the dimensions of x without changing them.
static LogicalResult checkParameter(Operation *op, Value x, Value parameter) {
  Sizes sizes(tensorType(x).getShape());
  if (failed(broadcast(op, tensorType(parameter).getShape(), sizes)))
    return failure();
  if (failed(verifyCompatibleShape(sizes, tensorType(x).getShape())))
    return op->emitOpError("has a scale or bias of shape ")
           << describeSizes(tensorType(parameter).getShape()) << ", which does not fit its operand's shape "
           << describeSizes(tensorType(x).getShape());
  return success();
}
LogicalResult LayerNormalizationOp::inferResultTypes(Types &types) {
  if (failed(checkSameElements(*this, getOperands())) || failed(checkParameter(*this, getX(), getScale())) ||
      (getBias() && failed(checkParameter(*this, getX(), getBias()))))
    return failure();
  return inferAlongAxis(*this, getX(), getAxis(), ElementClass::Float, types);
}
LogicalResult RMSNormalizationOp::inferResultTypes(Types &types) {
  if (failed(checkElements(*this, getScale(), ElementClass::Float)) ||
      failed(checkParameter(*this, getX(), getScale())))
    return failure();
  if (failed(inferAlongAxis(*this, getX(), getAxis(), ElementClass::Float, types)))
    return failure();
  // y has the scale's element type.
  types.back() = tensorType(getX()).clone(tensorType(getScale()).getElementType());
  return success();
}
