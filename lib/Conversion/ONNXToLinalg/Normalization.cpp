//===- Normalization.cpp - Lowerings of softmax and normalisations --------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// Along `axis`: the maximum, and the sum of exp(x - maximum), each without that dimension; and these
/// exponentials. In f32 for narrower floats.
static void exponentials(Lowering &l, Value x, int64_t axis, bool finite, Value &maximum, Value &terms,
                         Value &sum) {
  Type wide = computeType(typeOf(x).getElementType());
  unsigned rank = typeOf(x).getRank();
  maximum = l.reduce(x, axis, l.lowest(wide), [&](ScalarBuilder &b, ValueRange args) {
    return b.max(b.convert(args[0], wide), args[1]);
  });
  terms = l.generic({x, maximum}, {l.identity(rank), l.without(axis, rank)}, l.sizes(x), wide,
                    [&](ScalarBuilder &b, ValueRange args) {
                      Value top = args[1];
                      if (finite) // -inf less -inf would be NaN.
                        top =
                            b.select(b.compare(Compare::Equal, top, b.lowest(wide)), b.number(wide, 0), top);
                      return b.exp(b.sub(b.convert(args[0], wide), top));
                    });
  sum = l.reduce(terms, axis, l.number(wide, 0),
                 [](ScalarBuilder &b, ValueRange args) { return b.accumulate(args[1], args[0]); });
}

Value tamis::onnx::softmax(Lowering &l, Value x, int64_t axis, bool maskedToZero) {
  Type element = typeOf(x).getElementType(), wide = computeType(element);
  unsigned rank = typeOf(x).getRank();
  Value maximum, terms, sum;
  exponentials(l, x, axis, maskedToZero, maximum, terms, sum);
  return l.generic({terms, sum}, {l.identity(rank), l.without(axis, rank)}, l.sizes(x), element,
                   [&](ScalarBuilder &b, ValueRange args) {
                     Value total = args[1], one = b.number(wide, 1);
                     if (maskedToZero)
                       total = b.select(b.compare(Compare::Equal, total, b.number(wide, 0)), one, total);
                     return b.convert(b.mul(args[0], b.div(one, total)), element);
                   });
}

static LoweredValues lowerSoftmax(onnx::SoftmaxOp op, onnx::SoftmaxOp::Adaptor operands, Lowering &l) {
  return {softmax(l, operands.getX(), op.getAxis())};
}

static LoweredValues lowerLogSoftmax(LogSoftmaxOp op, LogSoftmaxOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX(), maximum, terms, sum;
  Type element = typeOf(x).getElementType(), wide = computeType(element);
  unsigned rank = typeOf(x).getRank();
  exponentials(l, x, op.getAxis(), false, maximum, terms, sum);
  Value logarithm =
      l.map(sum, wide, [](ScalarBuilder &b, ValueRange args) { return b.math<math::LogOp>(args[0]); });
  AffineMap outer = l.without(op.getAxis(), rank);
  return {l.generic({x, maximum, logarithm}, {l.identity(rank), outer, outer}, l.sizes(x), element,
                    [&](ScalarBuilder &b, ValueRange args) {
                      return b.convert(b.sub(b.sub(b.convert(args[0], wide), args[1]), args[2]), element);
                    })};
}

/// The mean over `axes` of a function of x and (when given) of a value for each slice.
static Value meanOf(Lowering &l, Value x, Axes axes, Value perSlice, ScalarFn term) {
  Type wide = computeType(typeOf(x).getElementType());
  unsigned rank = typeOf(x).getRank();
  SmallVector<Size, 4> sizes = l.sizes(x);
  SmallVector<Size> outer, inner;
  SmallVector<utils::IteratorType> iterators;
  for (unsigned d = 0; d < rank; ++d) {
    bool reduced = llvm::is_contained(axes, static_cast<int64_t>(d));
    iterators.push_back(reduced ? utils::IteratorType::reduction : utils::IteratorType::parallel);
    (reduced ? inner : outer).push_back(sizes[d]);
  }
  Value count = l.convert(l.toInteger(l.product(inner), l.getI64Type()), wide);
  SmallVector<Value> inputs = {x};
  SmallVector<AffineMap> maps = {l.identity(rank)};
  if (perSlice) {
    inputs.push_back(perSlice);
    maps.push_back(l.without(axes, rank));
  }
  maps.push_back(l.without(axes, rank));
  Value init = l.filled(outer, l.number(wide, 0));
  auto sum =
      linalg::GenericOp::create(l, l.getLoc(), init.getType(), inputs, init, maps, iterators,
                                [&](OpBuilder &nested, Location loc, ValueRange args) {
                                  ScalarBuilder b(loc, nested);
                                  SmallVector<Value> values(args.drop_back());
                                  values[0] = b.convert(values[0], wide);
                                  linalg::YieldOp::create(b, loc, b.accumulate(args.back(), term(b, values)));
                                });
  return l.map(l.known(sum.getResult(0), outer), wide,
               [&](ScalarBuilder &b, ValueRange args) { return b.div(args[0], count); });
}

/// (x - mean) * inverse * scale + bias; mean and bias may be absent.
static Value normalized(Lowering &l, Value x, Axes axes, Value mean, Value inverse, Value scale, Value bias) {
  Type element = typeOf(x).getElementType(), wide = computeType(element);
  unsigned rank = typeOf(x).getRank();
  SmallVector<Value> operands = {x, scale};
  if (bias)
    operands.push_back(bias);
  Broadcast shape = l.broadcast(operands);
  SmallVector<Value> inputs(shape.operands);
  SmallVector<AffineMap> maps(shape.maps);
  inputs.push_back(inverse);
  maps.push_back(l.without(axes, rank));
  if (mean) {
    inputs.push_back(mean);
    maps.push_back(l.without(axes, rank));
  }
  return l.generic(inputs, maps, shape.sizes, l.resultType().getElementType(),
                   [&](ScalarBuilder &b, ValueRange args) {
                     Value value = b.convert(args[0], wide);
                     if (mean)
                       value = b.sub(value, args.back());
                     value = b.mul(b.mul(value, args[operands.size()]), b.convert(args[1], wide));
                     if (bias)
                       value = b.add(value, b.convert(args[2], wide));
                     return b.convert(value, l.resultType().getElementType());
                   });
}

static Value inverseRoot(Lowering &l, Value variance, double epsilon) {
  Type type = typeOf(variance).getElementType();
  return l.map(variance, type, [&](ScalarBuilder &b, ValueRange args) {
    return b.div(b.number(type, 1), b.sqrt(b.add(args[0], b.number(type, epsilon))));
  });
}

static Value square(ScalarBuilder &b, ValueRange args) { return b.mul(args[0], args[0]); }

static LoweredValues lowerLayerNormalization(LayerNormalizationOp op, LayerNormalizationOp::Adaptor operands,
                                             Lowering &l) {
  Value x = operands.getX();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), typeOf(x).getRank()));
  Value mean = meanOf(l, x, axes, {}, [](ScalarBuilder &, ValueRange args) { return args[0]; });
  // From the differences, not from the mean of squares: those cancel.
  Value variance = meanOf(l, x, axes, mean, [](ScalarBuilder &b, ValueRange args) {
    Value difference = b.sub(args[0], args[1]);
    return b.mul(difference, difference);
  });
  Value inverse = inverseRoot(l, variance, op.getEpsilon().convertToFloat());
  return {normalized(l, x, axes, mean, inverse, operands.getScale(), operands.getBias())};
}

static LoweredValues lowerRMSNormalization(RMSNormalizationOp op, RMSNormalizationOp::Adaptor operands,
                                           Lowering &l) {
  Value x = operands.getX();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(op.getAxis(), typeOf(x).getRank()));
  Value inverse = inverseRoot(l, meanOf(l, x, axes, {}, square), op.getEpsilon().convertToFloat());
  return {normalized(l, x, axes, {}, inverse, operands.getScale(), {})};
}

void tamis::onnx::addNormalizationLowerings(LoweringPatterns &patterns) {
  patterns.add<onnx::SoftmaxOp>(lowerSoftmax);
  patterns.add<LogSoftmaxOp>(lowerLogSoftmax);
  patterns.add<LayerNormalizationOp>(lowerLayerNormalization);
  patterns.add<RMSNormalizationOp>(lowerRMSNormalization);
}
