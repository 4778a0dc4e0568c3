//===- IndexingTypes.cpp - Result types of ops that read or write at indices --------------------------===//
#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

using namespace mlir;
using namespace tamis::onnx;

LogicalResult GatherOp::inferResultTypes(Types &types) {
  auto data = tensorType(getData()), indices = tensorType(getIndices());
  int64_t axis = getAxis();
  if (failed(checkAxis(*this, axis, data.getRank())))
    return failure();
  int64_t size = data.getDimSize(axis);
  if (auto known = knownIntegers(getIndices()); known && size != dynamicSize)
    for (std::optional<int64_t> index : *known)
      if (index && (*index < -size || *index >= size))
        return emitOpError("reads index ") << *index << " of a dimension of size " << size;
  Sizes sizes(data.getShape().take_front(axis));
  llvm::append_range(sizes, indices.getShape());
  llvm::append_range(sizes, data.getShape().drop_front(axis + 1));
  types.push_back(data.clone(sizes));
  return success();
}

LogicalResult GatherElementsOp::inferResultTypes(Types &types) {
  auto data = tensorType(getData()), indices = tensorType(getIndices());
  if (failed(checkAxis(*this, getAxis(), data.getRank())) ||
      failed(checkRank(*this, getIndices(), data.getRank(), "indices")))
    return failure();
  types.push_back(data.clone(indices.getShape()));
  return success();
}

LogicalResult GatherNDOp::inferResultTypes(Types &types) {
  auto data = tensorType(getData()), indices = tensorType(getIndices());
  int64_t batch = getBatchDims();
  if (data.getRank() == 0 || indices.getRank() == 0 || batch < 0 ||
      batch >= std::min(data.getRank(), indices.getRank()))
    return emitOpError("has ") << batch << " batch dimensions, but operands of ranks " << data.getRank()
                               << " and " << indices.getRank();
  int64_t tuple = indices.getShape().back();
  if (tuple == dynamicSize)
    return emitOpError("has index tuples of unknown length, so that the rank of the result is unknown");
  if (tuple < 1 || batch + tuple > data.getRank())
    return emitOpError("has index tuples of length ")
           << tuple << ", which do not fit data of rank " << data.getRank();
  Sizes sizes;
  for (int64_t i = 0; i < batch; ++i) {
    int64_t size = indices.getDimSize(i);
    if (failed(unify(*this, size, data.getDimSize(i), "batch dimensions")))
      return failure();
    sizes.push_back(size);
  }
  llvm::append_range(sizes, indices.getShape().drop_front(batch).drop_back());
  llvm::append_range(sizes, data.getShape().drop_front(batch + tuple));
  types.push_back(data.clone(sizes));
  return success();
}

static LogicalResult checkReduction(Operation *op, StringRef reduction) {
  if (!llvm::is_contained({"none", "add", "mul", "min", "max"}, reduction))
    return op->emitOpError("has the unknown reduction '") << reduction << "'";
  return success();
}

LogicalResult ScatterElementsOp::inferResultTypes(Types &types) {
  auto data = tensorType(getData());
  if (failed(checkSameElements(*this, {getData(), getUpdates()})) ||
      failed(checkReduction(*this, getReduction())) || failed(checkAxis(*this, getAxis(), data.getRank())) ||
      failed(checkRank(*this, getIndices(), data.getRank(), "indices")) ||
      failed(checkRank(*this, getUpdates(), data.getRank(), "updates")))
    return failure();
  if (failed(verifyCompatibleShape(tensorType(getIndices()).getShape(), tensorType(getUpdates()).getShape())))
    return emitOpError("has indices and updates of different shapes");
  types.push_back(data);
  return success();
}

LogicalResult ScatterNDOp::inferResultTypes(Types &types) {
  auto data = tensorType(getData()), indices = tensorType(getIndices()), updates = tensorType(getUpdates());
  if (failed(checkSameElements(*this, {getData(), getUpdates()})) ||
      failed(checkReduction(*this, getReduction())))
    return failure();
  if (indices.getRank() == 0 || data.getRank() == 0)
    return emitOpError("needs data and indices with at least one dimension");
  int64_t tuple = indices.getShape().back();
  if (tuple == dynamicSize)
    return emitOpError("has index tuples of unknown length");
  if (tuple < 1 || tuple > data.getRank())
    return emitOpError("has index tuples of length ")
           << tuple << ", which do not fit data of rank " << data.getRank();
  Sizes wanted(indices.getShape().drop_back());
  llvm::append_range(wanted, data.getShape().drop_front(tuple));
  if (failed(verifyCompatibleShape(wanted, updates.getShape())))
    return emitOpError("has updates of shape ")
           << describeSizes(updates.getShape()) << ", expected " << describeSizes(wanted);
  types.push_back(data);
  return success();
}

LogicalResult OneHotOp::inferResultTypes(Types &types) {
  auto indices = tensorType(getIndices()), values = tensorType(getValues());
  if (failed(checkAxis(*this, getAxis(), indices.getRank(), /*orEnd=*/true)) ||
      failed(checkScalar(*this, getDepth(), "depth")) || failed(checkRank(*this, getValues(), 1, "values")))
    return failure();
  if (values.getDimSize(0) != 2 && values.getDimSize(0) != dynamicSize)
    return emitOpError("needs two values, off and on");
  int64_t depth = dynamicSize;
  if (auto known = knownElements(getDepth()); known && known->size() == 1 && known->front()) {
    const Number &number = *known->front();
    double size = isa<FloatType>(tensorType(getDepth()).getElementType()) ? number.real : number.integer;
    if (!(size >= 0 && size < 0x1p31))
      return emitOpError("has a depth that is no size");
    depth = static_cast<int64_t>(size);
  }
  Sizes sizes(indices.getShape());
  sizes.insert(sizes.begin() + getAxis(), depth);
  types.push_back(RankedTensorType::get(sizes, values.getElementType()));
  return success();
}

LogicalResult NonZeroOp::inferResultTypes(Types &types) {
  types.push_back(
      RankedTensorType::get({tensorType(getX()).getRank(), dynamicSize}, IntegerType::get(getContext(), 64)));
  return success();
}

LogicalResult TopKOp::inferResultTypes(Types &types) {
  auto type = tensorType(getX());
  if (failed(checkElements(*this, getX(), ElementClass::Number)) ||
      failed(checkAxis(*this, getAxis(), type.getRank())) || failed(checkScalar(*this, getK(), "k")))
    return failure();
  Sizes sizes(type.getShape());
  int64_t &size = sizes[getAxis()];
  auto k = constantIntegers(getK());
  if (k && !k->empty()) {
    if (k->front() < 0 || (size != dynamicSize && k->front() > size))
      return emitOpError("takes ") << k->front() << " elements of a dimension of size " << size;
    size = k->front();
  } else {
    size = dynamicSize;
  }
  types.push_back(type.clone(sizes));
  types.push_back(RankedTensorType::get(sizes, IntegerType::get(getContext(), 64)));
  return success();
}
