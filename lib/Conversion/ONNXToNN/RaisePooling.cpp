//===- RaisePooling.cpp - The mean over the real tokens as one op -------------------------------------===//
#include "Raising.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// The operand of a sum over the tokens, [B, S, H] to [B, H] or [B, S] to [B, 1].
static Value sumOverTokens(Value value) {
  auto sum = skipIdleCasts(value).getDefiningOp<onnx::ReduceSumOp>();
  if (!sum || sum.getAxes() != ArrayRef<int64_t>{1} ||
      typeOf(sum.getData()).getRank() != (sum.getKeepdims() ? 2 : 3))
    return {};
  return skipIdleCasts(sum.getData());
}

/// The argument [B, S] whose element [b, s] `value`, [B, S] or [B, S, 1 or H], repeats; null when it is none.
static Value repeatedMask(Stage &stage, Value value, ArrayRef<onnx::Polynomial> tokens) {
  int64_t rank = typeOf(value).getRank();
  if (rank != 2 && rank != 3)
    return {};
  onnx::Polynomial batch = stage.shapes.newIndex(tokens[0]), token = stage.shapes.newIndex(tokens[1]),
                   column = stage.shapes.newIndex(tokens[2]);
  onnx::ElementOf place{value, {batch, token}};
  if (rank == 3)
    place.indices.push_back(stage.shapes.sizes(value)[2].isConstant(1) ? onnx::Polynomial() : column);
  const onnx::Element *element = stage.elements.build(place);
  if (element->kind != onnx::Element::Argument)
    return {};
  const onnx::ElementOf &read = element->argument;
  Type type = typeOf(read.tensor).getElementType();
  if (read.indices.size() != 2 || !(read.indices[0] == batch) || !(read.indices[1] == token) ||
      !(type.isInteger(1) || type.isSignlessInteger(32) || type.isSignlessInteger(64) || type.isF32()))
    return {};
  return read.tensor;
}

static void raise(Stage &stage, onnx::DivOp op) {
  auto product =
      sumOverTokens(op.getA()) ? sumOverTokens(op.getA()).getDefiningOp<onnx::MulOp>() : onnx::MulOp();
  if (!product || !isF32(op.getC()) || typeOf(product.getC()).getRank() != 3)
    return;
  // The count, not below epsilon.
  Value count;
  std::optional<double> epsilon;
  Operation *divisor = skipIdleCasts(op.getB()).getDefiningOp();
  if (auto clip = dyn_cast_or_null<onnx::ClipOp>(divisor); clip && clip.getMin() && !clip.getMax()) {
    count = clip.getX();
    epsilon = stage.scalar(clip.getMin());
  } else if (isa_and_nonnull<onnx::MaxOp>(divisor)) {
    epsilon = stage.scalarOperand(divisor, count);
  }
  Value counted = epsilon ? sumOverTokens(count) : Value();
  if (!counted)
    return stage.remark(
        op, "this looks like a mean over tokens, but its divisor is no count of at least a constant");
  for (unsigned i : {0u, 1u}) {
    Value x = product->getOperand(i), weights = product->getOperand(1 - i);
    ArrayRef<onnx::Polynomial> sizes = stage.shapes.sizes(x);
    if (sizes.size() != 3)
      continue;
    Value mask = repeatedMask(stage, weights, sizes);
    if (!mask || repeatedMask(stage, counted, sizes) != mask)
      continue;
    stage.buildAt(op);
    op.getC().replaceAllUsesWith(nn::MeanPoolOp::create(stage.builder, stage.location(), op.getC().getType(),
                                                        x, mask, Value(), Value(),
                                                        APFloat(static_cast<float>(*epsilon))));
    ++stage.counts.pool;
    return;
  }
  stage.remark(op, "this looks like a mean over tokens, but its weights are not the elements of one mask");
}

void raising::raisePooling(Stage &stage) {
  SmallVector<onnx::DivOp> ops;
  stage.function.walk([&](onnx::DivOp op) { ops.push_back(op); });
  for (onnx::DivOp op : ops)
    raise(stage, op);
}
