//===- Pack.cpp - Weights in the layout and precision of the microkernels ------------------------------===//
#include "tamis/Dialect/Weight/Transforms/Pack.h"

#include "Int4.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"
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
      .Case("int4", Precision::Int4)
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
  case Precision::Int4:
    return "int4";
  }
  return "";
}

StringRef weight::knownPrecisions() { return "there are f32, split-f32, bf16, int8 and int4"; }

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

bool weight::isInt4Group(int64_t group) { return group == 32 || group == 64 || group == 128; }

/// A weight that has 4 bits in the model keeps its numbers, and so its blocks. Another one is rounded, which
/// is to be known of one that the model has rounded before.
static Value packInt4(OpBuilder &builder, Location loc, Value w, int64_t group) {
  if (Value packed = packAsQuantized(builder, loc, w))
    return packed;
  if (wasQuantized(w))
    emitWarning(loc,
                "has a weight of integers that int4 cannot keep as they are (it keeps 2 or 4 bits in blocks "
                "along K of 16, 32, 64 or a multiple of 128), so it is rounded once more; give the layer "
                "another precision with --layer-precision, or quantise the model again");
  auto type = cast<RankedTensorType>(w.getType());
  SmallVector<int64_t> shape = Int4Format{group, false}.shapeOf(type.getShape());
  return QuantizeInt4Op::create(builder, loc, RankedTensorType::get(shape, builder.getI32Type()), w, group);
}

PackedWeight weight::pack(OpBuilder &builder, Location loc, Value w, Precision precision, int64_t int4Group) {
  auto type = cast<RankedTensorType>(w.getType());
  int64_t k = type.getShape().take_back(2).front();
  if (k % 2 && (precision == Precision::BF16 || precision == Precision::SplitF32))
    precision = Precision::F32;
  if (precision == Precision::Int4)
    return {packInt4(builder, loc, w, int4Group), Value(), Value(), precision};
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
