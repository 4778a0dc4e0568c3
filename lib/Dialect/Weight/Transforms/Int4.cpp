//===- Int4.cpp - Weights of 4 bits as they are in the model -------------------------------------------===//
#include "Int4.h"

#include "tamis/Dialect/Weight/IR/Int4Format.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::weight;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// (q - zero) * scale, in blocks along dimension `axis` of q. An absent zero is 8 for unsigned numbers and 0
/// for signed ones.
struct Quantized {
  Value q, scale, zero;
  int64_t axis, block;
  bool isUnsigned;

  bool isLike(const Quantized &other) const {
    return axis == other.axis && block == other.block && isUnsigned == other.isUnsigned &&
           bool(zero) == bool(other.zero);
  }
};

/// Finds the integers behind transforms of a dequantised weight, and does to them what the transforms do.
class QuantizedFinder {
public:
  QuantizedFinder(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  std::optional<Quantized> find(Value w) {
    return llvm::TypeSwitch<Operation *, std::optional<Quantized>>(w.getDefiningOp())
        .Case([&](DequantizeOp op) { return ofDequantize(op); })
        .Case([&](CastOp op) { return find(op.getInput()); })
        .Case([&](TransposeOp op) { return ofTranspose(op); })
        .Case([&](ReshapeOp op) { return ofReshape(op); })
        .Case([&](SliceOp op) { return ofSlice(op); })
        .Case([&](GatherOp op) { return ofGather(op); })
        .Case([&](ConcatOp op) { return ofConcat(op); })
        .Case([&](InterleaveColumnsOp op) { return ofInterleaved(op); })
        .Default([](Operation *) { return std::nullopt; });
  }

private:
  /// Whether the elements of a weight have 4 bits at most.
  static bool isOfFewBits(Value q) {
    if (typeOf(q).getElementTypeBitWidth() <= 4)
      return true;
    return llvm::TypeSwitch<Operation *, bool>(q.getDefiningOp())
        .Case([](UnpackOp op) { return op.getBits() <= 4; })
        .Case<ReshapeOp, SliceOp, TransposeOp>([](auto op) { return isOfFewBits(op.getInput()); })
        .Default(false);
  }

  /// The integer that a weight of one element is known to be.
  static std::optional<int64_t> knownInteger(Value value) {
    auto load = value.getDefiningOp<LoadOp>();
    if (!load)
      return std::nullopt;
    auto source = SymbolTable::lookupNearestSymbolFrom<SourceOp>(load, load.getSourceAttr());
    auto dense = source && source.getValue() ? dyn_cast<DenseIntElementsAttr>(*source.getValue())
                                             : DenseIntElementsAttr();
    if (!dense || dense.getNumElements() != 1)
      return std::nullopt;
    const APInt number = *dense.begin();
    return dense.getElementType().isUnsignedInteger() ? static_cast<int64_t>(number.getZExtValue())
                                                      : number.getSExtValue();
  }

  std::optional<Quantized> ofDequantize(DequantizeOp op) {
    RankedTensorType type = typeOf(op.getInput());
    int64_t block = op.getBlockSize();
    bool fits =
        llvm::is_contained(Int4Format::groups, block) || (block > 0 && block % Int4Format::groups[3] == 0);
    if (!fits || !isOfFewBits(op.getInput()))
      return std::nullopt;
    Quantized found{op.getInput(), op.getScale(),     op.getZeroPoint(), static_cast<int64_t>(op.getAxis()),
                    block,         op.getIsUnsigned()};
    SmallVector<int64_t> shape(type.getShape());
    shape[found.axis] = llvm::divideCeil(shape[found.axis], block);
    auto expand = [&](Value &parameter) {
      if (parameter && typeOf(parameter).getShape() != ArrayRef(shape))
        parameter = ExpandOp::create(builder, loc, typeOf(parameter).clone(shape), parameter);
    };
    expand(found.scale);
    int64_t defaultZero = found.isUnsigned ? Int4Format::defaultZero : 0;
    if (!found.zero && found.isUnsigned)
      return std::nullopt; // 0, which no quantiser of 4 bits leaves out
    if (found.zero && typeOf(found.zero).getNumElements() == 1 && knownInteger(found.zero) == defaultZero)
      found.zero = {};
    expand(found.zero);
    return found;
  }

  std::optional<Quantized> ofTranspose(TransposeOp op) {
    std::optional<Quantized> found = find(op.getInput());
    if (!found)
      return std::nullopt;
    for (Value *part : parts(*found)) {
      SmallVector<int64_t> shape;
      for (int64_t axis : op.getPerm())
        shape.push_back(typeOf(*part).getDimSize(axis));
      *part = TransposeOp::create(builder, loc, typeOf(*part).clone(shape), *part, op.getPerm());
    }
    found->axis = llvm::find(op.getPerm(), found->axis) - op.getPerm().begin();
    return found;
  }

  /// Of dimensions before the last one, along which there are blocks.
  std::optional<Quantized> ofReshape(ReshapeOp op) {
    std::optional<Quantized> found = find(op.getInput());
    ArrayRef<int64_t> target = typeOf(op.getResult()).getShape();
    if (!found || target.empty() || found->axis + 1 != typeOf(found->q).getRank() ||
        target.back() != typeOf(found->q).getShape().back())
      return std::nullopt;
    for (Value *part : parts(*found)) {
      SmallVector<int64_t> shape(target);
      shape.back() = typeOf(*part).getShape().back();
      *part = ReshapeOp::create(builder, loc, typeOf(*part).clone(shape), *part);
    }
    found->axis = static_cast<int64_t>(target.size()) - 1;
    return found;
  }

  std::optional<Quantized> ofSlice(SliceOp op) {
    std::optional<Quantized> found = find(op.getInput());
    auto axis = static_cast<int64_t>(op.getAxis()), begin = static_cast<int64_t>(op.getBegin()),
         size = typeOf(op.getResult()).getDimSize(axis);
    if (!found || (axis == found->axis && begin % found->block))
      return std::nullopt;
    for (Value *part : parts(*found)) {
      bool hasBlocks = axis == found->axis && *part != found->q;
      int64_t block = hasBlocks ? found->block : 1;
      SmallVector<int64_t> shape(typeOf(*part).getShape());
      shape[axis] = llvm::divideCeil(size, block);
      *part = SliceOp::create(builder, loc, typeOf(*part).clone(shape), *part, axis, begin / block);
    }
    return found;
  }

  /// Along a dimension that has no blocks.
  std::optional<Quantized> ofGather(GatherOp op) {
    std::optional<Quantized> found = find(op.getInput());
    if (!found || found->axis == static_cast<int64_t>(op.getAxis()))
      return std::nullopt;
    for (Value *part : parts(*found)) {
      SmallVector<int64_t> shape(typeOf(*part).getShape());
      shape[op.getAxis()] = typeOf(op.getIndices()).getNumElements();
      *part =
          GatherOp::create(builder, loc, typeOf(*part).clone(shape), *part, op.getIndices(), op.getAxis());
    }
    return found;
  }

  /// Of weights side by side, along a dimension that has no blocks.
  std::optional<Quantized> ofConcat(ConcatOp op) {
    return join(op.getInputs(), op.getAxis(), [&](ValueRange values) -> Value {
      SmallVector<int64_t> shape(typeOf(values.front()).getShape());
      shape[op.getAxis()] = 0;
      for (Value value : values)
        shape[op.getAxis()] += typeOf(value).getDimSize(op.getAxis());
      return ConcatOp::create(builder, loc, typeOf(values.front()).clone(shape), values, op.getAxis());
    });
  }

  /// Columns behind the last are 0 with the scale 0.
  std::optional<Quantized> ofInterleaved(InterleaveColumnsOp op) {
    return join(op->getOperands(), typeOf(op.getResult()).getRank() - 1, [&](ValueRange values) -> Value {
      SmallVector<int64_t> shape(typeOf(values.front()).getShape());
      shape.back() = 2 * llvm::alignTo(shape.back(), 8);
      return InterleaveColumnsOp::create(builder, loc, typeOf(values.front()).clone(shape), values[0],
                                         values[1]);
    });
  }

  /// What `make` makes of each part of several weights that are quantised in the same way, with blocks along
  /// another dimension than `axis`.
  std::optional<Quantized> join(ValueRange inputs, int64_t axis, function_ref<Value(ValueRange)> make) {
    SmallVector<Quantized> all;
    for (Value input : inputs) {
      std::optional<Quantized> found = find(input);
      if (!found || found->axis == axis || (!all.empty() && !found->isLike(all.front())))
        return std::nullopt;
      all.push_back(*found);
    }
    Quantized joined = all.front();
    for (Value Quantized::*part : {&Quantized::q, &Quantized::scale, &Quantized::zero}) {
      if (!(joined.*part))
        continue;
      SmallVector<Value> values;
      for (Quantized &one : all) {
        if (typeOf(one.*part).getElementType() != typeOf(joined.*part).getElementType())
          return std::nullopt;
        values.push_back(one.*part);
      }
      joined.*part = make(values);
    }
    return joined;
  }

  static SmallVector<Value *> parts(Quantized &quantized) {
    SmallVector<Value *> all{&quantized.scale, &quantized.q};
    if (quantized.zero)
      all.push_back(&quantized.zero);
    return all;
  }

  OpBuilder &builder;
  Location loc;
};
} // namespace

Value tamis::weight::packAsQuantized(OpBuilder &builder, Location loc, Value w) {
  std::optional<Quantized> found = QuantizedFinder(builder, loc).find(w);
  if (!found || found->axis != typeOf(w).getRank() - 2)
    return {};
  Int4Format format{std::min(found->block, Int4Format::groups[3]), bool(found->zero)};
  SmallVector<int64_t> shape = format.shapeOf(typeOf(w).getShape());
  return PackInt4Op::create(builder, loc, RankedTensorType::get(shape, builder.getI32Type()), found->q,
                            found->scale, found->zero, found->block, found->isUnsigned);
}

bool tamis::weight::wasQuantized(Value w) {
  Operation *op = w.getDefiningOp();
  if (isa_and_nonnull<DequantizeOp>(op))
    return true;
  return isWeightOp(op) && llvm::any_of(op->getOperands(), wasQuantized);
}
