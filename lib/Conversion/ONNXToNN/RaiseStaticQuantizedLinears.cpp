//===- RaiseStaticQuantizedLinears.cpp - Products of rows of a known range with 8-bit weights ---------===//
//
// QuantizeLinear -> DequantizeLinear -> MatMul or Gemm with a weight that is dequantised, too (QDQ), and
// MatMulInteger -> Cast -> Mul by the scales, which QLinearMatMul and QGemm are imported as (QOperator).
//
//===--------------------------------------------------------------------------------------------------===//
#include "QuantizedWeight.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"
#include <cmath>

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

namespace {
/// The scale and the zero point of a whole tensor of 8-bit integers, the zero point as that of unsigned ones.
struct ByteRange {
  float scale, zeroPoint;
  bool operator==(const ByteRange &) const = default;
};

/// x [..., K] and what it is quantised with.
struct StaticRows {
  Value x;
  ByteRange range;
};

/// (w - zeroPoint) * scale, w [K, N] or, `transposed`, [N, K]; one parameter a column n, or one for all.
struct DequantizedWeight {
  Value w, scale, zeroPoint;
  bool transposed;

  RankedTensorType type() const { return typeOf(w); }
  int64_t rows() const { return type().getDimSize(transposed ? 1 : 0); }
  int64_t columns() const { return type().getDimSize(transposed ? 0 : 1); }
};
} // namespace

static bool isByte(Value value) { return typeOf(value).getElementType().isInteger(8); }

/// The element of a tensor that has one, when it is known.
static std::optional<onnx::Number> onlyElement(Value value) {
  std::optional<onnx::KnownElements> elements = onnx::knownElements(value);
  return elements && elements->size() == 1 ? elements->front() : std::nullopt;
}

/// The zero point of all of `bytes` in terms of unsigned integers; null is 0.
static std::optional<float> zeroPointOf(Value bytes, Value zeroPoint) {
  int64_t number = 0;
  if (zeroPoint) {
    std::optional<onnx::Number> known = isByte(zeroPoint) ? onlyElement(zeroPoint) : std::nullopt;
    if (!known)
      return std::nullopt;
    number = known->integer;
  }
  return number + (typeOf(bytes).getElementType().isUnsignedInteger() ? 0 : 128);
}

/// Of QuantizeLinear or DequantizeLinear between f32 and `bytes`; absent when it is another one for each axis
/// or block, or is not known.
template <typename Op> static std::optional<ByteRange> rangeOf(Op op, Value bytes) {
  if (!isByte(bytes) || op.getBlockSize() != 0 || !isF32(op.getScale()))
    return std::nullopt;
  std::optional<onnx::Number> scale = onlyElement(op.getScale());
  std::optional<float> zeroPoint = zeroPointOf(bytes, op.getZeroPoint());
  // With such a scale s, round(((q - z) * s) / s) + z is q: each of the two roundings is off by a share of
  // 2^-24, far less than half of one step of 255. Beyond, products may be infinite, or quotients no numbers.
  if (!scale || !zeroPoint || !std::isnormal(static_cast<float>(scale->real)) || scale->real < 0 ||
      !std::isfinite(static_cast<float>(scale->real) * 255))
    return std::nullopt;
  return ByteRange{static_cast<float>(scale->real), *zeroPoint};
}

/// The floats in front of quantisation; where integers come from elsewhere, or were quantised with another
/// range, what they stand for, which gives the same integers when it is quantised again.
static std::optional<StaticRows> rowsOf(Value a) {
  auto dequantize = a.getDefiningOp<onnx::DequantizeLinearOp>();
  std::optional<ByteRange> range =
      dequantize && isF32(a) ? rangeOf(dequantize, dequantize.getX()) : std::nullopt;
  if (!range || typeOf(a).getRank() < 2)
    return std::nullopt;
  auto quantize = dequantize.getX().getDefiningOp<onnx::QuantizeLinearOp>();
  if (quantize && isF32(quantize.getX()) && rangeOf(quantize, quantize.getY()) == range)
    return StaticRows{quantize.getX(), *range};
  return StaticRows{a, *range};
}

static std::optional<DequantizedWeight> weightOf(Value b, bool transposed) {
  if (auto transpose = b.getDefiningOp<weight::TransposeOp>();
      transpose && transpose.getPerm() == ArrayRef<int64_t>{1, 0}) {
    b = transpose.getInput();
    transposed = !transposed;
  }
  auto dequantize = b.getDefiningOp<weight::DequantizeOp>();
  if (!dequantize || !isByte(dequantize.getInput()) || typeOf(b).getRank() != 2 ||
      dequantize.getBlockSize() != 0 || !isF32(dequantize.getScale()))
    return std::nullopt;
  DequantizedWeight weight{dequantize.getInput(), dequantize.getScale(), dequantize.getZeroPoint(),
                           transposed};
  if (weight.zeroPoint && typeOf(weight.zeroPoint).getElementType() != weight.type().getElementType())
    return std::nullopt;
  for (Value parameter : {weight.scale, weight.zeroPoint}) {
    if (!parameter || typeOf(parameter).getNumElements() == 1)
      continue;
    if (dequantize.getAxis() != (transposed ? 0 : 1) || !isPerColumn(parameter, weight.columns()))
      return std::nullopt;
  }
  return weight;
}

static Value constantRange(Stage &stage, ByteRange range) {
  auto type = RankedTensorType::get({2}, stage.builder.getF32Type());
  return onnx::ConstantOp::create(
      stage.builder, stage.location(),
      DenseElementsAttr::get(type, ArrayRef<float>{range.scale, range.zeroPoint}));
}

/// What reads a value alone, if it is such an op.
template <typename Op> static Op onlyUser(Value value) {
  return value.hasOneUse() ? dyn_cast<Op>(*value.user_begin()) : Op();
}

/// The other operand of an op that computes what has the type of `value` from it.
template <typename Op> static Value otherOperand(Op op, Value value) {
  if (!op || op.getC().getType() != value.getType())
    return {};
  return op.getA() == value ? op.getB() : op.getA();
}

/// The known bias that is added to a product and nothing else reads; `last` is then the sum.
static Value takeBias(Operation *&last, int64_t columns) {
  Value product = last->getResult(0);
  auto add = onlyUser<onnx::AddOp>(product);
  Value bias = otherOperand(add, product);
  if (!bias || !isF32(bias) || !isPerColumn(bias, columns))
    return {};
  last = add;
  return bias;
}

static void finish(Stage &stage, Operation *last, const StaticRows &rows, SignedWeight weight, Value scale,
                   Value bias) {
  Value y = nn::QuantizedLinearOp::create(stage.builder, stage.location(), last->getResult(0).getType(),
                                          rows.x, weight.w, scale, weight.zeroPoint, Value(), bias, Value(),
                                          constantRange(stage, rows.range), nn::Activation::None);
  last->getResult(0).replaceAllUsesWith(y);
  ++stage.counts.linear;
}

/// A product of floats, of which `bias` is a part (Gemm) or null.
static void raiseProduct(Stage &stage, Operation *op, bool transposed, Value bias) {
  std::optional<DequantizedWeight> weight = weightOf(op->getOperand(1), transposed);
  if (!weight || !op->getOperand(0).getDefiningOp<onnx::DequantizeLinearOp>())
    return;
  std::optional<StaticRows> rows = rowsOf(op->getOperand(0));
  if (!rows)
    return stage.remark(op, "its rows have no one known scale and zero point of 8 bits, so this stays a "
                            "product of floats");
  int64_t columns = weight->columns();
  if (weight->rows() > maxQuantizedDepth)
    return stage.remark(op, "its sums may exceed 32 bits");
  if (bias && (!isF32(bias) || !isPerColumn(bias, columns)))
    return stage.remark(op, "the bias is no known vector, so this stays a product of floats");
  Operation *last = op;
  if (!bias)
    bias = takeBias(last, columns);
  stage.buildAt(last, op);
  Value w = weight->w;
  if (weight->transposed)
    w = weight::TransposeOp::create(stage.builder, stage.location(),
                                    weight->type().clone({weight->rows(), columns}), w,
                                    ArrayRef<int64_t>{1, 0});
  finish(stage, last, *rows, makeSigned(stage, w, weight->zeroPoint),
         asColumns(stage, weight->scale, columns), bias ? asColumns(stage, bias, columns) : Value());
}

/// Is it computed of nothing but what the compiler knows? Factors of weights are, in few steps.
static bool isComputedOfKnown(Value value, unsigned steps = 8) {
  if (weight::isKnownWeight(value))
    return true;
  Operation *op = value.getDefiningOp();
  return steps > 0 && isa_and_nonnull<onnx::MulOp, onnx::DivOp, onnx::CastOp>(op) &&
         llvm::all_of(op->getOperands(),
                      [&](Value operand) { return isComputedOfKnown(operand, steps - 1); });
}

/// Factors of columns, f32 [N] or one element, as f32 [N]; null when `factor` is no such thing.
static Value factorOfColumns(Stage &stage, Value factor, int64_t columns) {
  RankedTensorType type = typeOf(factor), vector = RankedTensorType::get({columns}, type.getElementType());
  bool isOne = type.hasStaticShape() && type.getNumElements() == 1 && type.getRank() <= 1;
  if (!isF32(factor) || (type != vector && !isOne) || !isComputedOfKnown(factor))
    return {};
  if (weight::isKnownWeight(factor))
    return asColumns(stage, factor, columns);
  if (type == vector)
    return factor;
  auto shape = RankedTensorType::get({1}, stage.builder.getI64Type());
  Value target = onnx::ConstantOp::create(stage.builder, stage.location(),
                                          DenseElementsAttr::get(shape, ArrayRef<int64_t>{columns}));
  return onnx::ExpandOp::create(stage.builder, stage.location(), vector, factor, target);
}

/// A product of integers. Its one factor, which may have the scale of what it is quantised to in it, is the
/// scale of the columns, so that the result is rounded as written; with a bias of integers the sum and the
/// bias are rounded to floats each, and then added.
static void raiseIntegerProduct(Stage &stage, onnx::MatMulIntegerOp op) {
  RankedTensorType type = typeOf(op.getB());
  if (!weight::isKnownWeight(op.getB()) || type.getRank() != 2 || typeOf(op.getA()).getRank() < 2)
    return;
  int64_t columns = type.getDimSize(1);
  std::optional<float> zeroPoint = zeroPointOf(op.getA(), op.getAZeroPoint());
  if (!zeroPoint || (op.getBZeroPoint() && !isPerColumn(op.getBZeroPoint(), columns)) ||
      type.getDimSize(0) > maxQuantizedDepth)
    return;
  // A bias of integers has the scale of the sums.
  Value sums = op.getC(), sumsBias = otherOperand(onlyUser<onnx::AddOp>(sums), sums);
  if (sumsBias && isPerColumn(sumsBias, columns))
    sums = onlyUser<onnx::AddOp>(sums).getC();
  else
    sumsBias = {};
  auto cast = onlyUser<onnx::CastOp>(sums);
  auto product = cast && isF32(cast.getY()) ? onlyUser<onnx::MulOp>(cast.getY()) : onnx::MulOp();
  Value factor = product ? otherOperand(product, cast.getY()) : Value();
  if (!factor)
    return stage.remark(op, "what it computes is not cast to f32 and scaled");
  stage.buildAt(product, op);
  Value scale = factorOfColumns(stage, factor, columns);
  if (!scale)
    return stage.remark(op, "it is multiplied by something else than known scales of its columns");
  Operation *last = product;
  Value bias;
  if (sumsBias) {
    auto vector = RankedTensorType::get({columns}, stage.builder.getF32Type());
    Value floats =
        onnx::CastOp::create(stage.builder, stage.location(), vector, asColumns(stage, sumsBias, columns));
    bias = onnx::MulOp::create(stage.builder, stage.location(), vector, floats, scale);
  } else if ((bias = takeBias(last, columns))) {
    bias = asColumns(stage, bias, columns);
  }
  stage.buildAt(last, op);
  auto scalar = [&](DenseElementsAttr value) -> Value {
    return onnx::ConstantOp::create(stage.builder, stage.location(), value);
  };
  Value one = scalar(DenseElementsAttr::get(RankedTensorType::get({}, stage.builder.getF32Type()), 1.0f));
  Value x = onnx::DequantizeLinearOp::create(stage.builder, stage.location(),
                                             typeOf(op.getA()).clone(stage.builder.getF32Type()), op.getA(),
                                             one, op.getAZeroPoint(), 0, 0);
  finish(stage, last, {x, {1, *zeroPoint}}, makeSigned(stage, op.getB(), op.getBZeroPoint()), scale, bias);
}

void raising::raiseStaticQuantizedLinears(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    if (isa<onnx::MatMulOp>(op)) {
      raiseProduct(stage, op, /*transposed=*/false, Value());
    } else if (auto gemm = dyn_cast<onnx::GemmOp>(op)) {
      if (!gemm.getTransA() && gemm.getAlpha().isExactlyValue(1) && gemm.getBeta().isExactlyValue(1))
        raiseProduct(stage, op, gemm.getTransB(), gemm.getC());
    } else if (auto product = dyn_cast<onnx::MatMulIntegerOp>(op)) {
      raiseIntegerProduct(stage, product);
    }
  }
}
