//===- Reduction.cpp - Lowerings of reductions and scans ------------------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// Sums `term` of each element, in f32 for narrower floats.
static Value sumOf(Lowering &l, Value x, Axes axes, ScalarFn term) {
  Type wide = computeType(typeOf(x).getElementType());
  return l.reduce(x, axes, l.integer(wide, 0), [&](ScalarBuilder &b, ValueRange args) {
    return b.accumulate(args[1], term(b, b.convert(args[0], wide)));
  });
}

static Value itself(ScalarBuilder &, ValueRange args) { return args[0]; }
static Value square(ScalarBuilder &b, ValueRange args) { return b.mul(args[0], args[0]); }

/// A function of a sum; of integers by way of f64.
static Value finish(Lowering &l, Value sum, ScalarFn compute) {
  Type type = typeOf(sum).getElementType();
  Type in = isa<FloatType>(type) ? type : Type(l.getF64Type());
  return l.elementwise(sum, type, [&](ScalarBuilder &b, ValueRange args) {
    return b.convert(compute(b, b.convert(args[0], in)), type);
  });
}

/// A result without the reduced dimensions, as the op's result.
template <typename Op> static LoweredValues finalize(Op op, Lowering &l, Value reduced, Axes axes) {
  reduced = l.convertElements(reduced, l.resultType().getElementType());
  return {op.getKeepdims() ? l.insertUnitDims(reduced, axes) : reduced};
}

static Value maximum(Lowering &l, Value x, Axes axes, bool isUnsigned) {
  return l.reduce(x, axes, l.lowest(typeOf(x).getElementType(), isUnsigned),
                  [&](ScalarBuilder &b, ValueRange args) { return b.max(args[0], args[1], isUnsigned); });
}

/// A vector of few integers (a shape) reduced by scalar code.
static std::optional<Value> reduceSmall(Lowering &l, Value x, Axes axes, Value init, ScalarFn compute) {
  if (!Lowering::isSmall(x.getType()) || typeOf(x).getRank() != 1 || axes.size() != 1)
    return std::nullopt;
  for (Value element : l.elements(x))
    init = compute(l, {element, init});
  return l.fromElements(RankedTensorType::get({}, init.getType()), init);
}

template <typename Op> static LoweredValues lowerReduce(Op op, typename Op::Adaptor operands, Lowering &l) {
  Value x = operands.getData();
  Axes axes = op.getAxes();
  Type element = typeOf(x).getElementType();
  bool isUnsigned = l.isUnsigned();
  auto log = [](ScalarBuilder &b, ValueRange args) { return b.math<math::LogOp>(args[0]); };
  Value result;
  if constexpr (std::is_same_v<Op, ReduceSumOp>) {
    if (auto small = reduceSmall(l, x, axes, l.integer(element, 0),
                                 [](ScalarBuilder &b, ValueRange args) { return b.add(args[0], args[1]); });
        small && !isa<FloatType>(element))
      result = *small;
    else
      result = sumOf(l, x, axes, itself);
  } else if constexpr (std::is_same_v<Op, ReduceMeanOp>) {
    Value count = l.index(1);
    for (int64_t axis : axes)
      count = l.mul(count, l.dim(x, axis));
    result = sumOf(l, x, axes, itself);
    Type type = typeOf(result).getElementType();
    Value divisor = l.convert(l.toInteger(count, l.getI64Type()), type);
    result = l.elementwise(
        result, type, [&](ScalarBuilder &b, ValueRange args) { return b.div(args[0], divisor, isUnsigned); });
  } else if constexpr (std::is_same_v<Op, ReduceMaxOp>) {
    result = maximum(l, x, axes, isUnsigned);
  } else if constexpr (std::is_same_v<Op, ReduceMinOp>) {
    result = l.reduce(x, axes, l.highest(element, isUnsigned),
                      [&](ScalarBuilder &b, ValueRange args) { return b.min(args[0], args[1], isUnsigned); });
  } else if constexpr (std::is_same_v<Op, ReduceProdOp>) {
    Type wide = computeType(element);
    auto multiply = [&](ScalarBuilder &b, ValueRange args) {
      return b.mul(b.convert(args[0], wide), args[1]);
    };
    auto small = reduceSmall(l, x, axes, l.integer(wide, 1), multiply);
    result = small ? *small : l.reduce(x, axes, l.integer(wide, 1), multiply);
  } else if constexpr (std::is_same_v<Op, ReduceL1Op>) {
    result = sumOf(l, x, axes, [&](ScalarBuilder &b, ValueRange args) { return b.abs(args[0], isUnsigned); });
  } else if constexpr (std::is_same_v<Op, ReduceL2Op>) {
    result = finish(l, sumOf(l, x, axes, square),
                    [](ScalarBuilder &b, ValueRange args) { return b.sqrt(args[0]); });
  } else if constexpr (std::is_same_v<Op, ReduceSumSquareOp>) {
    result = sumOf(l, x, axes, square);
  } else if constexpr (std::is_same_v<Op, ReduceLogSumOp>) {
    result = finish(l, sumOf(l, x, axes, itself), log);
  } else {
    static_assert(std::is_same_v<Op, ReduceLogSumExpOp>);
    // Less the maximum, so that no exponential overflows; an infinite maximum is not taken off.
    Type wide = isa<FloatType>(element) ? computeType(element) : Type(l.getF64Type());
    x = l.convertElements(x, wide);
    Value top = l.elementwise(maximum(l, x, axes, false), wide, [&](ScalarBuilder &b, ValueRange args) {
      Value finite = b.compare(Compare::Less, b.abs(args[0]), b.highest(wide));
      return b.select(finite, args[0], b.number(wide, 0));
    });
    unsigned rank = typeOf(x).getRank();
    Value exponentials =
        l.generic({x, top}, {l.identity(rank), l.without(axes, rank)}, l.sizes(x), wide,
                  [](ScalarBuilder &b, ValueRange args) { return b.exp(b.sub(args[0], args[1])); });
    Value sum = sumOf(l, exponentials, axes, itself);
    result = l.map({sum, top}, wide, [&](ScalarBuilder &b, ValueRange args) {
      return b.add(b.math<math::LogOp>(args[0]), args[1]);
    });
  }
  return finalize(op, l, result, axes);
}

template <typename Op> static LoweredValues lowerArg(Op op, typename Op::Adaptor operands, Lowering &l) {
  constexpr bool isMax = std::is_same_v<Op, ArgMaxOp>;
  Value x = operands.getData();
  int64_t axis = op.getAxis();
  Type element = typeOf(x).getElementType(), i64 = l.getI64Type();
  bool isUnsigned = l.isUnsigned();
  unsigned rank = typeOf(x).getRank();
  SmallVector<Size, 4> from = l.sizes(x), to;
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators[axis] = utils::IteratorType::reduction;
  for (unsigned d = 0; d < rank; ++d)
    if (d != axis)
      to.push_back(from[d]);
  l.check(l.compare(Compare::Greater, l.value(from[axis]), l.index(0)),
          "an empty dimension has no largest element");
  Value start = isMax ? l.lowest(element, isUnsigned) : l.highest(element, isUnsigned);
  Value inits[] = {l.filled(to, start), l.filled(to, l.integer(i64, 0))};
  AffineMap maps[] = {l.identity(rank), l.without(axis, rank), l.without(axis, rank)};
  auto generic = linalg::GenericOp::create(
      l, l.getLoc(), TypeRange{inits[0].getType(), inits[1].getType()}, x, inits, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange args) {
        ScalarBuilder b(loc, nested);
        Compare better = isMax ? (op.getSelectLastIndex() ? Compare::GreaterOrEqual : Compare::Greater)
                               : (op.getSelectLastIndex() ? Compare::LessOrEqual : Compare::Less);
        Value take = b.compare(better, args[0], args[1], isUnsigned);
        Value at = b.toInteger(linalg::IndexOp::create(b, loc, axis), i64);
        linalg::YieldOp::create(b, loc, {b.select(take, args[0], args[1]), b.select(take, at, args[2])});
      });
  return finalize(op, l, l.known(generic.getResult(1), to), axis);
}

static LoweredValues lowerCumSum(CumSumOp op, CumSumOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  int64_t axis = op.getAxis();
  SmallVector<Size, 4> sizes = l.sizes(x);
  Type element = typeOf(x).getElementType();
  SmallVector<Value> counts;
  for (const Size &size : sizes)
    counts.push_back(l.value(size));
  Value length = counts[axis];
  SmallVector<Value> sums = l.loops(
      counts, l.empty(sizes, element), [&](ScalarBuilder &b, ValueRange loopIndices, ValueRange carried) {
        Value zero = b.index(0), one = b.index(1), step = loopIndices[axis];
        Value last = b.sub(length, one), first = b.compare(Compare::Equal, step, zero);
        SmallVector<Value> at(loopIndices), before(loopIndices);
        at[axis] = op.getReverse() ? b.sub(last, step) : step;
        // The first one has none before it: it reads itself, and ignores that.
        Value previous = op.getReverse() ? b.add(at[axis], one) : b.sub(at[axis], one);
        before[axis] = b.select(first, at[axis], previous);
        Value running = tensor::ExtractOp::create(b, b.getLoc(), carried[0], before);
        Value term = tensor::ExtractOp::create(b, b.getLoc(), x, op.getExclusive() ? before : at);
        Value none = b.integer(element, 0);
        Value sum =
            b.add(b.select(first, none, running), op.getExclusive() ? b.select(first, none, term) : term);
        return SmallVector<Value>{tensor::InsertOp::create(b, b.getLoc(), sum, carried[0], at)};
      });
  return {l.known(sums[0], sizes)};
}

void tamis::onnx::addReductionLowerings(LoweringPatterns &patterns) {
  patterns.add<ReduceSumOp>(lowerReduce<ReduceSumOp>);
  patterns.add<ReduceMeanOp>(lowerReduce<ReduceMeanOp>);
  patterns.add<ReduceMaxOp>(lowerReduce<ReduceMaxOp>);
  patterns.add<ReduceMinOp>(lowerReduce<ReduceMinOp>);
  patterns.add<ReduceProdOp>(lowerReduce<ReduceProdOp>);
  patterns.add<ReduceL1Op>(lowerReduce<ReduceL1Op>);
  patterns.add<ReduceL2Op>(lowerReduce<ReduceL2Op>);
  patterns.add<ReduceSumSquareOp>(lowerReduce<ReduceSumSquareOp>);
  patterns.add<ReduceLogSumOp>(lowerReduce<ReduceLogSumOp>);
  patterns.add<ReduceLogSumExpOp>(lowerReduce<ReduceLogSumExpOp>);
  patterns.add<ArgMaxOp>(lowerArg<ArgMaxOp>);
  patterns.add<ArgMinOp>(lowerArg<ArgMinOp>);
  patterns.add<CumSumOp>(lowerCumSum);
}
