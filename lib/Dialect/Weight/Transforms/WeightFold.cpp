//===- WeightFold.cpp - What a model does to its weights, done by the compiler ------------------------===//
#include "Dequantize.h"
#include "mlir/IR/PatternMatch.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tamis::weight {
#define GEN_PASS_DEF_WEIGHTFOLD
#include "tamis/Dialect/Weight/Transforms/Passes.h.inc"
} // namespace tamis::weight

using namespace mlir;
using namespace tamis;
using namespace tamis::weight;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The type of `value` with the static shape of the same elements; the importer may not have known it.
static RankedTensorType staticType(Value value, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, typeOf(value).getElementType());
}

static std::optional<SmallVector<int64_t>> constantIntegers(Value value) {
  auto constant = value.getDefiningOp<onnx::ConstantOp>();
  auto elements = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : DenseIntElementsAttr();
  if (!elements)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (const APInt &element : elements)
    result.push_back(element.getSExtValue());
  return result;
}

/// Elements [begin, begin + size) along `axis`.
static Value slice(OpBuilder &builder, Location loc, Value input, int64_t axis, int64_t begin, int64_t size) {
  SmallVector<int64_t> shape(typeOf(input).getShape());
  shape[axis] = size;
  return SliceOp::create(builder, loc, staticType(input, shape), input, axis, begin);
}

static Value foldTranspose(OpBuilder &builder, onnx::TransposeOp op) {
  Value input = op.getX();
  SmallVector<int64_t> perm(op.getPerm()), shape;
  if (auto before = input.getDefiningOp<TransposeOp>()) {
    for (int64_t &source : perm)
      source = before.getPerm()[source];
    input = before.getInput();
  }
  if (llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return input;
  for (int64_t source : perm)
    shape.push_back(typeOf(input).getDimSize(source));
  return TransposeOp::create(builder, op.getLoc(), staticType(input, shape), input, perm);
}

static Value foldSlice(OpBuilder &builder, onnx::SliceOp op) {
  std::optional<SmallVector<int64_t>> starts = constantIntegers(op.getStarts()),
                                      ends = constantIntegers(op.getEnds());
  if (!starts || !ends || llvm::any_of(op.getSteps(), [](int64_t step) { return step != 1; }))
    return {};
  Value value = op.getData();
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    int64_t size = typeOf(value).getDimSize(axis);
    auto clamp = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
    };
    int64_t begin = clamp((*starts)[i]), end = clamp((*ends)[i]);
    if (end <= begin)
      return {};
    value = slice(builder, op.getLoc(), value, axis, begin, end - begin);
  }
  return value;
}

/// The transform for an op with one result; null when there is none.
static Value fold(OpBuilder &builder, Operation *op) {
  Location loc = op->getLoc();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](onnx::TransposeOp op) { return foldTranspose(builder, op); })
      .Case<onnx::ReshapeOp, onnx::FlattenOp, onnx::SqueezeOp, onnx::UnsqueezeOp>(
          [&](Operation *op) -> Value {
            Value input = op->getOperand(0);
            RankedTensorType type = typeOf(op->getResult(0));
            if (!type.hasStaticShape() || type.getNumElements() != typeOf(input).getNumElements())
              return {};
            return ReshapeOp::create(builder, loc, type, input);
          })
      .Case([&](onnx::CastOp op) -> Value {
        Type from = typeOf(op.getX()).getElementType(), to = typeOf(op.getY()).getElementType();
        auto known = [](Type type) { return type.isF32() || type.isF16() || type.isBF16() || type.isF64(); };
        if (from == to)
          return op.getX();
        if (!known(from) || !known(to))
          return {};
        return CastOp::create(builder, loc, typeOf(op.getX()).clone(to), op.getX());
      })
      .Case([&](onnx::ConcatOp op) -> Value {
        if (!llvm::all_of(op.getInputs(), isWeight) || !typeOf(op.getY()).hasStaticShape())
          return {};
        return ConcatOp::create(builder, loc, op.getY().getType(), op.getInputs(), op.getAxis());
      })
      .Case([&](onnx::SliceOp op) { return foldSlice(builder, op); })
      .Case([&](onnx::UnpackBitsOp op) -> Value {
        SmallVector<int64_t> shape(typeOf(op.getX()).getShape());
        shape.back() *= 8 / op.getBits();
        Value input = asWeight(builder, op.getX());
        return UnpackOp::create(builder, loc, staticType(input, shape), input, op.getBits(), false);
      })
      .Case([&](onnx::GatherOp op) -> Value {
        if (!isKnownWeight(op.getIndices()) || typeOf(op.getIndices()).getRank() != 1)
          return {};
        SmallVector<int64_t> shape(typeOf(op.getData()).getShape());
        shape[op.getAxis()] = typeOf(op.getIndices()).getDimSize(0);
        return GatherOp::create(builder, loc, staticType(op.getData(), shape), op.getData(),
                                asWeight(builder, op.getIndices()), op.getAxis());
      })
      .Default([](Operation *) { return Value(); });
}

static bool foldSplit(OpBuilder &builder, onnx::SplitOp op) {
  std::optional<SmallVector<int64_t>> sizes = op.getSizes() ? constantIntegers(op.getSizes()) : std::nullopt;
  if (op.getSizes() && !sizes)
    return false;
  int64_t total = typeOf(op.getX()).getDimSize(op.getAxis()), begin = 0;
  int64_t even = llvm::divideCeil(total, op->getNumResults());
  for (auto [i, part] : llvm::enumerate(op.getParts())) {
    int64_t size = sizes ? (*sizes)[i] : std::min(even, total - begin);
    if (size <= 0 || begin + size > total)
      return false;
    part.replaceAllUsesWith(slice(builder, op.getLoc(), op.getX(), op.getAxis(), begin, size));
    begin += size;
  }
  return true;
}

unsigned weight::foldTransforms(Operation *root) {
  unsigned folded = 0;
  OpBuilder builder(root->getContext());
  root->walk([&](Operation *op) {
    if (op->getNumOperands() == 0 || op->getNumResults() == 0 ||
        op->getName().getDialectNamespace() != onnx::ONNXDialect::getDialectNamespace())
      return;
    builder.setInsertionPoint(op);
    if (isa<onnx::MulOp, onnx::DequantizeLinearOp>(op)) {
      auto product = dyn_cast<onnx::MulOp>(op);
      Value value = product ? foldScaledCast(builder, product)
                            : foldDequantize(builder, cast<onnx::DequantizeLinearOp>(op));
      if (!value)
        return;
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
      ++folded;
      return;
    }
    bool isPacked = isa<onnx::UnpackBitsOp>(op) && isKnownWeight(op->getOperand(0));
    if ((!isWeight(op->getOperand(0)) && !isPacked) || !typeOf(op->getOperand(0)).hasStaticShape())
      return;
    if (auto split = dyn_cast<onnx::SplitOp>(op)) {
      if (!foldSplit(builder, split))
        return;
    } else if (Value value = op->getNumResults() == 1 ? fold(builder, op) : Value()) {
      op->getResult(0).replaceAllUsesWith(value);
    } else {
      return;
    }
    op->erase();
    ++folded;
  });
  return folded;
}

namespace {
struct WeightFold : tamis::weight::impl::WeightFoldBase<WeightFold> {
  void runOnOperation() override { foldedOps += foldTransforms(getOperation()); }
};
} // namespace
