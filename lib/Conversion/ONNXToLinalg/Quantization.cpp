//===- Quantization.cpp - Lowerings of quantisation and of integer products -----------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

static bool isOneElement(Value tensor) {
  return llvm::all_of(typeOf(tensor).getShape(), [](int64_t size) { return size == 1; });
}

/// The lowest and highest value of an integer type.
static std::pair<double, double> rangeOf(Type type) {
  unsigned width = type.getIntOrFloatBitWidth();
  double span = static_cast<double>(int64_t(1) << width);
  return type.isUnsignedInteger() ? std::pair(0.0, span - 1) : std::pair(-span / 2, span / 2 - 1);
}

/// round(x / scale) + zeroPoint, all f32, clamped; NaN gives the lowest value. As a number that is whole.
static Value quantized(ScalarBuilder &b, Value x, Value scale, Value zeroPoint,
                       std::pair<double, double> range) {
  Type type = x.getType();
  Value q = b.math<math::RoundEvenOp>(b.div(x, scale));
  if (zeroPoint)
    q = b.add(q, zeroPoint);
  Value low = b.number(type, range.first), high = b.number(type, range.second);
  q = b.select(b.compare(Compare::Greater, q, low), q, low);
  return b.select(b.compare(Compare::Less, q, high), q, high);
}

/// Computes each element of the result from that of x and the scale and zero point (null when absent) that
/// belong to it.
static Value perElement(Lowering &l, Value x, Value scale, Value zeroPoint, int64_t axis, int64_t blockSize,
                        Type element, ScalarFn compute) {
  SmallVector<Value, 2> parameters = {scale, zeroPoint}, constants(2);
  SmallVector<Value> inputs = {x};
  unsigned rank = typeOf(x).getRank();
  SmallVector<AffineMap> maps = {l.identity(rank)};
  SmallVector<int, 2> inputAt(2, -1);
  SmallVector<Size, 4> sizes = l.sizes(x);
  bool scalarsOnly = true;
  for (auto [i, parameter] : llvm::enumerate(parameters)) {
    if (!parameter)
      continue;
    if (isOneElement(parameter)) {
      constants[i] = l.onlyElement(parameter);
      continue;
    }
    scalarsOnly = false;
    if (blockSize > 0)
      continue;
    l.checkEqual(l.size(parameter, 0), sizes[axis], "there is not one scale for each element of the axis");
    inputAt[i] = inputs.size();
    inputs.push_back(parameter);
    maps.push_back(AffineMap::get(rank, 0, l.getAffineDimExpr(axis), l.getContext()));
  }
  if (scalarsOnly)
    return l.elementwise(x, element, [&](ScalarBuilder &b, ValueRange args) {
      return compute(b, {args[0], constants[0], constants[1]});
    });
  return l.generic(inputs, maps, sizes, element, [&](ScalarBuilder &b, ValueRange args) {
    SmallVector<Value, 3> values = {args[0], constants[0], constants[1]};
    for (unsigned i : {0u, 1u}) {
      if (values[i + 1] || !parameters[i])
        continue;
      if (inputAt[i] >= 0) {
        values[i + 1] = args[inputAt[i]];
        continue;
      }
      SmallVector<Value> indices;
      for (unsigned d = 0; d < rank; ++d)
        indices.push_back(linalg::IndexOp::create(b, b.getLoc(), d));
      indices[axis] = b.createOrFold<arith::DivUIOp>(indices[axis], b.index(blockSize));
      values[i + 1] = tensor::ExtractOp::create(b, b.getLoc(), parameters[i], indices);
    }
    return compute(b, values);
  });
}

/// With blocks, one parameter for each: checked here, read inside of the loop.
static void checkBlocks(Lowering &l, Value x, Value parameter, int64_t axis, int64_t blockSize) {
  if (!parameter || blockSize == 0 || isOneElement(parameter))
    return;
  for (int64_t i = 0; i < typeOf(x).getRank(); ++i) {
    Size want = l.size(x, i);
    if (i == axis)
      want = l.size(l.ceilDiv(l.value(want), l.index(blockSize)));
    l.checkEqual(l.size(parameter, i), want, "the blocks of a scale do not fit its operand");
  }
}

static LoweredValues lowerQuantizeLinear(QuantizeLinearOp op, QuantizeLinearOp::Adaptor operands,
                                         Lowering &l) {
  Value x = operands.getX(), scale = operands.getScale(), zero = operands.getZeroPoint();
  Type target = getElementTypeOrSelf(op.getType()), f32 = l.getF32Type();
  bool isUnsigned = target.isUnsignedInteger();
  for (Value parameter : {scale, zero})
    checkBlocks(l, x, parameter, op.getAxis(), op.getBlockSize());
  return {perElement(l, x, scale, zero, op.getAxis(), op.getBlockSize(), l.resultType().getElementType(),
                     [&](ScalarBuilder &b, ValueRange args) {
                       Value zeroPoint = args[2] ? b.convert(args[2], f32, isUnsigned) : Value();
                       Value q = quantized(b, b.convert(args[0], f32), b.convert(args[1], f32), zeroPoint,
                                           rangeOf(target));
                       return b.convert(q, l.resultType().getElementType(), false, isUnsigned);
                     })};
}

static LoweredValues lowerDequantizeLinear(DequantizeLinearOp op, DequantizeLinearOp::Adaptor operands,
                                           Lowering &l) {
  Value x = operands.getX(), scale = operands.getScale(), zero = operands.getZeroPoint();
  Type target = l.resultType().getElementType(), wide = computeType(target), i32 = l.getI32Type();
  bool isUnsigned = l.isUnsigned();
  for (Value parameter : {scale, zero})
    checkBlocks(l, x, parameter, op.getAxis(), op.getBlockSize());
  return {perElement(l, x, scale, zero, op.getAxis(), op.getBlockSize(), target,
                     [&](ScalarBuilder &b, ValueRange args) {
                       Value value = b.convert(args[0], i32, isUnsigned);
                       bool whole = args[2] && isa<IntegerType>(args[2].getType());
                       if (whole)
                         value = b.sub(value, b.convert(args[2], i32, isUnsigned));
                       value = b.convert(value, wide);
                       if (args[2] && !whole)
                         value = b.sub(value, b.convert(args[2], wide));
                       return b.convert(b.mul(value, b.convert(args[1], wide)), target);
                     })};
}

static LoweredValues lowerDynamicQuantizeLinear(DynamicQuantizeLinearOp,
                                                DynamicQuantizeLinearOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  Type f32 = l.getF32Type();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(x).getRank()));
  auto extreme = [&](Compare which) {
    // NaN compares false and is left out.
    return l.extract(l.reduce(x, axes, l.number(f32, 0), [&](ScalarBuilder &b, ValueRange args) {
      return b.select(b.compare(which, args[0], args[1]), args[0], args[1]);
    }));
  };
  Value low = extreme(Compare::Less), high = extreme(Compare::Greater), zero = l.number(f32, 0);
  constexpr std::pair<double, double> range(0, 255);
  Value scale = l.div(l.sub(high, low), l.number(f32, range.second));
  scale = l.select(l.compare(Compare::Equal, scale, zero), l.number(f32, 1), scale);
  Value zeroPoint = quantized(l, l.sub(zero, low), scale, {}, range);
  Type byte = l.getI8Type();
  Value y = l.elementwise(x, byte, [&](ScalarBuilder &b, ValueRange args) {
    return b.convert(quantized(b, args[0], scale, zeroPoint, range), byte, false, true);
  });
  auto scalar = [&](Value value) {
    return l.fromElements(RankedTensorType::get({}, value.getType()), value);
  };
  return {y, scalar(scale), scalar(l.convert(zeroPoint, byte, false, true))};
}

/// So many products of differences of bytes, 255 * 255 each at most, add up to less than 2^24: sums of f32
/// are exact, and products of f32 are kernels.
constexpr int64_t exactTerms = 256;

static LoweredValues lowerMatMulInteger(MatMulIntegerOp op, MatMulIntegerOp::Adaptor operands, Lowering &l) {
  Type f32 = l.getF32Type(), i32 = l.getI32Type();
  Value a = operands.getA(), b = operands.getB();
  unsigned aInner = typeOf(a).getRank() - 1, bInner = std::max<int64_t>(typeOf(b).getRank() - 2, 0);
  Size inner = l.size(a, aInner);
  l.checkEqual(inner, l.size(b, bInner), "the inner sizes of a matrix product differ");
  auto isUnsigned = [](Value operand) { return getElementTypeOrSelf(operand.getType()).isUnsignedInteger(); };
  auto widened = [&](Value x, Value zero, bool isUnsigned, bool perRow) {
    SmallVector<Value> inputs = {x};
    if (zero && perRow && typeOf(zero).getRank() == 1 && typeOf(x).getRank() > 1 && !isOneElement(zero))
      zero = l.insertUnitDims(zero, 1);
    if (zero)
      inputs.push_back(isOneElement(zero) ? l.reshape(zero, {}) : zero);
    return l.elementwise(inputs, f32, [&](ScalarBuilder &b, ValueRange args) {
      Value value = b.convert(args[0], i32, isUnsigned);
      return b.convert(args.size() < 2 ? value : b.sub(value, b.convert(args[1], i32, isUnsigned)), f32);
    });
  };
  auto terms = [&](Value x, unsigned axis, const Size &begin, const Size &count) {
    SmallVector<Size> offsets(typeOf(x).getRank(), l.size(0)), sizes(l.sizes(x));
    SmallVector<int64_t> strides(sizes.size(), 1);
    offsets[axis] = begin;
    sizes[axis] = count;
    return l.slice(x, offsets, sizes, strides);
  };
  auto product = [&](Value a, Value b) {
    Value sums =
        matrixProduct(l, widened(a, operands.getAZeroPoint(), isUnsigned(op.getA()), /*perRow=*/true),
                      widened(b, operands.getBZeroPoint(), isUnsigned(op.getB()), /*perRow=*/false));
    return l.convertElements(sums, i32);
  };
  if (inner.constant() && *inner.constant() <= exactTerms)
    return {product(a, b)};

  Value all = l.value(inner), step = l.index(exactTerms);
  auto part = [&](const Size &begin) {
    Size count = l.size(l.min(l.sub(all, l.value(begin)), step));
    return product(terms(a, aInner, begin, count), terms(b, bInner, begin, count));
  };
  Value first = part(l.size(0));
  auto loop = scf::ForOp::create(l, l.getLoc(), step, all, step, first);
  OpBuilder::InsertionGuard guard(l);
  l.setInsertionPointToStart(loop.getBody());
  Value sums = loop.getRegionIterArg(0);
  Value next = l.castTo(part(l.size(loop.getInductionVar())), typeOf(sums));
  // In place, as a loop must hand on the buffer that it was given.
  sums = linalg::AddOp::create(l, l.getLoc(), ValueRange{sums, next}, sums).getResult(0);
  scf::YieldOp::create(l, l.getLoc(), sums);
  return {loop.getResult(0)};
}

static LoweredValues lowerUnpackBits(UnpackBitsOp op, UnpackBitsOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  int64_t bits = op.getBits(), perByte = 8 / bits;
  SmallVector<Size, 4> from = l.sizes(x), to(from);
  unsigned last = from.size() - 1;
  to[last] = l.size(l.mul(l.value(from[last]), l.index(perByte)), from[last].symbolic * Polynomial(perByte));
  Type byte = l.getI8Type();
  return {l.generic({}, {}, to, byte, [&](ScalarBuilder &b, ValueRange) {
    SmallVector<Value> indices;
    for (unsigned d = 0; d <= last; ++d)
      indices.push_back(linalg::IndexOp::create(b, b.getLoc(), d));
    Value at = indices[last], count = b.index(perByte);
    indices[last] = b.createOrFold<arith::DivUIOp>(at, count);
    Value value = tensor::ExtractOp::create(b, b.getLoc(), x, indices);
    Value shift = b.createOrFold<arith::MulIOp>(b.createOrFold<arith::RemUIOp>(at, count), b.index(bits));
    value = b.createOrFold<arith::ShRUIOp>(value, b.toInteger(shift, byte));
    return b.createOrFold<arith::AndIOp>(value, b.integer(byte, (1 << bits) - 1));
  })};
}

void tamis::onnx::addQuantizationLowerings(LoweringPatterns &patterns) {
  patterns.add<QuantizeLinearOp>(lowerQuantizeLinear);
  patterns.add<DequantizeLinearOp>(lowerDequantizeLinear);
  patterns.add<DynamicQuantizeLinearOp>(lowerDynamicQuantizeLinear);
  patterns.add<MatMulIntegerOp>(lowerMatMulInteger);
  patterns.add<UnpackBitsOp>(lowerUnpackBits);
}
