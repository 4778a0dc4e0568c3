//===- KnownElements.cpp - Elements of small tensors known at compile time ----------------------------===//
#include "tamis/Dialect/ONNX/IR/KnownElements.h"

#include "Inference.h"
#include "ScalarArithmetic.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/ADT/APSInt.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tamis::onnx {
namespace {

using Known = std::optional<KnownElements>;

/// Static and small.
bool isSmall(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() || !tensor.getElementType().isIntOrFloat())
    return false;
  int64_t count = 1;
  for (int64_t size : tensor.getShape()) {
    count *= size;
    if (count > maxKnownElements)
      return false;
  }
  return true;
}

SmallVector<int64_t> position(int64_t index, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> result(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    result[i] = index % sizes[i];
    index /= sizes[i];
  }
  return result;
}

int64_t linear(ArrayRef<int64_t> position, ArrayRef<int64_t> sizes) {
  int64_t index = 0;
  for (auto [at, size] : llvm::zip_equal(position, sizes))
    index = index * size + at;
  return index;
}

/// The element of a tensor of shape `sizes` that broadcasting reads for `position` of the result.
int64_t broadcastIndex(ArrayRef<int64_t> position, ArrayRef<int64_t> sizes) {
  int64_t index = 0;
  size_t lead = position.size() - sizes.size();
  for (auto [i, size] : llvm::enumerate(sizes))
    index = index * size + (size == 1 ? 0 : position[lead + i]);
  return index;
}

class Evaluator {
public:
  Known value(Value value);
  SmallVector<Known> results(Operation *op);

private:
  Known shape(ShapeOp op);
  Known gather(GatherOp op);
  Known concat(ConcatOp op);
  Known slice(SliceOp op);
  Known where(WhereOp op);
  Known oneHot(OneHotOp op);
  Known range(RangeOp op);
  Known scatter(ScatterElementsOp op);
  Known dequantize(DequantizeLinearOp op);
  Known reduce(Operation *op, Value data, ArrayRef<int64_t> axes);
  Known elementwise(Operation *op);
  /// The result's elements are those of `source` at indices that `map` gives for positions in the result.
  Known move(Operation *op, Value source, llvm::function_ref<int64_t(ArrayRef<int64_t>)> map,
             unsigned result = 0);

  // Operands evaluated for one question; bounds the time where values are used many times over.
  unsigned budget = 256;
};

Known Evaluator::value(Value value) {
  if (!isSmall(value.getType()))
    return std::nullopt;
  auto result = dyn_cast<OpResult>(value);
  if (!result || budget == 0)
    return std::nullopt;
  --budget;
  if (auto constant = dyn_cast<ConstantOp>(result.getOwner()))
    return readConstant(constant.getValueAttr());
  if (!isa_and_nonnull<ONNXDialect>(result.getOwner()->getDialect()))
    return std::nullopt;
  Known known = std::move(results(result.getOwner())[result.getResultNumber()]);
  if (known && llvm::none_of(*known, [](auto &element) { return element.has_value(); }) && !known->empty())
    return std::nullopt;
  return known;
}

Known Evaluator::move(Operation *op, Value source, llvm::function_ref<int64_t(ArrayRef<int64_t>)> map,
                      unsigned result) {
  Known from = value(source);
  if (!from)
    return std::nullopt;
  auto sizes = tensorType(op->getResult(result)).getShape();
  KnownElements to;
  for (int64_t i = 0, count = ShapedType::getNumElements(sizes); i < count; ++i) {
    int64_t index = map(position(i, sizes));
    if (index < 0 || index >= static_cast<int64_t>(from->size()))
      return std::nullopt;
    to.push_back((*from)[index]);
  }
  return to;
}

Known Evaluator::shape(ShapeOp op) {
  KnownElements elements;
  for (int64_t size : tensorType(op.getX()).getShape().slice(op.getStart(), op.getEnd() - op.getStart()))
    elements.push_back(size == dynamicSize ? std::nullopt : std::optional<Number>(Number{size, 0}));
  return elements;
}

Known Evaluator::gather(GatherOp op) {
  Known indices = value(op.getIndices());
  if (!indices || !llvm::all_of(*indices, [](auto &index) { return index.has_value(); }) ||
      !isSmall(op.getData().getType()))
    return std::nullopt;
  auto sizes = tensorType(op.getData()).getShape(), shape = tensorType(op.getIndices()).getShape();
  int64_t axis = op.getAxis();
  return move(op, op.getData(), [&](ArrayRef<int64_t> at) -> int64_t {
    SmallVector<int64_t> source(at.take_front(axis));
    int64_t index = (*indices)[linear(at.slice(axis, shape.size()), shape)]->integer;
    index += index < 0 ? sizes[axis] : 0;
    if (index < 0 || index >= sizes[axis])
      return -1;
    source.push_back(index);
    llvm::append_range(source, at.drop_front(axis + shape.size()));
    return linear(source, sizes);
  });
}

Known Evaluator::concat(ConcatOp op) {
  auto sizes = tensorType(op.getY()).getShape();
  KnownElements elements(ShapedType::getNumElements(sizes));
  int64_t axis = op.getAxis(), begin = 0;
  for (Value input : op.getInputs()) {
    if (!isSmall(input.getType()))
      return std::nullopt;
    auto from = tensorType(input).getShape();
    if (Known part = value(input))
      for (auto [i, element] : llvm::enumerate(*part)) {
        auto at = position(i, from);
        at[axis] += begin;
        elements[linear(at, sizes)] = element;
      }
    begin += from[axis];
  }
  return elements;
}

Known Evaluator::slice(SliceOp op) {
  if (!isSmall(op.getData().getType()))
    return std::nullopt;
  Known starts = value(op.getStarts()), ends = value(op.getEnds());
  if (!starts || !ends)
    return std::nullopt;
  auto sizes = tensorType(op.getData()).getShape();
  SmallVector<int64_t> begins(sizes.size()), steps(sizes.size(), 1);
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    if (!(*starts)[i] || !(*ends)[i])
      return std::nullopt;
    begins[axis] =
        sliceBounds((*starts)[i]->integer, (*ends)[i]->integer, op.getSteps()[i], sizes[axis]).start;
    steps[axis] = op.getSteps()[i];
  }
  return move(op, op.getData(), [&](ArrayRef<int64_t> at) {
    SmallVector<int64_t> source;
    for (size_t i = 0; i < at.size(); ++i)
      source.push_back(begins[i] + at[i] * steps[i]);
    return linear(source, sizes);
  });
}

Known Evaluator::where(WhereOp op) {
  auto sizes = tensorType(op.getZ()).getShape();
  Known condition = value(op.getCondition()), x = value(op.getX()), y = value(op.getY());
  if (!condition)
    return std::nullopt;
  KnownElements elements;
  for (int64_t i = 0, count = ShapedType::getNumElements(sizes); i < count; ++i) {
    auto at = position(i, sizes);
    auto &chosen = (*condition)[broadcastIndex(at, tensorType(op.getCondition()).getShape())];
    Known &from = chosen && chosen->integer ? x : y;
    Value source = chosen && chosen->integer ? op.getX() : op.getY();
    elements.push_back(chosen && from ? (*from)[broadcastIndex(at, tensorType(source).getShape())]
                                      : std::nullopt);
  }
  return elements;
}

Known Evaluator::oneHot(OneHotOp op) {
  Known indices = value(op.getIndices()), values = value(op.getValues());
  if (!indices || !values || values->size() != 2)
    return std::nullopt;
  auto sizes = tensorType(op.getY()).getShape();
  int64_t axis = op.getAxis(), depth = sizes[axis];
  KnownElements elements;
  for (int64_t i = 0, count = ShapedType::getNumElements(sizes); i < count; ++i) {
    auto at = position(i, sizes);
    int64_t here = at[axis];
    SmallVector<int64_t> source(at);
    source.erase(source.begin() + axis);
    auto &index = (*indices)[linear(source, tensorType(op.getIndices()).getShape())];
    if (!index)
      elements.push_back(std::nullopt);
    else
      elements.push_back((*values)[(index->integer < 0 ? index->integer + depth : index->integer) == here]);
  }
  return elements;
}

Known Evaluator::range(RangeOp op) {
  Known start = value(op.getStart()), delta = value(op.getDelta());
  if (!start || !delta || start->size() != 1 || delta->size() != 1 || !start->front() || !delta->front())
    return std::nullopt;
  Type type = tensorType(op.getY()).getElementType();
  KnownElements elements;
  for (int64_t i = 0; i < tensorType(op.getY()).getDimSize(0); ++i) {
    Number number;
    number.integer = static_cast<int64_t>(static_cast<uint64_t>(start->front()->integer) +
                                          static_cast<uint64_t>(i) * delta->front()->integer);
    number.real = start->front()->real + i * delta->front()->real;
    elements.push_back(roundTo(number, type));
  }
  return elements;
}

Known Evaluator::scatter(ScatterElementsOp op) {
  Known data = value(op.getData()), indices = value(op.getIndices()), updates = value(op.getUpdates());
  if (!data || !indices || !updates || op.getReduction() != "none")
    return std::nullopt;
  auto sizes = tensorType(op.getData()).getShape(), from = tensorType(op.getIndices()).getShape();
  for (int64_t i = 0, count = indices->size(); i < count; ++i) {
    if (!(*indices)[i])
      return std::nullopt;
    auto at = position(i, from);
    int64_t index = (*indices)[i]->integer, size = sizes[op.getAxis()];
    if (index < -size || index >= size)
      return std::nullopt;
    at[op.getAxis()] = index < 0 ? index + size : index;
    (*data)[linear(at, sizes)] = (*updates)[i];
  }
  return data;
}

/// Of one scale. Larger results are weights, and stay quantised.
Known Evaluator::dequantize(DequantizeLinearOp op) {
  auto type = tensorType(op.getY());
  Known x = value(op.getX()), scale = value(op.getScale());
  Known zero = op.getZeroPoint() ? value(op.getZeroPoint()) : Known(KnownElements{Number{0, 0}});
  if (type.getNumElements() > 16 || !x || !scale || !zero || scale->size() != 1 || zero->size() != 1 ||
      !scale->front() || !zero->front() ||
      (op.getZeroPoint() && isa<FloatType>(tensorType(op.getZeroPoint()).getElementType())))
    return std::nullopt;
  KnownElements elements;
  for (auto &element : *x) {
    if (!element)
      return std::nullopt;
    // Both factors have few enough bits for the product to be exact in f64.
    Number number{0, static_cast<float>(element->integer - zero->front()->integer) * scale->front()->real};
    elements.push_back(roundTo(number, type.getElementType()));
  }
  return elements;
}

Known Evaluator::reduce(Operation *op, Value data, ArrayRef<int64_t> axes) {
  Type element = tensorType(data).getElementType();
  Known from = value(data);
  if (!from || isa<FloatType>(element))
    return std::nullopt;
  auto sizes = tensorType(data).getShape();
  KnownElements to(tensorType(op->getResult(0)).getNumElements());
  SmallVector<bool> started(to.size()), lost(to.size());
  for (int64_t i = 0, count = from->size(); i < count; ++i) {
    auto at = position(i, sizes);
    int64_t target = 0;
    for (auto [dim, size] : llvm::enumerate(sizes))
      if (!llvm::is_contained(axes, static_cast<int64_t>(dim)))
        target = target * size + at[dim];
    if (!(*from)[i])
      lost[target] = true;
    else if (!started[target])
      to[target] = (*from)[i], started[target] = true;
    else
      to[target] = reduceScalars(op, *to[target], *(*from)[i], element);
    if (started[target] && !to[target])
      return std::nullopt;
  }
  for (auto [i, element] : llvm::enumerate(to))
    if (lost[i])
      element = std::nullopt;
  return to;
}

Known Evaluator::elementwise(Operation *op) {
  SmallVector<Known, 3> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(value(operand));
    if (!operands.back())
      return std::nullopt;
  }
  auto type = tensorType(op->getResult(0));
  KnownElements elements;
  for (int64_t i = 0, count = type.getNumElements(); i < count; ++i) {
    auto at = position(i, type.getShape());
    SmallVector<Number, 3> scalars;
    for (auto [operand, known] : llvm::zip_equal(op->getOperands(), operands))
      if (auto &element = (*known)[broadcastIndex(at, tensorType(operand).getShape())])
        scalars.push_back(*element);
    elements.push_back(scalars.size() == operands.size() ? computeScalar(op, scalars) : std::nullopt);
  }
  return elements;
}

SmallVector<Known> Evaluator::results(Operation *op) {
  SmallVector<Known> known(op->getNumResults());
  for (Type type : op->getResultTypes())
    if (!isSmall(type))
      return known;
  auto set = [&](Known value) { known.front() = std::move(value); };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](ConstantOp op) { set(readConstant(op.getValueAttr())); })
      .Case([&](ShapeOp op) { set(shape(op)); })
      .Case([&](SizeOp op) {
        if (tensorType(op.getX()).hasStaticShape())
          set(KnownElements{Number{tensorType(op.getX()).getNumElements(), 0}});
      })
      .Case<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp>([&](auto op) {
        Known from = value(op->getOperand(0));
        if (from && static_cast<int64_t>(from->size()) == tensorType(op->getResult(0)).getNumElements())
          set(std::move(from));
      })
      .Case([&](ExpandOp op) {
        set(move(op, op.getX(),
                 [&](ArrayRef<int64_t> at) { return broadcastIndex(at, tensorType(op.getX()).getShape()); }));
      })
      .Case([&](TransposeOp op) {
        auto sizes = tensorType(op.getX()).getShape();
        set(move(op, op.getX(), [&](ArrayRef<int64_t> at) {
          SmallVector<int64_t> source(at.size());
          for (auto [i, dim] : llvm::enumerate(op.getPerm()))
            source[dim] = at[i];
          return linear(source, sizes);
        }));
      })
      .Case([&](TileOp op) {
        if (!isSmall(op.getX().getType()))
          return;
        auto sizes = tensorType(op.getX()).getShape();
        set(move(op, op.getX(), [&](ArrayRef<int64_t> at) {
          SmallVector<int64_t> source;
          for (auto [index, size] : llvm::zip_equal(at, sizes))
            source.push_back(index % size);
          return linear(source, sizes);
        }));
      })
      .Case([&](SplitOp op) {
        if (!isSmall(op.getX().getType()))
          return;
        auto sizes = tensorType(op.getX()).getShape();
        int64_t begin = 0;
        for (auto [i, part] : llvm::enumerate(op.getParts())) {
          known[i] = move(
              op, op.getX(),
              [&](ArrayRef<int64_t> at) {
                SmallVector<int64_t> source(at);
                source[op.getAxis()] += begin;
                return linear(source, sizes);
              },
              i);
          begin += tensorType(part).getDimSize(op.getAxis());
        }
      })
      .Case([&](ConcatOp op) { set(concat(op)); })
      .Case([&](GatherOp op) { set(gather(op)); })
      .Case([&](SliceOp op) { set(slice(op)); })
      .Case([&](WhereOp op) { set(where(op)); })
      .Case([&](DequantizeLinearOp op) { set(dequantize(op)); })
      .Case([&](OneHotOp op) { set(oneHot(op)); })
      .Case([&](RangeOp op) { set(range(op)); })
      .Case([&](ScatterElementsOp op) { set(scatter(op)); })
      .Case([&](ConstantOfShapeOp op) {
        Known value = readConstant(op.getValueAttr());
        if (value && value->size() == 1)
          set(KnownElements(tensorType(op.getY()).getNumElements(), value->front()));
      })
      .Case<ReduceProdOp, ReduceSumOp, ReduceMaxOp, ReduceMinOp>(
          [&](auto op) { set(reduce(op, op.getData(), op.getAxes())); })
      .Default([&](Operation *op) {
        if (isScalarOp(op))
          set(elementwise(op));
      });
  return known;
}

} // namespace

Known knownElements(Value tensor) { return Evaluator().value(tensor); }

SmallVector<Known> evaluate(Operation *op) { return Evaluator().results(op); }

std::optional<SmallVector<std::optional<int64_t>>> knownIntegers(Value tensor) {
  Known known = isa<IntegerType>(tensorType(tensor).getElementType()) ? knownElements(tensor) : std::nullopt;
  if (!known)
    return std::nullopt;
  SmallVector<std::optional<int64_t>> integers;
  for (auto &element : *known)
    integers.push_back(element ? std::optional(element->integer) : std::nullopt);
  return integers;
}

std::optional<SmallVector<int64_t>> constantIntegers(Value tensor) {
  auto known = knownIntegers(tensor);
  if (!known || !llvm::all_of(*known, [](auto &element) { return element.has_value(); }))
    return std::nullopt;
  return llvm::map_to_vector(*known, [](auto &element) { return *element; });
}

DenseElementsAttr makeConstant(ShapedType type, const KnownElements &elements) {
  if (!llvm::all_of(elements, [](auto &element) { return element.has_value(); }))
    return {};
  if (auto floatType = dyn_cast<FloatType>(type.getElementType())) {
    SmallVector<APFloat> values;
    for (auto &element : elements)
      values.push_back(toAPFloat(element->real, floatType));
    return DenseElementsAttr::get(type, values);
  }
  SmallVector<APInt> values;
  for (auto &element : elements)
    values.push_back(
        APInt(type.getElementTypeBitWidth(), static_cast<uint64_t>(element->integer), false, true));
  return DenseElementsAttr::get(type, values);
}

Known readConstant(Attribute attribute) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(attribute);
  if (!dense || !isSmall(dense.getType()))
    return std::nullopt;
  KnownElements elements;
  if (isa<FloatType>(dense.getElementType())) {
    for (const APFloat &value : dense.getValues<APFloat>())
      elements.push_back(Number{0, toDouble(value)});
    return elements;
  }
  bool isUnsigned = dense.getElementType().isUnsignedInteger() || dense.getElementType().isInteger(1);
  for (const APInt &value : dense.getValues<APInt>())
    elements.push_back(
        Number{isUnsigned ? static_cast<int64_t>(value.getZExtValue()) : value.getSExtValue(), 0});
  return elements;
}

int64_t toInteger(double value) {
  llvm::APSInt integer(64, /*isUnsigned=*/false);
  bool isExact;
  llvm::APFloat(value).convertToInteger(integer, llvm::APFloat::rmTowardZero, &isExact);
  return integer.getSExtValue();
}

SliceBounds sliceBounds(int64_t start, int64_t end, int64_t step, int64_t size) {
  auto clamp = [&](int64_t bound) {
    bound = bound < 0 ? std::max(bound, -size - 1) + size : bound;
    return step > 0 ? std::clamp<int64_t>(bound, 0, size) : std::clamp<int64_t>(bound, -1, size - 1);
  };
  start = clamp(start), end = clamp(end);
  if (step > 0)
    return {start, start >= end ? 0 : (end - start - 1) / step + 1};
  if (step < -size)
    return {start, start > end};
  return {start, start <= end ? 0 : (start - end - 1) / -step + 1};
}

} // namespace tamis::onnx
