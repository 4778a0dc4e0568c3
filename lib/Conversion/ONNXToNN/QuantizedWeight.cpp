//===- QuantizedWeight.cpp - Weights of 8 bits as nn.quantized_linear takes them ----------------------===//
#include "QuantizedWeight.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

bool raising::isPerColumn(Value value, int64_t columns) {
  RankedTensorType type = typeOf(value);
  if (!weight::isKnownWeight(value) || !type.hasStaticShape())
    return false;
  return type.getNumElements() == 1 ||
         (type.getNumElements() == columns && type.getShape().back() == columns);
}

Value raising::asColumns(Stage &stage, Value value, int64_t columns) {
  value = weight::asWeight(stage.builder, value);
  RankedTensorType type = typeOf(value);
  auto vector = RankedTensorType::get({columns}, type.getElementType());
  if (type == vector)
    return value;
  if (type.getNumElements() == 1)
    return weight::ExpandOp::create(stage.builder, stage.location(), vector, value);
  return weight::ReshapeOp::create(stage.builder, stage.location(), vector, value);
}

/// The elements of a constant, or of a weight that was one.
static DenseIntElementsAttr constantOf(Value value) {
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>())
    return dyn_cast<DenseIntElementsAttr>(constant.getValue());
  auto load = value.getDefiningOp<weight::LoadOp>();
  auto source =
      load ? SymbolTable::lookupNearestSymbolFrom<weight::SourceOp>(load, load.getSourceAttr()) : nullptr;
  return source ? dyn_cast_or_null<DenseIntElementsAttr>(source.getValueAttr()) : DenseIntElementsAttr();
}

static bool isFilledWith(Value value, uint64_t number) {
  DenseIntElementsAttr elements = constantOf(value);
  return elements && llvm::all_of(elements, [&](const APInt &element) { return element == number; });
}

SignedWeight raising::makeSigned(Stage &stage, Value w, Value zeroPoint) {
  OpBuilder &builder = stage.builder;
  RankedTensorType type = typeOf(w);
  int64_t columns = type.getDimSize(1);
  w = weight::asWeight(builder, w);
  if (!type.getElementType().isUnsignedInteger()) {
    bool isZero = !zeroPoint || isFilledWith(zeroPoint, 0);
    return {w, isZero ? Value() : asColumns(stage, zeroPoint, columns)};
  }
  auto toSigned = [&](Value value) {
    Type result = typeOf(value).clone(builder.getI8Type());
    return weight::ToSignedOp::create(builder, stage.location(), result, value);
  };
  if (!zeroPoint)
    zeroPoint = onnx::ConstantOp::create(
        builder, stage.location(),
        DenseElementsAttr::get(RankedTensorType::get({1}, type.getElementType()), APInt(8, 0)));
  w = toSigned(w);
  // The usual zero point of unsigned weights: nothing is left of it.
  bool isMiddle = isFilledWith(zeroPoint, 128);
  return {w, isMiddle ? Value() : toSigned(asColumns(stage, zeroPoint, columns))};
}
