//===- Shape.cpp - Lowerings of constants, sizes and ranges ---------------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static ElementsAttr signlessElements(ElementsAttr value) {
  Type element = value.getElementType();
  if (element == signless(element))
    return value;
  auto dense = cast<DenseElementsAttr>(value);
  unsigned width = signless(element).getIntOrFloatBitWidth();
  if (element.getIntOrFloatBitWidth() == width)
    return dense.bitcast(signless(element));
  return cast<DenseIntElementsAttr>(dense).mapValues(signless(element), [&](const APInt &number) {
    return element.isUnsignedInteger() ? number.zext(width) : number.sext(width);
  });
}

static LoweredValues lowerConstant(onnx::ConstantOp op, onnx::ConstantOp::Adaptor, Lowering &l) {
  if (getElementTypeOrSelf(op.getType()).isUnsignedInteger() && !isa<DenseElementsAttr>(op.getValue())) {
    l.emitError("the constant is stored in a form that cannot be read; make it an initialiser");
    return {};
  }
  return {arith::ConstantOp::create(l, l.getLoc(), cast<TypedAttr>(signlessElements(op.getValue())))};
}

static LoweredValues lowerShape(onnx::ShapeOp op, onnx::ShapeOp::Adaptor operands, Lowering &l) {
  SmallVector<Value> sizes;
  for (int64_t i = op.getStart(); i < static_cast<int64_t>(op.getEnd()); ++i)
    sizes.push_back(l.toInteger(l.dim(operands.getX(), i), l.getI64Type()));
  return {l.fromElements(RankedTensorType::get(sizes.size(), l.getI64Type()), sizes)};
}

static LoweredValues lowerSize(SizeOp op, SizeOp::Adaptor operands, Lowering &l) {
  Value count = l.toInteger(l.product(l.sizes(operands.getX())), l.getI64Type());
  return {l.fromElements(RankedTensorType::get({}, l.getI64Type()), count)};
}

static LoweredValues lowerConstantOfShape(ConstantOfShapeOp op, ConstantOfShapeOp::Adaptor operands,
                                          Lowering &l) {
  auto attribute = cast<DenseElementsAttr>(signlessElements(op.getValue()));
  Value value =
      arith::ConstantOp::create(l, l.getLoc(), cast<TypedAttr>(*attribute.value_begin<Attribute>()));
  SmallVector<Polynomial> symbolic(l.symbolicShapes().sizes(op.getY()));
  SmallVector<Size> sizes;
  Value count = l.index(1);
  for (auto [i, size] : llvm::enumerate(l.elements(operands.getShape()))) {
    sizes.push_back(l.size(l.toIndex(size), symbolic[i]));
    l.checkCount(l.value(sizes.back()));
    count = l.mul(count, l.value(sizes.back()));
    if (i > 0)
      l.checkCount(count);
  }
  RankedTensorType type = l.resultType();
  if (Lowering::isSmall(type))
    return {l.fromElements(type, SmallVector<Value>(type.getNumElements(), value))};
  return {l.filled(sizes, value)};
}

static LoweredValues lowerRange(RangeOp op, RangeOp::Adaptor operands, Lowering &l) {
  Value start = l.onlyElement(operands.getStart()), limit = l.onlyElement(operands.getLimit()),
        delta = l.onlyElement(operands.getDelta());
  RankedTensorType type = l.resultType();
  Type element = type.getElementType();
  l.check(l.compare(Compare::NotEqual, delta, l.integer(element, 0)), "the step of a range is 0");
  Value count;
  if (isa<FloatType>(element)) {
    // In f64, as ONNX Runtime does.
    auto wide = [&](Value x) { return l.convert(x, l.getF64Type()); };
    Value steps = l.math<math::CeilOp>(l.div(l.sub(wide(limit), wide(start)), wide(delta)));
    l.check(l.compare(Compare::LessOrEqual, steps, l.number(l.getF64Type(), std::ldexp(1.0, 40))),
            "the range is larger than any memory");
    Value positive = l.compare(Compare::Greater, steps, l.number(l.getF64Type(), 0));
    steps = l.select(positive, steps, l.number(l.getF64Type(), 0));
    count = l.toIndex(l.convert(steps, l.getI64Type()));
  } else {
    auto wide = [&](Value x) { return l.toIndex(l.convert(x, l.getI64Type())); };
    Value up = l.compare(Compare::Greater, wide(delta), l.index(0));
    Value distance = l.sub(wide(limit), wide(start));
    Value length = l.select(up, distance, l.neg(distance));
    length = l.max(length, l.index(0));
    count = l.ceilDiv(length, l.abs(wide(delta)));
    l.checkCount(count);
  }
  Size size = l.size(count, l.symbolicShapes().sizes(op.getY())[0]);
  if (Lowering::isSmall(type) && element.isInteger()) {
    SmallVector<Value> values;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      values.push_back(l.add(start, l.mul(l.integer(element, i), delta)));
    return {l.fromElements(type, values)};
  }
  return {l.generic({}, {}, size, element, [&](ScalarBuilder &b, ValueRange) {
    Value at = b.toInteger(linalg::IndexOp::create(b, b.getLoc(), 0), b.getI64Type());
    return b.add(start, b.mul(b.convert(at, element), delta));
  })};
}

void tamis::onnx::addShapeLowerings(LoweringPatterns &patterns) {
  patterns.add<onnx::ConstantOp>(lowerConstant);
  patterns.add<onnx::ShapeOp>(lowerShape);
  patterns.add<SizeOp>(lowerSize);
  patterns.add<ConstantOfShapeOp>(lowerConstantOfShape);
  patterns.add<RangeOp>(lowerRange);
}
