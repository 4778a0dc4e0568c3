//===- SymbolicShapes.cpp - Sizes of tensors as functions of the arguments' sizes --------------------===//
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"

#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

using Sizes = SmallVector<Polynomial, 4>;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

SymbolicShapes::SymbolicShapes(func::FuncOp function) {
  llvm::StringMap<Polynomial> named;
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    auto names = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "onnx.dims");
    Sizes sizes;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      StringRef name;
      if (names && i < static_cast<int64_t>(names.size()))
        if (auto text = dyn_cast<StringAttr>(names[i]))
          name = text.getValue();
      if (!type.isDynamicDim(i))
        sizes.push_back(type.getDimSize(i));
      else if (name.empty())
        sizes.push_back(newSymbol());
      else if (auto known = named.find(name); known != named.end())
        sizes.push_back(known->second);
      else
        sizes.push_back(named.try_emplace(name, newSymbol()).first->second);
    }
    for (auto [i, size] : llvm::enumerate(sizes))
      if (!size.constant())
        sources.try_emplace(size.getTerms().front().symbols.front(), std::make_pair(argument, i));
    sizesOf[argument] = std::make_unique<Sizes>(std::move(sizes));
  }
  function.walk<WalkOrder::PreOrder>([&](Operation *op) { analyse(op); });
}

Polynomial SymbolicShapes::newSymbol() {
  extents.push_back(std::nullopt);
  return Polynomial::symbol(extents.size() - 1);
}

bool SymbolicShapes::isClamped(const Polynomial &size, const Polynomial &limit) const {
  ArrayRef<Polynomial::Term> terms = size.getTerms();
  if (terms.size() != 1 || terms.front().coefficient != 1 || terms.front().symbols.size() != 1)
    return false;
  auto found = limits.find(terms.front().symbols.front());
  return found != limits.end() && *found->second == limit;
}

Polynomial SymbolicShapes::newIndex(const Polynomial &extent) {
  extents.push_back(extent);
  return Polynomial::symbol(extents.size() - 1);
}

std::optional<std::pair<BlockArgument, unsigned>> SymbolicShapes::source(const Polynomial &size) const {
  ArrayRef<Polynomial::Term> terms = size.getTerms();
  if (terms.size() != 1 || terms.front().coefficient != 1 || terms.front().symbols.size() != 1)
    return std::nullopt;
  auto found = sources.find(terms.front().symbols.front());
  return found == sources.end() ? std::nullopt : std::make_optional(found->second);
}

std::optional<Polynomial> SymbolicShapes::upperBound(const Polynomial &value) const {
  Polynomial bound = value;
  for (const Polynomial::Term &term : value.getTerms()) {
    for (Polynomial::Symbol symbol : term.symbols) {
      if (!extents[symbol])
        continue;
      if (term.coefficient < 0)
        return std::nullopt;
      bound = bound.substitute(symbol, *extents[symbol] - 1);
    }
  }
  return bound;
}

bool SymbolicShapes::isNonNegative(const Polynomial &value) const {
  // An index takes its largest value where its factor is negative; one that occurs with both signs is left
  // alone.
  Polynomial bound = value;
  for (const Polynomial::Term &term : value.getTerms()) {
    if (term.coefficient > 0)
      continue;
    for (Polynomial::Symbol symbol : term.symbols) {
      bool positive = llvm::any_of(value.getTerms(), [&](const Polynomial::Term &other) {
        return other.coefficient > 0 && llvm::is_contained(other.symbols, symbol);
      });
      if (extents[symbol] && !positive)
        bound = bound.substitute(symbol, *extents[symbol] - 1);
    }
  }
  return bound.isTriviallyNonNegative();
}

ArrayRef<Polynomial> SymbolicShapes::sizes(Value tensor) {
  auto known = sizesOf.find(tensor);
  if (known == sizesOf.end()) {
    if (Operation *op = tensor.getDefiningOp())
      analyse(op);
    if ((known = sizesOf.find(tensor)) == sizesOf.end()) {
      Sizes fresh;
      for (int64_t size : typeOf(tensor).getShape())
        fresh.push_back(ShapedType::isDynamic(size) ? newSymbol() : Polynomial(size));
      known = sizesOf.try_emplace(tensor, std::make_unique<Sizes>(std::move(fresh))).first;
    }
  }
  return *known->second;
}

const Integers *SymbolicShapes::integers(Value tensor) {
  (void)sizes(tensor); // Analyses the op when it is new.
  auto known = integersOf.find(tensor);
  return known == integersOf.end() ? nullptr : known->second.get();
}

std::optional<Polynomial> SymbolicShapes::integer(Value tensor) {
  const Integers *elements = integers(tensor);
  return elements && elements->size() == 1 ? elements->front() : std::nullopt;
}

void SymbolicShapes::analyse(Operation *op) {
  for (OpResult result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    Sizes found = resultSizes(result);
    Sizes sizes;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i))
        sizes.push_back(type.getDimSize(i));
      else if (i < static_cast<int64_t>(found.size()))
        sizes.push_back(found[i]);
      else
        sizes.push_back(newSymbol());
    }
    sizesOf[result] = std::make_unique<Sizes>(std::move(sizes));
  }
  if (op->getNumResults() != 1)
    return;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (type && type.getElementType().isInteger() && (!type.hasStaticShape() || type.getNumElements() <= 64))
    if (std::optional<Integers> found = resultIntegers(op))
      integersOf[op->getResult(0)] = std::make_unique<Integers>(std::move(*found));
}

Sizes SymbolicShapes::broadcast(ValueRange operands, unsigned rank) {
  Sizes result(rank, Polynomial(1));
  for (Value operand : operands) {
    Sizes from(sizes(operand));
    unsigned offset = rank - std::min<size_t>(rank, from.size());
    for (unsigned i = 0; i + offset < rank; ++i) {
      Polynomial &to = result[i + offset];
      if (from[i].isConstant(1) || to == from[i])
        continue;
      if (to.isConstant(1) || from[i].constant() || isClamped(to, from[i]))
        to = from[i];
      else if (isClamped(from[i], to))
        continue;
      else if (!to.constant())
        to = newSymbol(); // Either may be 1 at run time.
    }
  }
  return result;
}

/// Elementwise with numpy's broadcasting.
static bool isBroadcasting(Operation *op) {
  return isa<AddOp, MulOp, MaxOp, MinOp, AndOp, OrOp, XorOp, SubOp, DivOp, PowOp, PReluOp, ModOp, EqualOp,
             GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp, WhereOp>(op);
}

/// Ops whose result has the sizes of their first operand.
static bool keepsSizes(Operation *op) {
  return op->hasTrait<OpTrait::SameOperandsAndResultShape>() ||
         isa<LayerNormalizationOp, RMSNormalizationOp, ClipOp, CumSumOp, TriluOp, RotaryEmbeddingOp,
             ScatterElementsOp, ScatterNDOp, QuantizeLinearOp, DequantizeLinearOp, nn::LayerNormOp,
             nn::RMSNormOp>(op);
}

Sizes SymbolicShapes::resultSizes(OpResult result) {
  Operation *op = result.getOwner();
  auto type = typeOf(result);
  unsigned rank = type.getRank();
  if (isBroadcasting(op))
    return broadcast(op->getOperands(), rank);
  if (op->getNumOperands() > 0 && keepsSizes(op))
    return Sizes(sizes(op->getOperand(0)));
  auto reduced = [&](Value data, ArrayRef<int64_t> axes, bool keep) {
    Sizes from(sizes(data)), to;
    for (auto [i, size] : llvm::enumerate(from)) {
      if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
        to.push_back(size);
      else if (keep)
        to.push_back(1);
    }
    return to;
  };
  auto fromIntegers = [&](Value shape) {
    const Integers *elements = integers(shape);
    Sizes to;
    for (unsigned i = 0; i < rank; ++i)
      to.push_back(elements && i < elements->size() && (*elements)[i] ? *(*elements)[i] : newSymbol());
    return to;
  };
  return llvm::TypeSwitch<Operation *, Sizes>(op)
      .Case([&](TransposeOp transpose) {
        Sizes from(sizes(transpose.getX())), to;
        for (int64_t source : transpose.getPerm())
          to.push_back(from[source]);
        return to;
      })
      .Case([&](UnsqueezeOp unsqueeze) {
        Sizes from(sizes(unsqueeze.getData()));
        for (int64_t axis : unsqueeze.getAxes())
          from.insert(from.begin() + std::min<size_t>(axis, from.size()), Polynomial(1));
        return from;
      })
      .Case([&](SqueezeOp squeeze) { return reduced(squeeze.getData(), squeeze.getAxes(), false); })
      .Case([&](FlattenOp flatten) {
        Sizes to(2, Polynomial(1));
        for (auto [i, size] : llvm::enumerate(Sizes(sizes(flatten.getX())))) {
          Polynomial &side = to[i < static_cast<size_t>(flatten.getAxis()) ? 0 : 1];
          side = side * size;
        }
        return to;
      })
      .Case([&](ReshapeOp reshape) {
        Sizes from(sizes(reshape.getData())), to = fromIntegers(reshape.getShape());
        Polynomial total(1), others(1);
        for (const Polynomial &size : from)
          total = total * size;
        std::optional<unsigned> inferred;
        for (unsigned i = 0; i < rank; ++i) {
          if (to[i].isConstant(0) && !reshape.getAllowzero() && i < from.size())
            to[i] = from[i];
          if (to[i].isConstant(-1))
            inferred = i;
          else
            others = others * to[i];
        }
        if (inferred) {
          std::optional<Polynomial> size = total.divideExactly(others);
          to[*inferred] = size ? *size : newSymbol();
        }
        return to;
      })
      .Case([&](ExpandOp expand) {
        Sizes from(sizes(expand.getX())), to = fromIntegers(expand.getShape());
        to.insert(to.begin(), rank - std::min<size_t>(rank, to.size()), Polynomial(1));
        for (unsigned i = 0, offset = rank - from.size(); i < from.size(); ++i)
          if (to[i + offset].isConstant(1))
            to[i + offset] = from[i];
        return to;
      })
      .Case([&](TopKOp topK) {
        Sizes to(sizes(topK.getX()));
        std::optional<Polynomial> k = integer(topK.getK());
        to[topK.getAxis()] = k ? *k : newSymbol();
        return to;
      })
      .Case([&](TileOp tile) {
        Sizes to(sizes(tile.getX()));
        const Integers *repeats = integers(tile.getRepeats());
        if (!repeats || repeats->size() != to.size())
          return Sizes{};
        for (auto [size, repeat] : llvm::zip(to, *repeats)) {
          if (!repeat)
            return Sizes{};
          size = size * *repeat;
        }
        return to;
      })
      .Case([&](ConstantOfShapeOp constant) { return fromIntegers(constant.getShape()); })
      .Case([&](RangeOp range) {
        std::optional<Polynomial> start = integer(range.getStart()), limit = integer(range.getLimit()),
                                  delta = integer(range.getDelta());
        if (start && limit && delta && delta->isConstant(1) && isNonNegative(*limit - *start))
          return Sizes{*limit - *start};
        return Sizes{};
      })
      .Case([&](ConcatOp concat) {
        Sizes to(sizes(concat.getInputs().front()));
        for (Value input : llvm::drop_begin(concat.getInputs()))
          to[concat.getAxis()] = to[concat.getAxis()] + sizes(input)[concat.getAxis()];
        return to;
      })
      .Case([&](SplitOp split) {
        Sizes to(sizes(split.getX()));
        const Integers *parts = split.getSizes() ? integers(split.getSizes()) : nullptr;
        Polynomial &size = to[split.getAxis()];
        std::optional<Polynomial> even = size.divideExactly(static_cast<int64_t>(op->getNumResults()));
        if (parts && result.getResultNumber() < parts->size() && (*parts)[result.getResultNumber()])
          size = *(*parts)[result.getResultNumber()];
        else
          size = !split.getSizes() && even ? *even : newSymbol();
        return to;
      })
      .Case([&](SliceOp slice) {
        Sizes to(sizes(slice.getData()));
        const Integers *starts = integers(slice.getStarts()), *ends = integers(slice.getEnds());
        for (auto [i, axis] : llvm::enumerate(slice.getAxes())) {
          Polynomial from = to[axis];
          to[axis] = newSymbol();
          if (!starts || !ends || i >= starts->size() || i >= ends->size() || !(*starts)[i] || !(*ends)[i] ||
              slice.getSteps()[i] != 1)
            continue;
          auto bound = [&](Polynomial at) { return at.constant() && *at.constant() < 0 ? from + at : at; };
          Polynomial begin = bound(*(*starts)[i]), end = bound(*(*ends)[i]);
          if (end.constant() && *end.constant() >= (int64_t(1) << 31))
            end = from;
          // The end is clamped to the size; only what is proven to lie within is taken.
          if (isNonNegative(begin) && isNonNegative(end - begin) && isNonNegative(from - end))
            to[axis] = end - begin;
          else if (begin.isConstant(0) && isNonNegative(end) && from.constant().value_or(0) > 1)
            limits[to[axis].getTerms().front().symbols.front()] = std::make_unique<Polynomial>(end);
        }
        return to;
      })
      .Case([&](GatherOp gather) {
        Sizes data(sizes(gather.getData())), to(data.begin(), data.begin() + gather.getAxis());
        llvm::append_range(to, Sizes(sizes(gather.getIndices())));
        to.append(data.begin() + gather.getAxis() + 1, data.end());
        return to;
      })
      .Case([&](GatherElementsOp gather) { return Sizes(sizes(gather.getIndices())); })
      .Case([&](OneHotOp oneHot) {
        Sizes to(sizes(oneHot.getIndices()));
        std::optional<Polynomial> depth = integer(oneHot.getDepth());
        to.insert(to.begin() + oneHot.getAxis(), depth ? *depth : newSymbol());
        return to;
      })
      .Case([&](GatherNDOp gather) {
        Sizes data(sizes(gather.getData())), to(sizes(gather.getIndices()));
        std::optional<int64_t> depth = to.back().constant();
        to.pop_back();
        if (!depth || *depth < 0 || gather.getBatchDims() + static_cast<size_t>(*depth) > data.size())
          return Sizes{};
        to.append(data.begin() + gather.getBatchDims() + *depth, data.end());
        return to;
      })
      .Case<MatMulOp, MatMulIntegerOp>([&](auto matmul) {
        Sizes a(sizes(matmul.getA())), b(sizes(matmul.getB()));
        if (a.size() < 2 || b.size() < 2)
          return Sizes{};
        Polynomial rows = a[a.size() - 2], columns = b.back();
        if (b.size() == 2) {
          a.back() = columns;
          return a;
        }
        Sizes to(rank - 2, Polynomial(1));
        for (const Sizes &from : {a, b}) {
          for (size_t i = 0; i + 2 < from.size(); ++i) {
            Polynomial &size = to[i + rank - from.size()];
            if (size.isConstant(1) || (from[i].constant() && !from[i].isConstant(1)))
              size = from[i];
            else if (!from[i].isConstant(1) && !(size == from[i]) && !size.constant())
              size = newSymbol();
          }
        }
        to.append({rows, columns});
        return to;
      })
      .Case([&](EinsumOp einsum) {
        auto [operands, output] = einsum.getEquation().split("->");
        llvm::SmallDenseMap<char, Polynomial> known;
        SmallVector<StringRef, 3> letters;
        operands.split(letters, ',');
        for (auto [own, input] : llvm::zip(letters, einsum.getInputs()))
          for (auto [letter, size] : llvm::zip(own, Sizes(sizes(input))))
            if (auto [found, isNew] = known.try_emplace(letter, size); !isNew && found->second.isConstant(1))
              found->second = size;
        Sizes to;
        for (char letter : output)
          to.push_back(known.lookup(letter));
        return to;
      })
      .Case([&](GemmOp gemm) {
        return Sizes{sizes(gemm.getA())[gemm.getTransA() ? 1 : 0],
                     sizes(gemm.getB())[gemm.getTransB() ? 0 : 1]};
      })
      .Case([&](DynamicQuantizeLinearOp quantize) {
        return result.getResultNumber() == 0 ? Sizes(sizes(quantize.getX())) : Sizes{};
      })
      .Case<ReduceSumOp, ReduceMeanOp, ReduceMaxOp, ReduceMinOp, ReduceProdOp, ReduceL2Op, ReduceSumSquareOp>(
          [&](auto reduce) { return reduced(reduce.getData(), reduce.getAxes(), reduce.getKeepdims()); })
      .Case<ArgMaxOp, ArgMinOp>([&](auto reduce) {
        return reduced(reduce.getData(), {static_cast<int64_t>(reduce.getAxis())}, reduce.getKeepdims());
      })
      .Case([&](onnx::AttentionOp attention) {
        Sizes to(sizes(attention.getQ()));
        if (to.size() == 4)
          to.back() = sizes(attention.getV()).back();
        else
          to.back() = newSymbol();
        return to;
      })
      .Default([&](Operation *) { return layerSizes(result); });
}

/// The elements of a constant, when it is small enough.
static std::optional<Integers> constantIntegers(ElementsAttr value) {
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense || dense.getNumElements() > 64)
    return std::nullopt;
  Integers result;
  for (const APInt &element : dense.getValues<APInt>())
    result.push_back(Polynomial(element.getBitWidth() == 1 ? static_cast<int64_t>(element.getZExtValue())
                                                           : element.getSExtValue()));
  return result;
}

std::optional<Integers> SymbolicShapes::resultIntegers(Operation *op) {
  using Element = std::optional<Polynomial>;
  // Elementwise, each operand with as many elements as the result or with one.
  auto each = [&](function_ref<Element(ArrayRef<Polynomial>)> compute) -> std::optional<Integers> {
    SmallVector<const Integers *, 3> operands;
    size_t count = 1;
    for (Value operand : op->getOperands()) {
      operands.push_back(integers(operand));
      if (!operands.back())
        return std::nullopt;
      if (operands.back()->size() != 1)
        count = operands.back()->size();
    }
    Integers result;
    for (size_t i = 0; i < count; ++i) {
      SmallVector<Polynomial, 3> values;
      for (const Integers *operand : operands) {
        if (operand->size() != 1 && operand->size() != count)
          return std::nullopt;
        if (const Element &element = (*operand)[operand->size() == 1 ? 0 : i])
          values.push_back(*element);
      }
      result.push_back(values.size() == operands.size() ? compute(values) : Element());
    }
    return result;
  };
  auto copy = [&](Value from) -> std::optional<Integers> {
    if (const Integers *elements = integers(from))
      return *elements;
    return std::nullopt;
  };
  auto compare = [&](const Polynomial &a, const Polynomial &b) -> std::optional<int> {
    if (a == b)
      return 0;
    if (isNonNegative(a - b - 1))
      return 1;
    if (isNonNegative(b - a - 1))
      return -1;
    return std::nullopt;
  };
  return llvm::TypeSwitch<Operation *, std::optional<Integers>>(op)
      .Case([&](ConstantOp constant) { return constantIntegers(constant.getValue()); })
      .Case([&](ShapeOp shape) {
        Integers result;
        for (const Polynomial &size :
             sizes(shape.getX()).slice(shape.getStart(), shape.getEnd() - shape.getStart()))
          result.push_back(size);
        return result;
      })
      .Case([&](SizeOp size) {
        Polynomial total(1);
        for (const Polynomial &factor : sizes(size.getX()))
          total = total * factor;
        return Integers{total};
      })
      .Case([&](CastOp cast) -> std::optional<Integers> {
        if (typeOf(cast.getX()).getElementType().isInteger(1) ||
            !typeOf(cast.getY()).getElementType().isInteger(1))
          return copy(cast.getX());
        return std::nullopt;
      })
      .Case<UnsqueezeOp, SqueezeOp, ReshapeOp, FlattenOp>([&](auto) { return copy(op->getOperand(0)); })
      .Case([&](ConcatOp concat) -> std::optional<Integers> {
        if (typeOf(concat.getY()).getRank() != 1)
          return std::nullopt;
        Integers result;
        for (Value input : concat.getInputs()) {
          if (const Integers *elements = integers(input))
            llvm::append_range(result, *elements);
          else if (typeOf(input).hasStaticShape())
            result.append(typeOf(input).getNumElements(), std::nullopt);
          else
            return std::nullopt;
        }
        return result;
      })
      .Case([&](GatherOp gather) -> std::optional<Integers> {
        const Integers *data = integers(gather.getData()), *places = integers(gather.getIndices());
        if (!data || !places || typeOf(gather.getData()).getRank() != 1)
          return std::nullopt;
        Integers result;
        for (const Element &place : *places) {
          std::optional<int64_t> at = place ? place->constant() : std::nullopt;
          if (at && *at < 0)
            *at += data->size();
          bool inside = at && *at >= 0 && *at < static_cast<int64_t>(data->size());
          result.push_back(inside ? (*data)[*at] : std::nullopt);
        }
        return result;
      })
      .Case([&](SliceOp slice) -> std::optional<Integers> {
        const Integers *data = integers(slice.getData());
        std::optional<Polynomial> start = integer(slice.getStarts()), end = integer(slice.getEnds());
        if (!data || !start || !end || !start->constant() || !end->constant() ||
            typeOf(slice.getData()).getRank() != 1 || slice.getSteps()[0] != 1)
          return std::nullopt;
        int64_t size = data->size();
        auto clamp = [&](int64_t at) {
          return std::clamp<int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
        };
        int64_t from = clamp(*start->constant()), to = std::max(from, clamp(*end->constant()));
        return Integers(data->begin() + from, data->begin() + to);
      })
      .Case([&](ConstantOfShapeOp constant) -> std::optional<Integers> {
        int64_t count = 1;
        for (const Polynomial &size : sizes(constant.getY())) {
          if (!size.constant() || *size.constant() < 0 || *size.constant() > 64)
            return std::nullopt;
          count *= *size.constant();
          if (count > 64)
            return std::nullopt;
        }
        std::optional<Integers> value = constantIntegers(constant.getValue());
        if (!value || value->empty())
          return std::nullopt;
        return Integers(count, value->front());
      })
      .Case([&](ReduceProdOp reduce) -> std::optional<Integers> {
        const Integers *data = integers(reduce.getData());
        if (!data || typeOf(reduce.getData()).getRank() != 1 || reduce.getAxes().size() != 1)
          return std::nullopt;
        Polynomial product(1);
        for (const Element &element : *data) {
          if (!element)
            return std::nullopt;
          product = product * *element;
        }
        return Integers{product};
      })
      .Case([&](AddOp) { return each([](ArrayRef<Polynomial> x) -> Element { return x[0] + x[1]; }); })
      .Case([&](SubOp) { return each([](ArrayRef<Polynomial> x) -> Element { return x[0] - x[1]; }); })
      .Case([&](MulOp) { return each([](ArrayRef<Polynomial> x) -> Element { return x[0] * x[1]; }); })
      .Case([&](DivOp) {
        return each([](ArrayRef<Polynomial> x) -> Element {
          if (x[0].constant() && x[1].constant() && *x[0].constant() >= 0 && *x[1].constant() > 0)
            return Polynomial(*x[0].constant() / *x[1].constant());
          return x[1].isConstant(0) ? Element() : x[0].divideExactly(x[1]);
        });
      })
      .Case([&](EqualOp) {
        return each([&](ArrayRef<Polynomial> x) -> Element {
          std::optional<int> order = compare(x[0], x[1]);
          return order ? Element(Polynomial(*order == 0)) : Element();
        });
      })
      .Case([&](MaxOp) {
        return each([&](ArrayRef<Polynomial> x) -> Element {
          std::optional<int> order = compare(x[0], x[1]);
          return order ? Element(*order >= 0 ? x[0] : x[1]) : Element();
        });
      })
      .Case([&](MinOp) {
        return each([&](ArrayRef<Polynomial> x) -> Element {
          std::optional<int> order = compare(x[0], x[1]);
          return order ? Element(*order <= 0 ? x[0] : x[1]) : Element();
        });
      })
      .Case([&](WhereOp) -> std::optional<Integers> {
        return each([](ArrayRef<Polynomial> x) -> Element {
          return x[0].constant() ? Element(*x[0].constant() ? x[1] : x[2]) : Element();
        });
      })
      .Default([](Operation *) -> std::optional<Integers> { return std::nullopt; });
}
