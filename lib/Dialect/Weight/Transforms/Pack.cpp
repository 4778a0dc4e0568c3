//===- Pack.cpp - Weights in the layout and precision of the microkernels ------------------------------===//
#include "tamis/Dialect/Weight/Transforms/Pack.h"

#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::weight;

std::optional<Precision> weight::symbolizePrecision(StringRef name) {
  return llvm::StringSwitch<std::optional<Precision>>(name)
      .Case("f32", Precision::F32)
      .Case("split-f32", Precision::SplitF32)
      .Case("bf16", Precision::BF16)
      .Case("int8", Precision::Int8)
      .Default(std::nullopt);
}

StringRef weight::stringifyPrecision(Precision precision) {
  switch (precision) {
  case Precision::F32:
    return "f32";
  case Precision::SplitF32:
    return "split-f32";
  case Precision::BF16:
    return "bf16";
  case Precision::Int8:
    return "int8";
  }
  return "";
}

StringRef weight::knownPrecisions() { return "there are f32, split-f32, bf16 and int8"; }

FailureOr<Precision> weight::parsePrecision(Operation *op, StringRef name) {
  if (std::optional<Precision> precision = symbolizePrecision(name))
    return *precision;
  return op->emitError("there is no precision '") << name << "'; " << knownPrecisions();
}

Value weight::packPanels(OpBuilder &builder, Location loc, Value w, Type element, bool split) {
  auto type = cast<RankedTensorType>(w.getType());
  ArrayRef<int64_t> matrix = type.getShape().take_back(2);
  int64_t k = matrix[0], panels = llvm::divideCeil(matrix[1], 16),
          perWord = 32 / element.getIntOrFloatBitWidth();
  SmallVector<int64_t> shape{panels, k, 16};
  if (perWord > 1) {
    shape[1] = llvm::alignTo(llvm::divideCeil(k, perWord), 16);
    shape.push_back(perWord);
  }
  if (split)
    shape = {panels, shape[1] / 16, 32, 16, 2};
  ArrayRef<int64_t> leading = type.getShape().drop_back(2);
  shape.insert(shape.begin(), leading.begin(), leading.end());
  return PackPanelsOp::create(builder, loc, RankedTensorType::get(shape, element), w);
}

PackedWeight weight::pack(OpBuilder &builder, Location loc, Value w, Precision precision) {
  auto type = cast<RankedTensorType>(w.getType());
  int64_t k = type.getShape().take_back(2).front();
  if (k % 2 && (precision == Precision::BF16 || precision == Precision::SplitF32))
    precision = Precision::F32;
  PackedWeight result;
  result.precision = precision;
  if (precision == Precision::Int8) {
    SmallVector<int64_t> columns(type.getShape());
    columns.erase(columns.end() - 2);
    result.scale =
        ColumnScalesOp::create(builder, loc, RankedTensorType::get(columns, builder.getF32Type()), w);
    w = QuantizeColumnsOp::create(builder, loc, type.clone(builder.getI8Type()), w);
    result.sums =
        ColumnSumsOp::create(builder, loc, RankedTensorType::get(columns, builder.getI32Type()), w, Value());
  }
  Type element = precision == Precision::F32    ? Type(builder.getF32Type())
                 : precision == Precision::Int8 ? Type(builder.getI8Type())
                                                : Type(builder.getBF16Type());
  result.w = packPanels(builder, loc, w, element, precision == Precision::SplitF32);
  return result;
}
