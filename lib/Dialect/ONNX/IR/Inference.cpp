//===- Inference.cpp - What the inference of result types of the onnx ops shares ----------------------===//
#include "Inference.h"

#include "tamis/Dialect/ONNX/IR/ShapeInference.h"

using namespace mlir;

namespace tamis::onnx {

std::string describeSizes(ArrayRef<int64_t> sizes) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(sizes))
    text += (i ? ", " : "") + (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

LogicalResult verifyResultTypes(Operation *op) {
  SmallVector<Type> types;
  if (failed(cast<ShapeInferenceOpInterface>(op).inferResultTypes(types)))
    return failure();
  if (types.size() != op->getNumResults())
    return op->emitOpError("has ") << op->getNumResults() << " results, expected " << types.size();
  for (auto [i, inferred, result] : llvm::enumerate(types, op->getResultTypes())) {
    auto want = cast<RankedTensorType>(inferred), have = dyn_cast<RankedTensorType>(result);
    if (!have || want.getElementType() != have.getElementType() ||
        failed(verifyCompatibleShape(want.getShape(), have.getShape())))
      return op->emitOpError("has a result of type ") << result << ", expected one compatible with " << want;
  }
  return success();
}

LogicalResult checkElements(Operation *op, Value operand, ElementClass wanted) {
  Type type = tensorType(operand).getElementType();
  switch (wanted) {
  case ElementClass::Any:
    return success();
  case ElementClass::Number:
    return type.isInteger(1) ? op->emitOpError("needs numbers, but an operand is bool") : success();
  case ElementClass::Float:
    return isa<FloatType>(type) ? success()
                                : op->emitOpError("needs floats, but an operand has elements of ") << type;
  case ElementClass::Bool:
    return type.isInteger(1) ? success()
                             : op->emitOpError("needs bools, but an operand has elements of ") << type;
  }
  llvm_unreachable("all classes are listed");
}

LogicalResult checkSameElements(Operation *op, ValueRange operands) {
  for (Value operand : operands)
    if (tensorType(operand).getElementType() != tensorType(operands.front()).getElementType())
      return op->emitOpError("has operands with elements of ")
             << tensorType(operands.front()).getElementType() << " and "
             << tensorType(operand).getElementType() << ", which must be the same";
  return success();
}

LogicalResult checkAxis(Operation *op, int64_t axis, int64_t rank, bool orEnd) {
  if (axis < 0 || axis >= rank + orEnd)
    return op->emitOpError("has axis ") << axis << ", which is out of range for rank " << rank;
  return success();
}

LogicalResult checkAxes(Operation *op, ArrayRef<int64_t> axes, int64_t rank) {
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (failed(checkAxis(op, axis, rank)))
      return failure();
    if (i && axis <= axes[i - 1])
      return op->emitOpError("has axes that do not ascend");
  }
  return success();
}

LogicalResult checkRank(Operation *op, Value operand, int64_t rank, StringRef name) {
  if (tensorType(operand).getRank() != rank)
    return op->emitOpError("needs ") << name << " of rank " << rank << ", but it has rank "
                                     << tensorType(operand).getRank();
  return success();
}

LogicalResult checkScalar(Operation *op, Value operand, StringRef name) {
  for (int64_t size : tensorType(operand).getShape())
    if (size != 1 && size != dynamicSize)
      return op->emitOpError("needs one element in ")
             << name << ", which has shape " << describeSizes(tensorType(operand).getShape());
  return success();
}

FailureOr<int64_t> staticLength(Operation *op, Value operand, StringRef name) {
  auto type = tensorType(operand);
  if (type.getRank() != 1)
    return op->emitOpError("needs ") << name << " of rank 1, but it has rank " << type.getRank();
  if (type.isDynamicDim(0))
    return op->emitOpError("has ") << name << " of unknown length, so that the rank of the result is unknown";
  return type.getDimSize(0);
}

LogicalResult broadcast(Operation *op, ArrayRef<int64_t> shape, Sizes &result) {
  Sizes before = result;
  if (shape.size() > result.size())
    result.insert(result.begin(), shape.size() - result.size(), 1);
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t size = shape[shape.size() - 1 - i];
    int64_t &joined = result[result.size() - 1 - i];
    if (joined == 1)
      joined = size;
    else if (size == 1 || size == joined)
      continue;
    else if (size == dynamicSize)
      continue; // Is 1 or equal to the other one.
    else if (joined == dynamicSize)
      joined = size;
    else
      return op->emitOpError("has operands of shapes ")
             << describeSizes(before) << " and " << describeSizes(shape) << ", which cannot be broadcast";
  }
  return success();
}

FailureOr<Sizes> productSizes(Operation *op, RankedTensorType a, RankedTensorType b) {
  if (a.getRank() == 0 || b.getRank() == 0)
    return op->emitOpError("has an operand without dimensions");
  bool row = a.getRank() == 1, column = b.getRank() == 1;
  int64_t k = a.getShape().back();
  if (failed(unify(op, k, b.getDimSize(column ? 0 : b.getRank() - 2), "inner dimensions")))
    return failure();
  Sizes sizes(a.getShape().drop_back(row ? 1 : 2));
  if (failed(broadcast(op, b.getShape().drop_back(column ? 1 : 2), sizes)))
    return failure();
  if (!row)
    sizes.push_back(a.getDimSize(a.getRank() - 2));
  if (!column)
    sizes.push_back(b.getShape().back());
  return sizes;
}

LogicalResult broadcastOperands(Operation *op, ValueRange operands, Sizes &result) {
  for (Value operand : operands)
    if (failed(broadcast(op, tensorType(operand).getShape(), result)))
      return failure();
  return success();
}

LogicalResult unify(Operation *op, int64_t &size, int64_t other, StringRef what) {
  if (size == dynamicSize)
    size = other;
  else if (other != dynamicSize && other != size)
    return op->emitOpError("has ") << what << " of sizes " << size << " and " << other
                                   << ", which must be the same";
  return success();
}

} // namespace tamis::onnx
