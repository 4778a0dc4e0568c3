//===- RaiseQuantizedLinears.cpp - Products of dynamically quantised rows with 8-bit weights ----------===//
//
// DynamicQuantizeLinear -> MatMulInteger -> Cast -> Mul by both scales (-> Add of a bias), in which the
// scales may be multiplied with each other first, or one after the other. DynamicQuantizeMatMul is imported
// as this.
//
//===--------------------------------------------------------------------------------------------------===//
#include "QuantizedWeight.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// Multiplied by what is factors of a product, whatever its shape: the scale of x, and perhaps that of w.
static bool takeFactor(Value factor, Value xScale, int64_t columns, bool &hasX, Value &wScale) {
  if (factor == xScale && !hasX)
    return hasX = true;
  if (!wScale && typeOf(factor).getElementType().isF32() && isPerColumn(factor, columns)) {
    wScale = factor;
    return true;
  }
  auto product = factor.getDefiningOp<onnx::MulOp>();
  return product && takeFactor(product.getA(), xScale, columns, hasX, wScale) &&
         takeFactor(product.getB(), xScale, columns, hasX, wScale);
}

static void raise(Stage &stage, onnx::MatMulIntegerOp op) {
  RankedTensorType wType = typeOf(op.getB());
  auto quantize = op.getA().getDefiningOp<onnx::DynamicQuantizeLinearOp>();
  if (!quantize || op.getA() != quantize.getY() || op.getAZeroPoint() != quantize.getZeroPoint() ||
      typeOf(op.getA()).getRank() < 2)
    return;
  if (!weight::isKnownWeight(op.getB()) || wType.getRank() != 2 || !wType.hasStaticShape())
    return stage.remark(op, "its right operand is no weight, so this stays a general product");
  int64_t rows = wType.getDimSize(0), columns = wType.getDimSize(1);
  Value zeroPoint = op.getBZeroPoint(), scale;
  if (zeroPoint && !isPerColumn(zeroPoint, columns))
    return stage.remark(op, "its zero points are not known one for each column");
  if (rows > maxQuantizedDepth)
    return stage.remark(op, "its sums may exceed 32 bits");
  auto onlyUser = [](Value value) { return value.hasOneUse() ? *value.user_begin() : nullptr; };
  auto cast = dyn_cast_or_null<onnx::CastOp>(onlyUser(op.getC()));
  if (!cast || !isF32(cast.getY()))
    return stage.remark(op, "what it computes is not cast to f32 and scaled");
  Operation *last = cast;
  bool hasX = false;
  while (!hasX || !scale) {
    auto product = dyn_cast_or_null<onnx::MulOp>(onlyUser(last->getResult(0)));
    if (!product)
      return stage.remark(op, "it is not multiplied by the scales of both operands");
    Value factor = product.getA() == last->getResult(0) ? product.getB() : product.getA();
    if (!takeFactor(factor, quantize.getScale(), columns, hasX, scale) ||
        typeOf(product.getC()).getRank() != typeOf(op.getC()).getRank())
      return stage.remark(op, "it is multiplied by something else than the scales of its operands");
    last = product;
  }
  Value bias;
  if (auto add = dyn_cast_or_null<onnx::AddOp>(onlyUser(last->getResult(0)))) {
    Value other = add.getA() == last->getResult(0) ? add.getB() : add.getA();
    if (add.getC().getType() == last->getResult(0).getType() && isF32(other) && isPerColumn(other, columns)) {
      bias = other;
      last = add;
    }
  }
  stage.buildAt(last, op);
  SignedWeight weight = makeSigned(stage, op.getB(), zeroPoint);
  Value y = nn::QuantizedLinearOp::create(
      stage.builder, stage.location(), last->getResult(0).getType(), quantize.getX(), weight.w,
      asColumns(stage, scale, columns), weight.zeroPoint, Value(),
      bias ? asColumns(stage, bias, columns) : Value(), Value(), Value(), nn::Activation::None);
  last->getResult(0).replaceAllUsesWith(y);
  ++stage.counts.linear;
}

void raising::raiseQuantizedLinears(Stage &stage) {
  SmallVector<onnx::MatMulIntegerOp> ops;
  stage.function.walk([&](onnx::MatMulIntegerOp op) { ops.push_back(op); });
  for (onnx::MatMulIntegerOp op : ops)
    raise(stage, op);
}
