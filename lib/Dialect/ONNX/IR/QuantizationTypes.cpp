//===- QuantizationTypes.cpp - Result types of quantisation and of integer products -------------------===//
#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tamis::onnx;

/// The user cannot mend the graph by hand: whatever quantised it has to do so again.
constexpr StringLiteral quantizeAgain = "; quantise the model again";

static bool isOneElement(Value value) {
  return llvm::all_of(tensorType(value).getShape(), [](int64_t size) { return size == 1; });
}

static bool isCompatible(int64_t a, int64_t b) { return a == b || a == dynamicSize || b == dynamicSize; }

/// Does `scale` (or a zero point) fit x? One element, one for each element of the axis, or one for each
/// block.
static LogicalResult checkParameter(Operation *op, Value x, Value parameter, StringRef name, int64_t axis,
                                    int64_t blockSize) {
  auto data = tensorType(x).getShape(), shape = tensorType(parameter).getShape();
  if (isOneElement(parameter))
    return success();
  int64_t rank = data.size();
  if (axis < 0 || axis >= rank)
    return op->emitOpError("has axis ")
           << axis << ", which is out of range for rank " << rank << quantizeAgain;
  if (blockSize == 0) {
    if (shape.size() != 1 || !isCompatible(shape[0], data[axis]))
      return op->emitOpError("has ") << name << " of shape " << describeSizes(shape)
                                     << ", which is neither one element nor one for each of the "
                                     << data[axis] << " along axis " << axis << quantizeAgain;
    return success();
  }
  if (shape.size() != data.size())
    return op->emitOpError("has ") << name << " of rank " << shape.size()
                                   << " for blocks of a tensor of rank " << rank << quantizeAgain;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t want = data[i];
    if (i == axis && want != dynamicSize)
      want = llvm::divideCeil(want, blockSize);
    if ((i != axis || data[i] != dynamicSize) && !isCompatible(want, shape[i]))
      return op->emitOpError("has ") << name << " of shape " << describeSizes(shape) << ", but blocks of "
                                     << blockSize << " along axis " << axis << " of " << describeSizes(data)
                                     << " need " << want << " in dimension " << i << quantizeAgain;
  }
  return success();
}

static LogicalResult checkParameters(Operation *op, Value x, Value scale, Value zeroPoint, int64_t axis,
                                     int64_t blockSize) {
  if (failed(checkElements(op, scale, ElementClass::Float)))
    return failure();
  if (blockSize < 0)
    return op->emitOpError("has the block size ")
           << blockSize << ", which must not be negative" << quantizeAgain;
  if (failed(checkParameter(op, x, scale, "a scale", axis, blockSize)))
    return failure();
  if (!zeroPoint)
    return success();
  if (isOneElement(zeroPoint))
    return success();
  if (failed(verifyCompatibleShape(tensorType(zeroPoint).getShape(), tensorType(scale).getShape())))
    return op->emitOpError("has a zero point of shape ")
           << describeSizes(tensorType(zeroPoint).getShape()) << " for a scale of shape "
           << describeSizes(tensorType(scale).getShape()) << quantizeAgain;
  return success();
}

static bool isQuantized(Type type) { return type.isInteger(4) || type.isInteger(8) || type.isInteger(16); }

LogicalResult QuantizeLinearOp::inferResultTypes(Types &types) {
  Type from = tensorType(getX()).getElementType(), to = tensorType(getY()).getElementType();
  if (!isa<FloatType>(from) && !from.isInteger(32))
    return emitOpError("needs floats or 32-bit integers, but its operand has elements of ") << from;
  if (!isQuantized(to))
    return emitOpError("quantises to ") << to << ", expected integers of 4, 8 or 16 bits" << quantizeAgain;
  if (failed(checkParameters(*this, getX(), getScale(), getZeroPoint(), getAxis(), getBlockSize())))
    return failure();
  if (getZeroPoint() && tensorType(getZeroPoint()).getElementType() != to)
    return emitOpError("has a zero point of ")
           << tensorType(getZeroPoint()).getElementType() << " for a result of " << to << quantizeAgain;
  types.push_back(tensorType(getX()).clone(to));
  return success();
}

LogicalResult DequantizeLinearOp::inferResultTypes(Types &types) {
  Type from = tensorType(getX()).getElementType(), to = tensorType(getY()).getElementType();
  if (!isQuantized(from) && !from.isInteger(32))
    return emitOpError("needs integers of 4, 8, 16 or 32 bits, but its operand has elements of ") << from;
  if (!isa<FloatType>(to))
    return emitOpError("gives ") << to << ", expected floats" << quantizeAgain;
  if (failed(checkParameters(*this, getX(), getScale(), getZeroPoint(), getAxis(), getBlockSize())))
    return failure();
  if (getZeroPoint()) {
    Type zero = tensorType(getZeroPoint()).getElementType();
    if (zero != from && zero != tensorType(getScale()).getElementType())
      return emitOpError("has a zero point of ") << zero << " for an operand of " << from << quantizeAgain;
  }
  types.push_back(tensorType(getX()).clone(to));
  return success();
}

LogicalResult DynamicQuantizeLinearOp::inferResultTypes(Types &types) {
  auto x = tensorType(getX());
  if (!x.getElementType().isF32())
    return emitOpError("needs elements of f32, but its operand has ") << x.getElementType();
  Type byte = IntegerType::get(getContext(), 8, IntegerType::Unsigned);
  types.push_back(x.clone(byte));
  types.push_back(RankedTensorType::get({}, x.getElementType()));
  types.push_back(RankedTensorType::get({}, byte));
  return success();
}

LogicalResult MatMulIntegerOp::inferResultTypes(Types &types) {
  auto a = tensorType(getA()), b = tensorType(getB());
  for (Value operand : {getA(), getB()})
    if (!tensorType(operand).getElementType().isInteger(8))
      return emitOpError("needs integers of 8 bits, but an operand has elements of ")
             << tensorType(operand).getElementType();
  FailureOr<Sizes> sizes = productSizes(*this, a, b);
  if (failed(sizes))
    return failure();

  auto checkZeroPoint = [&](Value zero, RankedTensorType of, int64_t axis, StringRef what) -> LogicalResult {
    if (!zero)
      return success();
    if (tensorType(zero).getElementType() != of.getElementType())
      return emitOpError("has a zero point of ") << tensorType(zero).getElementType() << " for an operand of "
                                                 << of.getElementType() << quantizeAgain;
    if (isOneElement(zero))
      return success();
    auto shape = tensorType(zero).getShape();
    bool fits = axis >= 0 && (shape.size() == 1 || shape.size() == of.getShape().size());
    for (size_t i = 0; fits && i < shape.size(); ++i) {
      size_t dim = shape.size() == 1 ? axis : i;
      // Across the axis of the product there is one zero point for all.
      bool summed = shape.size() > 1 && static_cast<int64_t>(i) == 2 * of.getRank() - 3 - axis;
      fits = isCompatible(shape[i], summed ? 1 : of.getDimSize(dim)) || (shape.size() > 1 && shape[i] == 1);
    }
    if (!fits)
      return emitOpError("has a zero point of shape ")
             << describeSizes(shape) << " for an operand " << describeSizes(of.getShape())
             << ", expected one element or one for each " << what << quantizeAgain;
    return success();
  };
  if (failed(checkZeroPoint(getAZeroPoint(), a, a.getRank() == 1 ? -1 : a.getRank() - 2, "row")) ||
      failed(checkZeroPoint(getBZeroPoint(), b, b.getRank() == 1 ? -1 : b.getRank() - 1, "column")))
    return failure();
  types.push_back(RankedTensorType::get(*sizes, IntegerType::get(getContext(), 32)));
  return success();
}

LogicalResult UnpackBitsOp::inferResultTypes(Types &types) {
  auto x = tensorType(getX());
  if (getBits() != 2 && getBits() != 4)
    return emitOpError("unpacks groups of ") << getBits() << " bits, expected 2 or 4";
  if (failed(checkAxis(*this, 0, x.getRank())))
    return failure();
  Sizes sizes(x.getShape());
  if (sizes.back() != dynamicSize)
    sizes.back() *= 8 / getBits();
  types.push_back(x.clone(sizes));
  return success();
}
