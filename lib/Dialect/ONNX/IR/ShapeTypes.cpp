//===- ShapeTypes.cpp - Result types of shape and layout ops ------------------------------------------===//
#include "Inference.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tamis::onnx;

/// The product of sizes; dynamic when one is, or it does not fit.
static int64_t product(ArrayRef<int64_t> sizes) {
  int64_t total = 1;
  for (int64_t size : sizes)
    if (size == dynamicSize || llvm::MulOverflow(total, size, total))
      return dynamicSize;
  return total;
}

LogicalResult ConstantOp::inferResultTypes(Types &types) {
  types.push_back(getValue().getShapedType());
  return success();
}

LogicalResult ShapeOp::inferResultTypes(Types &types) {
  int64_t start = getStart(), end = getEnd();
  if (start < 0 || end < start || end > tensorType(getX()).getRank())
    return emitOpError("has a range [")
           << start << ", " << end << ") that is not within the rank " << tensorType(getX()).getRank();
  types.push_back(RankedTensorType::get(end - start, IntegerType::get(getContext(), 64)));
  return success();
}

LogicalResult SizeOp::inferResultTypes(Types &types) {
  types.push_back(RankedTensorType::get({}, IntegerType::get(getContext(), 64)));
  return success();
}

LogicalResult ReshapeOp::inferResultTypes(Types &types) {
  auto rank = staticLength(*this, getShape(), "shape");
  if (failed(rank))
    return failure();
  auto data = tensorType(getData());
  Sizes sizes(*rank, dynamicSize);
  std::optional<int64_t> inferred;
  if (auto known = knownIntegers(getShape())) {
    // What copied dimensions leave of the operand, and of the result but for its -1.
    int64_t left = 1, wanted = 1;
    auto times = [](int64_t &factor, int64_t size) {
      factor = factor == dynamicSize ? dynamicSize : product({factor, size});
    };
    SmallVector<int64_t> uncopied(data.getShape());
    for (auto [i, element] : llvm::enumerate(*known)) {
      if (!element) {
        wanted = dynamicSize;
        continue;
      }
      if (*element < -1)
        return emitOpError("has the size ") << *element << " in its shape";
      if (*element == -1) {
        if (inferred)
          return emitOpError("has more than one -1 in its shape");
        inferred = i;
      } else if (*element == 0 && !getAllowzero()) {
        if (static_cast<int64_t>(i) >= data.getRank())
          return emitOpError("copies dimension ") << i << " of an operand of rank " << data.getRank();
        sizes[i] = data.getDimSize(i);
        uncopied[i] = 1;
      } else {
        sizes[i] = *element;
        times(wanted, *element);
      }
    }
    for (int64_t size : uncopied)
      times(left, size);
    if (inferred && left != dynamicSize && wanted > 0 && left % wanted == 0)
      sizes[*inferred] = left / wanted;
    // With every other size known, the -1 is what is left; a single unknown size that is not -1 likewise.
    int64_t unknowns = llvm::count(sizes, dynamicSize), total = product(data.getShape());
    if (unknowns == 1 && total != dynamicSize) {
      auto *open = llvm::find(sizes, dynamicSize);
      *open = 1;
      int64_t rest = product(sizes);
      *open = dynamicSize;
      bool isInferred = inferred && open - sizes.begin() == *inferred;
      if (rest > 0 && total % rest == 0)
        *open = total / rest;
      else if (rest == dynamicSize || rest > 0 || isInferred)
        return emitOpError("cannot give the shape ")
               << describeSizes(sizes) << " to an operand of shape " << describeSizes(data.getShape());
    }
  }
  int64_t before = product(data.getShape()), after = product(sizes);
  if (before != dynamicSize && after != dynamicSize && before != after)
    return emitOpError("cannot give the shape ")
           << describeSizes(sizes) << " to an operand of shape " << describeSizes(data.getShape());
  types.push_back(RankedTensorType::get(sizes, data.getElementType()));
  return success();
}

LogicalResult FlattenOp::inferResultTypes(Types &types) {
  auto type = tensorType(getX());
  int64_t axis = getAxis();
  if (failed(checkAxis(*this, axis, type.getRank(), /*orEnd=*/true)))
    return failure();
  types.push_back(RankedTensorType::get(
      {product(type.getShape().take_front(axis)), product(type.getShape().drop_front(axis))},
      type.getElementType()));
  return success();
}

LogicalResult SqueezeOp::inferResultTypes(Types &types) {
  auto type = tensorType(getData());
  if (failed(checkAxes(*this, getAxes(), type.getRank())))
    return failure();
  Sizes sizes;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!llvm::is_contained(getAxes(), static_cast<int64_t>(i)))
      sizes.push_back(size);
    else if (size != 1 && size != dynamicSize)
      return emitOpError("drops dimension ") << i << ", which has size " << size << ", not 1";
  }
  types.push_back(RankedTensorType::get(sizes, type.getElementType()));
  return success();
}

LogicalResult UnsqueezeOp::inferResultTypes(Types &types) {
  auto type = tensorType(getData());
  int64_t rank = type.getRank() + getAxes().size();
  if (failed(checkAxes(*this, getAxes(), rank)))
    return failure();
  Sizes sizes;
  const int64_t *next = type.getShape().begin();
  for (int64_t i = 0; i < rank; ++i)
    sizes.push_back(llvm::is_contained(getAxes(), i) ? 1 : *next++);
  types.push_back(RankedTensorType::get(sizes, type.getElementType()));
  return success();
}

/// Sizes that a 1-D integer operand gives, dynamic where it is not known. Fails with an error on a negative
/// one.
static LogicalResult knownSizes(Operation *op, Value operand, Sizes &sizes) {
  if (auto known = knownIntegers(operand))
    for (auto [size, element] : llvm::zip_equal(sizes, *known)) {
      if (!element)
        continue;
      if (*element < 0)
        return op->emitOpError("has the negative size ") << *element;
      size = *element;
    }
  return success();
}

LogicalResult ExpandOp::inferResultTypes(Types &types) {
  auto length = staticLength(*this, getShape(), "shape");
  if (failed(length))
    return failure();
  Sizes target(*length, dynamicSize), sizes(tensorType(getX()).getShape());
  if (failed(knownSizes(*this, getShape(), target)) || failed(broadcast(*this, target, sizes)))
    return failure();
  types.push_back(tensorType(getX()).clone(sizes));
  return success();
}

LogicalResult TransposeOp::inferResultTypes(Types &types) {
  auto type = tensorType(getX());
  if (static_cast<int64_t>(getPerm().size()) != type.getRank() || !isPermutationVector(getPerm()))
    return emitOpError("has a perm that is no permutation of the dimensions of its operand of rank ")
           << type.getRank();
  types.push_back(type.clone(applyPermutation(type.getShape(), getPerm())));
  return success();
}

LogicalResult ConcatOp::inferResultTypes(Types &types) {
  if (getInputs().empty())
    return emitOpError("needs at least one operand");
  auto first = tensorType(getInputs().front());
  int64_t axis = getAxis(), total = 0;
  if (failed(checkSameElements(*this, getInputs())) || failed(checkAxis(*this, axis, first.getRank())))
    return failure();
  Sizes sizes(first.getShape());
  for (Value input : getInputs()) {
    auto type = tensorType(input);
    if (type.getRank() != first.getRank())
      return emitOpError("has operands of ranks ") << first.getRank() << " and " << type.getRank();
    for (int64_t i = 0; i < first.getRank(); ++i)
      if (i != axis && failed(unify(*this, sizes[i], type.getDimSize(i), "operands")))
        return failure();
    int64_t size = type.getDimSize(axis);
    if (size == dynamicSize || total == dynamicSize || llvm::AddOverflow(total, size, total))
      total = dynamicSize;
  }
  sizes[axis] = total;
  types.push_back(RankedTensorType::get(sizes, first.getElementType()));
  return success();
}

LogicalResult SplitOp::inferResultTypes(Types &types) {
  auto type = tensorType(getX());
  int64_t axis = getAxis(), count = getNumResults();
  if (failed(checkAxis(*this, axis, type.getRank())))
    return failure();
  if (count == 0)
    return emitOpError("needs at least one result");
  Sizes parts(count, dynamicSize);
  int64_t size = type.getDimSize(axis);
  if (getSizes()) {
    auto length = staticLength(*this, getSizes(), "sizes");
    if (failed(length))
      return failure();
    if (*length != count)
      return emitOpError("has ") << count << " results, but " << *length << " sizes";
    if (failed(knownSizes(*this, getSizes(), parts)))
      return failure();
    int64_t total = 0;
    for (int64_t part : parts)
      if (part == dynamicSize || llvm::AddOverflow(total, part, total)) {
        total = dynamicSize;
        break;
      }
    if (total != dynamicSize && size != dynamicSize && total != size)
      return emitOpError("has sizes that sum up to ") << total << ", but the axis has size " << size;
  } else if (size != dynamicSize) {
    int64_t part = llvm::divideCeil(size, count);
    for (int64_t i = 0; i < count; ++i)
      parts[i] = std::min(part, std::max<int64_t>(0, size - i * part));
  }
  for (int64_t part : parts) {
    Sizes sizes(type.getShape());
    sizes[axis] = part;
    types.push_back(type.clone(sizes));
  }
  return success();
}

LogicalResult SliceOp::inferResultTypes(Types &types) {
  auto type = tensorType(getData());
  int64_t count = getAxes().size();
  for (Value bounds : {getStarts(), getEnds()}) {
    auto length = staticLength(*this, bounds, "bounds");
    if (failed(length))
      return failure();
    if (*length != count || static_cast<int64_t>(getSteps().size()) != count)
      return emitOpError("needs one start, end and step for each of its ") << count << " axes";
  }
  auto starts = knownIntegers(getStarts()), ends = knownIntegers(getEnds());
  Sizes sizes(type.getShape());
  SmallVector<bool> seen(type.getRank());
  for (int64_t i = 0; i < count; ++i) {
    int64_t axis = getAxes()[i], step = getSteps()[i];
    if (failed(checkAxis(*this, axis, type.getRank())))
      return failure();
    if (seen[axis] || step == 0)
      return emitOpError("needs distinct axes and steps that are not 0");
    seen[axis] = true;
    std::optional<int64_t> start = starts ? (*starts)[i] : std::nullopt,
                           end = ends ? (*ends)[i] : std::nullopt;
    int64_t size = sizes[axis];
    bool whole = start && end &&
                 ((step == 1 && *start == 0 && *end >= (size == dynamicSize ? INT32_MAX : size)) ||
                  (step == -1 && *start == -1 && *end <= (size == dynamicSize ? INT32_MIN : -1 - size)));
    if (whole)
      continue;
    sizes[axis] =
        size != dynamicSize && start && end ? sliceBounds(*start, *end, step, size).size : dynamicSize;
    if (size == 0)
      sizes[axis] = 0;
  }
  types.push_back(type.clone(sizes));
  return success();
}

LogicalResult PadOp::inferResultTypes(Types &types) {
  auto type = tensorType(getData());
  auto length = staticLength(*this, getPads(), "pads");
  if (failed(length))
    return failure();
  if (*length != 2 * type.getRank())
    return emitOpError("needs ") << 2 * type.getRank() << " pads, but has " << *length;
  if (getValue() && (failed(checkScalar(*this, getValue(), "value")) ||
                     failed(checkSameElements(*this, {getData(), getValue()}))))
    return failure();
  if (!llvm::is_contained({"constant", "reflect", "edge", "wrap"}, getMode()))
    return emitOpError("has the unknown mode '") << getMode() << "'";
  Sizes sizes(type.getRank(), dynamicSize);
  if (auto pads = knownIntegers(getPads()))
    for (int64_t i = 0; i < type.getRank(); ++i) {
      auto before = (*pads)[i], after = (*pads)[i + type.getRank()];
      int64_t size = type.getDimSize(i);
      if (!before || !after)
        continue;
      if (size == dynamicSize) {
        sizes[i] = dynamicSize;
        continue;
      }
      if (llvm::AddOverflow(size, *before, size) || llvm::AddOverflow(size, *after, size) || size < 0)
        return emitOpError("has pads ")
               << *before << " and " << *after << " for a dimension of size " << type.getDimSize(i);
      sizes[i] = size;
    }
  types.push_back(type.clone(sizes));
  return success();
}

LogicalResult TileOp::inferResultTypes(Types &types) {
  auto type = tensorType(getX());
  auto length = staticLength(*this, getRepeats(), "repeats");
  if (failed(length))
    return failure();
  if (*length != type.getRank())
    return emitOpError("needs ") << type.getRank() << " repeats, but has " << *length;
  Sizes repeats(type.getRank(), dynamicSize), sizes;
  if (failed(knownSizes(*this, getRepeats(), repeats)))
    return failure();
  for (auto [size, repeat] : llvm::zip_equal(type.getShape(), repeats))
    sizes.push_back(repeat == 1 ? size : product({size, repeat}));
  types.push_back(type.clone(sizes));
  return success();
}

LogicalResult ConstantOfShapeOp::inferResultTypes(Types &types) {
  auto length = staticLength(*this, getShape(), "shape");
  if (failed(length))
    return failure();
  if (getValue().getNumElements() != 1)
    return emitOpError("needs a value of one element");
  Sizes sizes(*length, dynamicSize);
  if (failed(knownSizes(*this, getShape(), sizes)))
    return failure();
  int64_t total = 1;
  for (int64_t size : sizes)
    if (size != dynamicSize && llvm::MulOverflow(total, std::max<int64_t>(size, 1), total))
      return emitOpError("has the shape ") << describeSizes(sizes) << ", which is too large";
  types.push_back(RankedTensorType::get(sizes, getValue().getElementType()));
  return success();
}

LogicalResult RangeOp::inferResultTypes(Types &types) {
  if (failed(checkElements(*this, getStart(), ElementClass::Number)) ||
      failed(checkSameElements(*this, getOperands())) || failed(checkScalar(*this, getStart(), "start")) ||
      failed(checkScalar(*this, getLimit(), "limit")) || failed(checkScalar(*this, getDelta(), "delta")))
    return failure();
  Type element = tensorType(getStart()).getElementType();
  int64_t size = dynamicSize;
  auto start = knownElements(getStart()), limit = knownElements(getLimit()),
       delta = knownElements(getDelta());
  auto has = [](auto &elements) { return elements && elements->size() == 1 && elements->front(); };
  if (has(delta) && isa<IntegerType>(element) && delta->front()->integer == 0)
    return emitOpError("has a delta of 0");
  if (has(start) && has(limit) && has(delta)) {
    if (isa<IntegerType>(element)) {
      int64_t from = start->front()->integer, to = limit->front()->integer, step = delta->front()->integer,
              distance;
      if (!llvm::SubOverflow(to, from, distance) && step != INT64_MIN && distance != INT64_MIN)
        size =
            (distance > 0) == (step > 0) && distance != 0
                ? static_cast<int64_t>((static_cast<uint64_t>(std::abs(distance)) - 1) / std::abs(step) + 1)
                : 0;
    } else {
      double count = std::ceil((limit->front()->real - start->front()->real) / delta->front()->real);
      if (count < 1e15)
        size = static_cast<int64_t>(std::max(count, 0.0));
    }
  }
  types.push_back(RankedTensorType::get(size, element));
  return success();
}

LogicalResult TriluOp::inferResultTypes(Types &types) {
  if (tensorType(getX()).getRank() < 2)
    return emitOpError("needs an operand of rank 2 or more");
  if (getK() && failed(checkScalar(*this, getK(), "k")))
    return failure();
  types.push_back(getX().getType());
  return success();
}
