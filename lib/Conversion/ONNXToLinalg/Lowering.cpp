//===- Lowering.cpp - What the lowerings of onnx ops share ----------------------------------------===//
#include "Lowering.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis::onnx;

Type tamis::onnx::signless(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.clone(signless(tensor.getElementType()));
  auto integer = dyn_cast<IntegerType>(type);
  if (integer && integer.getWidth() == 4) // A byte each in memory.
    return IntegerType::get(type.getContext(), 8);
  return integer && !integer.isSignless() ? IntegerType::get(type.getContext(), integer.getWidth()) : type;
}

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

static SymbolicShapes &shapesOf(Operation *op, LoweringState &state) {
  auto function = op->getParentOfType<func::FuncOp>();
  std::unique_ptr<SymbolicShapes> &shapes = state.shapes[function];
  assert(shapes && "made by the pass before anything is lowered");
  return *shapes;
}

Lowering::Lowering(Operation *op, ValueRange operands, OpBuilder &builder, LoweringState &state)
    : ScalarBuilder(op->getLoc(), builder), op(op), state(state), shapes(shapesOf(op, state)) {
  for (auto [original, converted] : llvm::zip_equal(op->getOperands(), operands)) {
    auto &known = symbolic[converted];
    for (const Polynomial &size : shapes.sizes(original))
      known.push_back(size);
  }
}

RankedTensorType Lowering::resultType(unsigned i) const {
  return cast<RankedTensorType>(signless(op->getResult(i).getType()));
}

bool Lowering::isUnsigned(unsigned operand) const {
  return getElementTypeOrSelf(op->getOperand(operand).getType()).isUnsignedInteger();
}

//===- Sizes -------------------------------------------------------------------------------------===//

bool Size::provablyEquals(const Size &other) const {
  return isEqualConstantIntOrValue(value, other.value) || symbolic == other.symbolic;
}

Size Lowering::size(Value tensor, int64_t i) {
  RankedTensorType type = typeOf(tensor);
  if (!type.isDynamicDim(i))
    return size(type.getDimSize(i));
  auto &known = symbolic[tensor];
  for (int64_t j = known.size(); j < type.getRank(); ++j)
    known.push_back(type.isDynamicDim(j) ? shapes.newIndex(Polynomial(0)) : Polynomial(type.getDimSize(j)));
  Polynomial polynomial = known[i];
  if (std::optional<int64_t> constant = polynomial.constant())
    return size(*constant);
  return {createOrFold<tensor::DimOp>(tensor, i), polynomial};
}

SmallVector<Size, 4> Lowering::sizes(Value tensor) {
  SmallVector<Size, 4> result;
  for (int64_t i = 0; i < typeOf(tensor).getRank(); ++i)
    result.push_back(size(tensor, i));
  return result;
}

Size Lowering::size(Value index, std::optional<Polynomial> known) {
  if (known)
    if (std::optional<int64_t> constant = known->constant())
      return size(*constant);
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return size(*constant);
  return {index, known ? *known : shapes.newIndex(Polynomial(0))};
}

Value Lowering::value(const Size &size) {
  if (std::optional<int64_t> constant = size.constant())
    return index(*constant);
  return cast<Value>(size.value);
}

Size Lowering::productSize(ArrayRef<Size> factors) {
  Size result = size(1);
  for (const Size &factor : factors) {
    result = size(mul(value(result), value(factor)), result.symbolic * factor.symbolic);
  }
  return result;
}

Value Lowering::product(ArrayRef<Size> factors) { return value(productSize(factors)); }

Value Lowering::known(Value tensor, ArrayRef<Size> sizes) {
  auto &known = symbolic[tensor];
  known.clear();
  for (const Size &size : sizes)
    known.push_back(size.symbolic);
  return tensor;
}

//===- Checks ------------------------------------------------------------------------------------===//

void Lowering::check(Value condition, StringRef reason) {
  if (getConstantIntValue(condition).value_or(0) != 0)
    return;
  ++state.checks;
  rt::CheckOp::create(*this, getLoc(), condition, getStringAttr(reason));
}

void Lowering::checkEqual(const Size &a, const Size &b, StringRef reason) {
  if (!a.provablyEquals(b))
    check(compare(Compare::Equal, value(a), value(b)), reason);
}

Value Lowering::checkedIndex(Value at, Value size) {
  at = toIndex(at);
  Value zero = index(0);
  at = select(compare(Compare::Less, at, zero), add(at, size), at);
  check(logicalAnd(compare(Compare::GreaterOrEqual, at, zero), compare(Compare::Less, at, size)),
        "an index is out of range");
  return at;
}

void Lowering::checkIndices(Value indices, Value size) {
  if (isSmall(indices.getType())) {
    for (Value element : elements(indices))
      checkedIndex(element, size);
    return;
  }
  Value end = toInteger(size, getI64Type());
  Value begin = neg(end);
  checkElements(
      indices,
      [&](ScalarBuilder &b, ValueRange args) {
        Value at = b.toInteger(args[0], b.getI64Type());
        return b.logicalAnd(b.compare(Compare::GreaterOrEqual, at, begin), b.compare(Compare::Less, at, end));
      },
      "an index is out of range");
}

void Lowering::checkElements(Value tensor, ScalarFn holds, StringRef reason) {
  if (isSmall(tensor.getType())) {
    for (Value element : elements(tensor))
      check(holds(*this, element), reason);
    return;
  }
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(tensor).getRank()));
  Value all = reduce(tensor, axes, boolean(true), [&](ScalarBuilder &b, ValueRange args) {
    return b.logicalAnd(holds(b, args[0]), args[1]);
  });
  check(extract(all), reason);
}

void Lowering::checkCount(Value count) {
  check(logicalAnd(compare(Compare::GreaterOrEqual, count, index(0)),
                   compare(Compare::LessOrEqual, count, index(int64_t(1) << 40))),
        "the shape is negative or larger than any memory");
}

//===- Tensors -----------------------------------------------------------------------------------===//

Value Lowering::empty(ArrayRef<Size> sizes, Type element) {
  SmallVector<OpFoldResult> values;
  for (const Size &size : sizes)
    values.push_back(size.value);
  Value result = tensor::EmptyOp::create(*this, getLoc(), values, element);
  return known(result, sizes);
}

Value Lowering::filled(ArrayRef<Size> sizes, Value scalar) {
  Value init = empty(sizes, scalar.getType());
  return known(linalg::FillOp::create(*this, getLoc(), scalar, init).getResult(0), sizes);
}

Value Lowering::extract(Value tensor, ValueRange indices) {
  return createOrFold<tensor::ExtractOp>(tensor, indices);
}

Value Lowering::onlyElement(Value tensor) {
  SmallVector<Size, 4> all = sizes(tensor);
  for (const Size &each : all)
    checkEqual(each, size(1), "a tensor of one element is expected");
  return extract(tensor, SmallVector<Value>(all.size(), index(0)));
}

SmallVector<Value> Lowering::elements(Value tensor) {
  RankedTensorType type = typeOf(tensor);
  SmallVector<Value> result;
  SmallVector<int64_t> basis = computeSuffixProduct(type.getShape());
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    SmallVector<Value> indices;
    for (int64_t at : delinearize(i, basis))
      indices.push_back(index(at));
    result.push_back(extract(tensor, indices));
  }
  return result;
}

Value Lowering::fromElements(RankedTensorType type, ValueRange elements) {
  if (elements.empty())
    return empty(SmallVector<Size>(type.getRank(), size(0)), type.getElementType());
  return createOrFold<tensor::FromElementsOp>(type, elements);
}

bool Lowering::isSmall(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (!tensor.hasStaticShape() || tensor.getRank() > 1)
    return false;
  int64_t count = tensor.getNumElements();
  return count == 1 || (count <= 8 && tensor.getElementType().isInteger());
}

Value Lowering::generic(ValueRange inputs, ArrayRef<AffineMap> maps, ArrayRef<Size> sizes, Type element,
                        ScalarFn compute) {
  SmallVector<AffineMap> all(maps);
  all.push_back(identity(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(), utils::IteratorType::parallel);
  Value init = empty(sizes, element);
  auto op =
      linalg::GenericOp::create(*this, getLoc(), init.getType(), inputs, init, all, iterators,
                                [&](OpBuilder &b, Location loc, ValueRange args) {
                                  ScalarBuilder scalars(loc, b);
                                  linalg::YieldOp::create(scalars, loc, compute(scalars, args.drop_back()));
                                });
  return known(op.getResult(0), sizes);
}

Value Lowering::map(ValueRange inputs, Type element, ScalarFn compute) {
  SmallVector<Size, 4> all = sizes(inputs.front());
  SmallVector<AffineMap> maps(inputs.size(), identity(all.size()));
  return generic(inputs, maps, all, element, compute);
}

Value Lowering::reduce(Value x, Axes axes, Value init, ScalarFn compute) {
  SmallVector<Size, 4> from = sizes(x), to;
  SmallVector<utils::IteratorType> iterators(from.size(), utils::IteratorType::parallel);
  for (auto [i, size] : llvm::enumerate(from)) {
    if (llvm::is_contained(axes, static_cast<int64_t>(i)))
      iterators[i] = utils::IteratorType::reduction;
    else
      to.push_back(size);
  }
  Value start = filled(to, init);
  AffineMap maps[] = {identity(from.size()), without(axes, from.size())};
  auto op = linalg::GenericOp::create(*this, getLoc(), start.getType(), x, start, maps, iterators,
                                      [&](OpBuilder &b, Location loc, ValueRange args) {
                                        ScalarBuilder scalars(loc, b);
                                        linalg::YieldOp::create(scalars, loc, compute(scalars, args));
                                      });
  return known(op.getResult(0), to);
}

AffineMap Lowering::without(Axes axes, unsigned rank) {
  SmallVector<AffineExpr> results;
  for (unsigned i = 0; i < rank; ++i)
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      results.push_back(getAffineDimExpr(i));
  return AffineMap::get(rank, 0, results, getContext());
}

Value Lowering::transpose(Value x, Axes permutation) {
  SmallVector<Size, 4> from = sizes(x), to;
  SmallVector<AffineExpr> source(permutation.size());
  for (auto [i, axis] : llvm::enumerate(permutation)) {
    to.push_back(from[axis]);
    source[axis] = getAffineDimExpr(i);
  }
  return generic(x, AffineMap::get(from.size(), 0, source, getContext()), to, typeOf(x).getElementType(),
                 [](ScalarBuilder &, ValueRange args) { return args[0]; });
}

Value Lowering::convertElements(Value x, Type to) {
  if (typeOf(x).getElementType() == to)
    return x;
  return map(x, to, [&](ScalarBuilder &b, ValueRange args) { return b.convert(args[0], to); });
}

SmallVector<Value>
Lowering::loops(ArrayRef<Value> counts, ValueRange carried,
                function_ref<SmallVector<Value>(ScalarBuilder &, ValueRange, ValueRange)> body) {
  if (counts.empty())
    return body(*this, {}, carried);
  SmallVector<Value> begins(counts.size(), index(0)), steps(counts.size(), index(1));
  scf::LoopNest nest = scf::buildLoopNest(
      *this, getLoc(), begins, counts, steps, carried,
      [&](OpBuilder &b, Location loc, ValueRange indices, ValueRange values) -> scf::ValueVector {
        ScalarBuilder scalars(loc, b);
        SmallVector<Value> results = body(scalars, indices, values);
        return {results.begin(), results.end()};
      });
  return {nest.results.begin(), nest.results.end()};
}

//===- Views -------------------------------------------------------------------------------------===//

Value Lowering::insertUnitDims(Value x, Axes positions) {
  SmallVector<Size, 4> from = sizes(x);
  SmallVector<Size> to(from.begin(), from.end());
  for (int64_t position : positions)
    to.insert(to.begin() + position, size(1));
  return reshape(x, to);
}

Value Lowering::dropUnitDims(Value x, Axes positions) {
  SmallVector<Size> to;
  for (auto [i, size] : llvm::enumerate(sizes(x)))
    if (!llvm::is_contained(positions, static_cast<int64_t>(i)))
      to.push_back(size);
  return reshape(x, to);
}

Value Lowering::slice(Value x, ArrayRef<Size> offsets, ArrayRef<Size> lengths, Axes strides) {
  // What is statically empty has no valid offset.
  if (llvm::any_of(lengths, [](const Size &length) { return length.constant() == 0; }) ||
      llvm::is_contained(typeOf(x).getShape(), 0))
    return empty(lengths, typeOf(x).getElementType());
  SmallVector<OpFoldResult> begins, counts, steps;
  for (auto [offset, length, stride] : llvm::zip_equal(offsets, lengths, strides)) {
    begins.push_back(offset.value);
    counts.push_back(length.value);
    steps.push_back(getIndexAttr(stride));
  }
  return known(createOrFold<tensor::ExtractSliceOp>(x, begins, counts, steps), lengths);
}

Value Lowering::castTo(Value x, RankedTensorType type) {
  RankedTensorType from = typeOf(x);
  if (from == type)
    return x;
  assert(from.getRank() == type.getRank() && from.getElementType() == type.getElementType() &&
         "a lowering gives the rank and element type of the op's result");
  SmallVector<Size, 4> actual = sizes(x);
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (from.isDynamicDim(i) && !type.isDynamicDim(i))
      checkEqual(actual[i], size(type.getDimSize(i)), "a size is not the one that the model declares");
  return known(tensor::CastOp::create(*this, getLoc(), type, x), actual);
}
