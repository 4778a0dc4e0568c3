//===- Dequantize.cpp - Dequantised weights as transforms -----------------------------------------------===//
#include "Dequantize.h"

#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::weight;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool weight::isKnownWeight(Value value) {
  auto constant = value ? value.getDefiningOp<onnx::ConstantOp>() : onnx::ConstantOp();
  return isWeight(value) || (constant && isa<DenseElementsAttr>(constant.getValue()));
}

Value weight::asWeight(OpBuilder &builder, Value value) {
  auto constant = value ? value.getDefiningOp<onnx::ConstantOp>() : onnx::ConstantOp();
  if (!constant)
    return value;
  auto module = constant->getParentOfType<ModuleOp>();
  OpBuilder::InsertionGuard guard(builder);
  auto source =
      SourceOp::create(builder, constant.getLoc(), builder.getStringAttr("constant"),
                       TypeAttr::get(constant.getType()), StringAttr(), IntegerAttr(), constant.getValue());
  source->remove();
  StringAttr symbol = SymbolTable(module).insert(source, module.getBody()->begin());
  builder.setInsertionPoint(constant);
  return LoadOp::create(builder, constant.getLoc(), constant.getType(), FlatSymbolRefAttr::get(symbol));
}

static Value dequantize(OpBuilder &builder, Location loc, Value input, Value scale, Value zeroPoint,
                        int64_t axis, int64_t blockSize) {
  auto type = typeOf(input).clone(builder.getF32Type());
  bool isUnsigned = typeOf(input).getElementType().isUnsignedInteger();
  return DequantizeOp::create(builder, loc, type, asWeight(builder, input), asWeight(builder, scale),
                              asWeight(builder, zeroPoint), axis, blockSize, isUnsigned);
}

Value weight::foldDequantize(OpBuilder &builder, onnx::DequantizeLinearOp op) {
  Type target = typeOf(op.getY()).getElementType();
  if (!isKnownWeight(op.getX()) || !isKnownWeight(op.getScale()) ||
      (op.getZeroPoint() && !isKnownWeight(op.getZeroPoint())) || target.isF64() ||
      typeOf(op.getX()).getNumElements() <= 16)
    return {};
  Value value = dequantize(builder, op.getLoc(), op.getX(), op.getScale(), op.getZeroPoint(), op.getAxis(),
                           op.getBlockSize());
  return target.isF32() ? value : CastOp::create(builder, op.getLoc(), typeOf(value).clone(target), value);
}

/// The operand of a cast from integers of 8 bits, a weight, to f32.
static Value castFromBytes(Value value) {
  auto cast = value.getDefiningOp<onnx::CastOp>();
  return cast && typeOf(cast.getY()).getElementType().isF32() && isKnownWeight(cast.getX()) &&
                 typeOf(cast.getX()).getElementType().isInteger(8)
             ? cast.getX()
             : Value();
}

/// A scale or zero point that is broadcast to `data` as a vector along the one axis on which it is not 1.
static Value alongAxis(OpBuilder &builder, Location loc, Value parameter, RankedTensorType data,
                       int64_t &axis) {
  RankedTensorType type = typeOf(parameter);
  if (type.getRank() > data.getRank() || !type.hasStaticShape())
    return {};
  int64_t found = -1, offset = data.getRank() - type.getRank();
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (size == 1)
      continue;
    if (found >= 0 || size != data.getDimSize(i + offset))
      return {};
    found = i + offset;
  }
  if (found < 0)
    return parameter;
  if (axis >= 0 && axis != found)
    return {};
  axis = found;
  Value vector = asWeight(builder, parameter);
  if (type.getRank() == 1)
    return vector;
  return ReshapeOp::create(builder, loc, typeOf(vector).clone({data.getDimSize(found)}), vector);
}

Value weight::foldScaledCast(OpBuilder &builder, onnx::MulOp op) {
  for (unsigned i : {0u, 1u}) {
    Value factor = op->getOperand(1 - i), zeroPoint, input = castFromBytes(op->getOperand(i));
    if (auto difference = op->getOperand(i).getDefiningOp<onnx::SubOp>()) {
      input = castFromBytes(difference.getA());
      zeroPoint = castFromBytes(difference.getB());
      if (!zeroPoint || !input || typeOf(zeroPoint).getElementType() != typeOf(input).getElementType())
        continue;
    }
    if (!input || !isKnownWeight(factor) || !typeOf(factor).getElementType().isF32() ||
        op.getC().getType() != typeOf(input).clone(builder.getF32Type()))
      continue;
    int64_t axis = -1;
    Value scale = alongAxis(builder, op.getLoc(), factor, typeOf(input), axis);
    if (zeroPoint)
      zeroPoint = alongAxis(builder, op.getLoc(), zeroPoint, typeOf(input), axis);
    if (!scale || (!zeroPoint && op->getOperand(i).getDefiningOp<onnx::SubOp>()))
      continue;
    return dequantize(builder, op.getLoc(), input, scale, zeroPoint, std::max<int64_t>(axis, 0), 0);
  }
  return {};
}
