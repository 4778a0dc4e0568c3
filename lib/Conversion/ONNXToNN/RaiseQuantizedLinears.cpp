//===- RaiseQuantizedLinears.cpp - Products of dynamically quantised rows with 8-bit weights ----------===//
//
// DynamicQuantizeLinear -> MatMulInteger -> Cast -> Mul by both scales (-> Add of a bias), in which the
// scales may be multiplied with each other first, or one after the other. DynamicQuantizeMatMul is imported
// as this.
//
//===--------------------------------------------------------------------------------------------------===//
#include "Raising.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// [N], [1, N], ..., or one element, of something the compiler knows.
static bool isPerColumn(Value value, int64_t columns) {
  RankedTensorType type = typeOf(value);
  if (!weight::isKnownWeight(value) || !type.hasStaticShape())
    return false;
  return type.getNumElements() == 1 ||
         (type.getNumElements() == columns && type.getShape().back() == columns);
}

/// The same as a weight [N].
static Value asColumns(Stage &stage, Value value, int64_t columns) {
  value = weight::asWeight(stage.builder, value);
  RankedTensorType type = typeOf(value);
  auto vector = RankedTensorType::get({columns}, type.getElementType());
  if (type == vector)
    return value;
  if (type.getNumElements() == 1)
    return weight::ExpandOp::create(stage.builder, stage.location(), vector, value);
  return weight::ReshapeOp::create(stage.builder, stage.location(), vector, value);
}

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

static bool isZero(Value zeroPoint) {
  auto constant = zeroPoint.getDefiningOp<onnx::ConstantOp>();
  auto dense = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : DenseIntElementsAttr();
  return dense && llvm::all_of(dense, [](const APInt &value) { return value.isZero(); });
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
  if (rows > INT32_MAX / (255 * 255))
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
  Value w = weight::asWeight(stage.builder, op.getB());
  Type i8 = stage.builder.getI8Type();
  auto toSigned = [&](Value value) {
    return weight::ToSignedOp::create(stage.builder, stage.location(), typeOf(value).clone(i8), value);
  };
  if (wType.getElementType().isUnsignedInteger()) {
    if (!zeroPoint)
      zeroPoint = onnx::ConstantOp::create(
          stage.builder, stage.location(),
          DenseElementsAttr::get(RankedTensorType::get({1}, wType.getElementType()), APInt(8, 0)));
    w = toSigned(w);
    // The usual zero point of unsigned weights: nothing is left of it.
    auto constant = zeroPoint.getDefiningOp<onnx::ConstantOp>();
    auto dense = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : DenseIntElementsAttr();
    bool isMiddle = dense && llvm::all_of(dense, [](const APInt &value) { return value == 128; });
    zeroPoint = isMiddle ? Value() : toSigned(asColumns(stage, zeroPoint, columns));
  } else if (zeroPoint) {
    zeroPoint = isZero(zeroPoint) ? Value() : asColumns(stage, zeroPoint, columns);
  }
  Value y = nn::QuantizedLinearOp::create(stage.builder, stage.location(), last->getResult(0).getType(),
                                          quantize.getX(), w, asColumns(stage, scale, columns), zeroPoint,
                                          Value(), bias ? asColumns(stage, bias, columns) : Value(), Value(),
                                          nn::Activation::None);
  last->getResult(0).replaceAllUsesWith(y);
  ++stage.counts.linear;
}

void raising::raiseQuantizedLinears(Stage &stage) {
  SmallVector<onnx::MatMulIntegerOp> ops;
  stage.function.walk([&](onnx::MatMulIntegerOp op) { ops.push_back(op); });
  for (onnx::MatMulIntegerOp op : ops)
    raise(stage, op);
}
