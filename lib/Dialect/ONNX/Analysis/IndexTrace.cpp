//===- IndexTrace.cpp - Elements followed through ops that move data ---------------------------------===//
#include "tamis/Dialect/ONNX/Analysis/Elements.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::onnx;

/// Reshape: dimensions of both sides fall into groups of equal products; within a group the position is the
/// same.
std::optional<ElementOf> Elements::regroup(const ElementOf &element, Value source) {
  SmallVector<Polynomial, 4> to(shapes.sizes(element.tensor)), from(shapes.sizes(source));
  ElementOf result{source, {}};
  size_t i = 0, o = 0;
  while (i < from.size() || o < to.size()) {
    size_t firstFrom = i, firstTo = o;
    Polynomial products[2] = {Polynomial(1), Polynomial(1)}; // Of the source, of the result.
    if (i < from.size())
      products[0] = from[i++];
    if (o < to.size())
      products[1] = to[o++];
    while (!(products[0] == products[1])) {
      if (i < from.size() && products[1].divideExactly(products[0]))
        products[0] = products[0] * from[i++];
      else if (o < to.size() && products[0].divideExactly(products[1]))
        products[1] = products[1] * to[o++];
      else
        return std::nullopt;
    }
    Polynomial position;
    for (size_t k = firstTo; k < o; ++k)
      position = position * to[k] + element.indices[k];
    SmallVector<Polynomial, 4> indices(i - firstFrom);
    size_t outermost = firstFrom;
    while (outermost < i && from[outermost].isConstant(1)) // The first that is not 1 takes what is left.
      ++outermost;
    for (size_t k = i; k-- > firstFrom;) {
      if (k <= outermost || from[k].isConstant(1)) {
        indices[k - firstFrom] = k == outermost ? position : Polynomial();
        continue;
      }
      Polynomial rest, quotient = position.divide(from[k], rest);
      std::optional<Polynomial> bound = shapes.upperBound(rest);
      if (!bound || !shapes.isNonNegative(rest) || !shapes.isNonNegative(from[k] - 1 - *bound))
        return std::nullopt;
      indices[k - firstFrom] = rest;
      position = quotient;
    }
    result.indices.append(indices);
  }
  return result;
}

std::optional<ElementOf> Elements::step(const ElementOf &element) {
  auto opResult = dyn_cast<OpResult>(element.tensor);
  if (!opResult)
    return std::nullopt;
  using Result = std::optional<ElementOf>;
  const auto &indices = element.indices;
  return llvm::TypeSwitch<Operation *, Result>(opResult.getOwner())
      .Case([&](TransposeOp op) -> Result {
        ElementOf from{op.getX(), SmallVector<Polynomial, 4>(indices.size())};
        for (auto [i, source] : llvm::enumerate(op.getPerm()))
          from.indices[source] = indices[i];
        return from;
      })
      .Case<ReshapeOp, FlattenOp>([&](Operation *op) { return regroup(element, op->getOperand(0)); })
      .Case([&](UnsqueezeOp op) -> Result {
        ElementOf from{op.getData(), {}};
        for (auto [i, index] : llvm::enumerate(indices))
          if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(i)))
            from.indices.push_back(index);
        return from;
      })
      .Case([&](SqueezeOp op) -> Result {
        ElementOf from{op.getData(), indices};
        for (int64_t axis : op.getAxes())
          from.indices.insert(from.indices.begin() + axis, Polynomial());
        return from;
      })
      .Case([&](ExpandOp op) -> Result {
        ArrayRef<Polynomial> sizes = shapes.sizes(op.getX());
        ElementOf from{op.getX(), {}};
        for (auto [size, index] : llvm::zip(sizes, ArrayRef(indices).take_back(sizes.size())))
          from.indices.push_back(size.isConstant(1) ? Polynomial() : index);
        return from;
      })
      .Case([&](TileOp op) -> Result {
        const Integers *repeats = shapes.integers(op.getRepeats());
        ElementOf from{op.getX(), indices};
        for (auto [i, size] : llvm::enumerate(shapes.sizes(op.getX()))) {
          if (size.isConstant(1)) {
            from.indices[i] = Polynomial();
          } else if (!repeats || i >= repeats->size() || !(*repeats)[i]) {
            return std::nullopt;
          } else if (!(*repeats)[i]->isConstant(1)) {
            auto divided = divide(indices[i], size);
            if (!divided)
              return std::nullopt;
            from.indices[i] = divided->second;
          }
        }
        return from;
      })
      .Case([&](CastOp op) -> Result {
        if (op.getX().getType() == op.getY().getType())
          return ElementOf{op.getX(), indices};
        return std::nullopt;
      })
      .Case([&](SliceOp op) -> Result {
        ElementOf from{op.getData(), indices};
        const Integers *starts = shapes.integers(op.getStarts());
        for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
          if (!starts || i >= starts->size() || !(*starts)[i] || op.getSteps()[i] < 1)
            return std::nullopt;
          Polynomial start = *(*starts)[i];
          if (start.constant() && *start.constant() < 0)
            start = shapes.sizes(op.getData())[axis] + start;
          if (!shapes.isNonNegative(start))
            return std::nullopt;
          from.indices[axis] = from.indices[axis] * Polynomial(op.getSteps()[i]) + start;
        }
        return from;
      })
      .Case([&](SplitOp op) -> Result {
        ElementOf from{op.getX(), indices};
        for (Value part : op.getParts().take_front(opResult.getResultNumber()))
          from.indices[op.getAxis()] = from.indices[op.getAxis()] + shapes.sizes(part)[op.getAxis()];
        return from;
      })
      .Case([&](ConcatOp op) -> Result {
        std::optional<int64_t> at = indices[op.getAxis()].constant();
        ElementOf from{{}, indices};
        for (Value input : op.getInputs()) {
          if (op.getInputs().size() == 1)
            return ElementOf{input, indices};
          std::optional<int64_t> size = shapes.sizes(input)[op.getAxis()].constant();
          if (!at || !size)
            return std::nullopt;
          if (*at < *size) {
            from.tensor = input;
            from.indices[op.getAxis()] = *at;
            return from;
          }
          *at -= *size;
        }
        return std::nullopt;
      })
      .Case([&](GatherOp op) -> Result {
        size_t axis = op.getAxis(), rank = shapes.sizes(op.getIndices()).size();
        ElementOf place{op.getIndices(), SmallVector<Polynomial, 4>(ArrayRef(indices).slice(axis, rank))};
        std::optional<Polynomial> at = integer(place);
        if (!at || !shapes.isNonNegative(*at))
          return std::nullopt;
        ElementOf from{op.getData(), SmallVector<Polynomial, 4>(ArrayRef(indices).take_front(axis))};
        from.indices.push_back(*at);
        from.indices.append(indices.begin() + axis + rank, indices.end());
        return from;
      })
      .Case([&](GatherNDOp op) -> Result {
        ArrayRef<Polynomial> sizes = shapes.sizes(op.getIndices());
        std::optional<int64_t> depth = sizes.back().constant();
        if (op.getBatchDims() != 0 || !depth)
          return std::nullopt;
        ElementOf from{op.getData(), {}};
        size_t leading = sizes.size() - 1;
        for (int64_t k = 0; k < *depth; ++k) {
          ElementOf place{op.getIndices(), SmallVector<Polynomial, 4>(ArrayRef(indices).take_front(leading))};
          place.indices.push_back(k);
          std::optional<Polynomial> at = integer(place);
          if (!at || !shapes.isNonNegative(*at))
            return std::nullopt;
          from.indices.push_back(*at);
        }
        from.indices.append(indices.begin() + leading, indices.end());
        return from;
      })
      .Case([&](ScatterElementsOp op) -> Result {
        // What is written to one place of the axis leaves the others.
        std::optional<int64_t> own = indices[op.getAxis()].constant();
        ElementOf place{op.getIndices(), {}};
        for (const Polynomial &size : shapes.sizes(op.getIndices()))
          place.indices.push_back(size.isConstant(1) ? Polynomial() : shapes.newIndex(size));
        std::optional<Polynomial> written = own ? integer(place) : std::nullopt;
        if (written && written->constant() && *written->constant() >= 0 && *written->constant() != *own)
          return ElementOf{op.getData(), indices};
        return std::nullopt;
      })
      .Case([&](ScatterNDOp op) -> Result {
        ArrayRef<Polynomial> sizes = shapes.sizes(op.getIndices());
        std::optional<int64_t> depth = sizes.back().constant();
        ElementOf place{op.getIndices(), {}};
        for (const Polynomial &size : sizes.drop_back())
          place.indices.push_back(size.isConstant(1) ? Polynomial() : shapes.newIndex(size));
        place.indices.push_back(Polynomial());
        for (int64_t k = 0; depth && k < *depth; ++k) {
          std::optional<int64_t> own = indices[k].constant();
          place.indices.back() = k;
          std::optional<Polynomial> written = own ? integer(place) : std::nullopt;
          if (written && written->constant() && *written->constant() >= 0 && *written->constant() != *own)
            return ElementOf{op.getData(), indices};
        }
        return std::nullopt;
      })
      .Case([&](TopKOp op) -> Result {
        // What was chosen, when it has a name.
        std::optional<Polynomial> at =
            opResult.getResultNumber() == 0 ? nameOf({op.getIndices(), indices}) : std::nullopt;
        if (!at)
          return std::nullopt;
        ElementOf from{op.getX(), indices};
        from.indices[op.getAxis()] = *at;
        return from;
      })
      .Default([](Operation *) -> Result { return std::nullopt; });
}

void Elements::name(const ElementOf &element, const Polynomial &value) {
  names[element.tensor].push_back({element, value});
}

std::optional<Polynomial> Elements::nameOf(const ElementOf &element) const {
  auto found = names.find(element.tensor);
  if (found == names.end())
    return std::nullopt;
  for (const auto &[place, value] : found->second)
    if (place == element)
      return value;
  return std::nullopt;
}

std::optional<std::pair<Polynomial, Polynomial>> Elements::divide(const Polynomial &index,
                                                                  const Polynomial &divisor) {
  Polynomial rest, quotient = index.divide(divisor, rest);
  std::optional<Polynomial> bound = shapes.upperBound(rest);
  if (!bound || !shapes.isNonNegative(quotient) || !shapes.isNonNegative(rest) ||
      !shapes.isNonNegative(divisor - 1 - *bound))
    return std::nullopt;
  return std::make_pair(quotient, rest);
}

ElementOf Elements::trace(ElementOf element, Value stop) {
  while (element.tensor != stop) {
    std::optional<ElementOf> before = step(element);
    if (!before)
      break;
    element = std::move(*before);
  }
  return element;
}

/// An element of a constant of integers as a function of its indices, when it is base + sum of step * index:
/// what is left of ranges whose sizes were known to the exporter.
static std::optional<Polynomial> linearElement(DenseElementsAttr dense, ArrayRef<Polynomial> indices) {
  ArrayRef<int64_t> shape = dense.getType().getShape();
  // Elements whose index is fixed in some dimensions, by how far apart they are.
  int64_t origin = 0, stride = 1;
  SmallVector<std::pair<int64_t, int64_t>, 4> free; // Stride and size.
  SmallVector<Polynomial, 4> freeIndices;
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i]) {
    if (std::optional<int64_t> at = indices[i].constant()) {
      if (*at < 0 || *at >= shape[i])
        return std::nullopt;
      origin += *at * stride;
      continue;
    }
    free.push_back({stride, shape[i]});
    freeIndices.push_back(indices[i]);
  }
  auto values = dense.getValues<APInt>();
  if (dense.isSplat())
    return Polynomial(dense.getSplatValue<APInt>().getSExtValue());
  // Unsigned, so that it wraps.
  auto valueAt = [&](int64_t place) -> uint64_t { return (*(values.begin() + place)).getSExtValue(); };
  uint64_t base = valueAt(origin);
  SmallVector<uint64_t, 4> steps;
  Polynomial result(static_cast<int64_t>(base));
  for (auto [dimension, index] : llvm::zip(free, freeIndices)) {
    steps.push_back(dimension.second > 1 ? valueAt(origin + dimension.first) - base : 0);
    result = result + index * Polynomial(static_cast<int64_t>(steps.back()));
  }
  SmallVector<int64_t, 4> at(free.size(), 0);
  uint64_t expected = base;
  for (int64_t place = origin;;) {
    if (valueAt(place) != expected)
      return std::nullopt;
    size_t d = 0;
    for (; d < free.size(); ++d) {
      place += free[d].first;
      expected += steps[d];
      if (++at[d] < free[d].second)
        break;
      place -= free[d].first * free[d].second;
      expected -= steps[d] * free[d].second;
      at[d] = 0;
    }
    if (d == free.size())
      return result;
  }
}

std::optional<Polynomial> Elements::integer(const ElementOf &element) {
  // Index arithmetic is shallow; what is not is no index.
  if (depth > 64)
    return std::nullopt;
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  ElementOf source = trace(element);
  if (std::optional<Polynomial> named = nameOf(source))
    return named;
  if (const Integers *known = shapes.integers(source.tensor)) {
    Polynomial position;
    for (auto [size, index] : llvm::zip(shapes.sizes(source.tensor), source.indices))
      position = position * size + index;
    if (known->size() == 1)
      return known->front();
    if (std::optional<int64_t> at = position.constant();
        at && *at >= 0 && *at < static_cast<int64_t>(known->size()))
      return (*known)[*at];
  }
  Operation *op = source.tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  // An operand of an elementwise op is broadcast from the right.
  auto operand = [&](Value value) {
    ArrayRef<Polynomial> sizes = shapes.sizes(value);
    ElementOf place{value, {}};
    for (auto [size, index] : llvm::zip(sizes, ArrayRef(source.indices).take_back(sizes.size())))
      place.indices.push_back(size.isConstant(1) ? Polynomial() : index);
    return integer(place);
  };
  if (auto range = dyn_cast<RangeOp>(op)) {
    std::optional<Polynomial> start = shapes.integer(range.getStart()),
                              delta = shapes.integer(range.getDelta());
    if (start && delta)
      return *start + *delta * source.indices.front();
  } else if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (dense && dense.getElementType().isSignlessInteger() && !dense.getElementType().isInteger(1) &&
        !dense.empty())
      return linearElement(dense, source.indices);
  } else if (isa<AddOp, SubOp, MulOp>(op) && getElementTypeOrSelf(op->getResult(0).getType()).isInteger()) {
    std::optional<Polynomial> a = operand(op->getOperand(0)), b = operand(op->getOperand(1));
    if (a && b)
      return isa<AddOp>(op) ? *a + *b : isa<SubOp>(op) ? *a - *b : *a * *b;
  } else if (isa<DivOp, ModOp>(op) && getElementTypeOrSelf(op->getResult(0).getType()).isInteger()) {
    // Of what is not negative, all roundings of a quotient are one.
    std::optional<Polynomial> a = operand(op->getOperand(0)), b = operand(op->getOperand(1));
    if (auto divided = a && b ? divide(*a, *b) : std::nullopt)
      return isa<DivOp>(op) ? divided->first : divided->second;
  } else if (auto cast = dyn_cast<CastOp>(op);
             cast && getElementTypeOrSelf(cast.getX().getType()).isInteger(1)) {
    const Element *condition = build({cast.getX(), source.indices});
    if (condition->isNumber(0) || condition->isNumber(1))
      return Polynomial(static_cast<int64_t>(condition->number));
  } else if (cast) {
    if (getElementTypeOrSelf(cast.getX().getType()).isInteger() &&
        !getElementTypeOrSelf(cast.getY().getType()).isInteger(1))
      return operand(cast.getX());
  }
  return std::nullopt;
}
