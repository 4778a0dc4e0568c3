//===- RaiseNorms.cpp - Layer and RMS normalisation, whatever the spelling ----------------------------===//
#include "Raising.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// The operand of a mean over the last dimension that keeps it.
static Value meanOperand(Value value) {
  auto mean = skipIdleCasts(value).getDefiningOp<onnx::ReduceMeanOp>();
  if (!mean || !mean.getKeepdims() ||
      mean.getAxes() != ArrayRef<int64_t>{typeOf(mean.getData()).getRank() - 1})
    return {};
  return skipIdleCasts(mean.getData());
}

/// x of x^2.
static Value squareOperand(Stage &stage, Value value) {
  if (auto power = value.getDefiningOp<onnx::PowOp>())
    return stage.isScalar(power.getB(), 2) ? skipIdleCasts(power.getA()) : Value();
  auto product = value.getDefiningOp<onnx::MulOp>();
  return product && product.getA() == product.getB() ? skipIdleCasts(product.getA()) : Value();
}

/// x of x - mean(x).
static Value centredOperand(Value value) {
  auto difference = value.getDefiningOp<onnx::SubOp>();
  if (!difference || meanOperand(difference.getB()) != skipIdleCasts(difference.getA()))
    return {};
  return skipIdleCasts(difference.getA());
}

namespace {
/// numerator / sqrt(mean(square^2) + epsilon)
struct Normalised {
  Value numerator, square;
  double epsilon;
};
} // namespace

/// The radicand's parts of `value` = sqrt(mean(square^2) + epsilon).
static bool matchDeviation(Stage &stage, Value value, Normalised &norm) {
  Value radicand;
  if (auto root = value.getDefiningOp<onnx::SqrtOp>())
    radicand = root.getX();
  else if (auto power = value.getDefiningOp<onnx::PowOp>(); power && stage.isScalar(power.getB(), 0.5, 0))
    radicand = power.getA();
  auto sum = radicand ? skipIdleCasts(radicand).getDefiningOp<onnx::AddOp>() : onnx::AddOp();
  Value mean;
  std::optional<double> epsilon = sum ? stage.scalarOperand(sum, mean) : std::nullopt;
  if (!epsilon)
    return false;
  Value squared = meanOperand(mean);
  norm.square = squared ? squareOperand(stage, squared) : Value();
  norm.epsilon = *epsilon;
  return static_cast<bool>(norm.square);
}

static std::optional<Normalised> matchNormalised(Stage &stage, Operation *op) {
  Normalised norm;
  if (auto quotient = dyn_cast<onnx::DivOp>(op)) {
    norm.numerator = skipIdleCasts(quotient.getA());
    if (!stage.scalar(norm.numerator) && matchDeviation(stage, skipIdleCasts(quotient.getB()), norm))
      return norm;
    return std::nullopt;
  }
  auto product = dyn_cast<onnx::MulOp>(op);
  if (!product)
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    Value inverse = skipIdleCasts(product->getOperand(1 - i)), deviation;
    if (auto quotient = inverse.getDefiningOp<onnx::DivOp>();
        quotient && stage.isScalar(quotient.getA(), 1, 0))
      deviation = quotient.getB();
    else if (auto reciprocal = inverse.getDefiningOp<onnx::ReciprocalOp>())
      deviation = reciprocal.getX();
    norm.numerator = skipIdleCasts(product->getOperand(i));
    if (deviation && matchDeviation(stage, skipIdleCasts(deviation), norm))
      return norm;
  }
  return std::nullopt;
}

/// The only user of `op`'s result, an `OpT` whose other operand is a vector of `size` elements.
template <typename OpT> static OpT vectorUser(Operation *op, int64_t size, Value &vector) {
  Value result = op->getResult(0);
  while (result.hasOneUse())
    if (auto cast = dyn_cast<onnx::CastOp>(*result.user_begin());
        cast && cast.getX().getType() == cast.getY().getType())
      result = cast.getY();
    else
      break;
  auto user = result.hasOneUse() ? dyn_cast<OpT>(*result.user_begin()) : OpT();
  if (!user)
    return {};
  vector = user.getA() == result ? user.getB() : user.getA();
  RankedTensorType type = typeOf(vector);
  return type.getRank() == 1 && type.getDimSize(0) == size ? user : OpT();
}

static void raiseSpelling(Stage &stage, Operation *op) {
  std::optional<Normalised> norm = matchNormalised(stage, op);
  if (!norm || !isF32(op->getResult(0)))
    return;
  Value x = norm->numerator == norm->square ? centredOperand(norm->numerator) : Value();
  if (!x && centredOperand(norm->numerator) &&
      centredOperand(norm->numerator) == centredOperand(norm->square))
    x = centredOperand(norm->numerator); // The difference, spelled twice.
  bool centred = static_cast<bool>(x);
  if (!centred && norm->numerator == norm->square)
    x = norm->numerator;
  if (!x)
    return stage.remark(
        op, "this looks like a normalisation, but numerator and variance are of different tensors");
  RankedTensorType type = typeOf(x);
  int64_t size = type.getShape().back();
  if (type != typeOf(op->getResult(0)) || ShapedType::isDynamic(size))
    return stage.remark(op,
                        "this looks like a normalisation, but the size of the last dimension is not known");
  Value scale, bias;
  Operation *last = op;
  if (auto scaled = vectorUser<onnx::MulOp>(op, size, scale)) {
    last = scaled;
    if (auto biased = centred ? vectorUser<onnx::AddOp>(last, size, bias) : onnx::AddOp())
      last = biased;
    else
      bias = {};
  } else {
    scale = {};
  }
  stage.buildAt(last);
  if (!scale)
    scale = onnx::ConstantOp::create(
        stage.builder, stage.location(),
        DenseElementsAttr::get(RankedTensorType::get({size}, stage.builder.getF32Type()), 1.0f));
  Value y;
  APFloat epsilon(static_cast<float>(norm->epsilon));
  if (centred)
    y = nn::LayerNormOp::create(stage.builder, stage.location(), type, x, scale, bias, epsilon);
  else
    y = nn::RMSNormOp::create(stage.builder, stage.location(), type, x, scale, epsilon);
  last->getResult(0).replaceAllUsesWith(y);
  ++stage.counts.norm;
}

void raising::raiseNorms(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    if (isa<onnx::DivOp, onnx::MulOp>(op)) {
      raiseSpelling(stage, op);
      continue;
    }
    if (!isa<onnx::LayerNormalizationOp, onnx::RMSNormalizationOp>(op) || !isF32(op->getResult(0)))
      continue;
    RankedTensorType type = typeOf(op->getOperand(0));
    bool vectors = llvm::all_of(llvm::drop_begin(op->getOperands()), [&](Value value) {
      return typeOf(value).getRank() == 1 && typeOf(value).getDimSize(0) == type.getShape().back() &&
             isF32(value);
    });
    auto axis = op->getAttrOfType<IntegerAttr>("axis").getInt();
    if (axis != type.getRank() - 1 || !vectors || ShapedType::isDynamic(type.getShape().back())) {
      stage.remark(op, "this normalises more than the last dimension, or by a scale of another shape");
      continue;
    }
    stage.buildAt(op);
    Value y;
    if (auto norm = dyn_cast<onnx::LayerNormalizationOp>(op))
      y = nn::LayerNormOp::create(stage.builder, stage.location(), op->getResult(0).getType(), norm.getX(),
                                  norm.getScale(), norm.getBias(), norm.getEpsilon());
    else if (auto norm = dyn_cast<onnx::RMSNormalizationOp>(op))
      y = nn::RMSNormOp::create(stage.builder, stage.location(), op->getResult(0).getType(), norm.getX(),
                                norm.getScale(), norm.getEpsilon());
    op->getResult(0).replaceAllUsesWith(y);
    ++stage.counts.norm;
  }
}
