//===- RaiseLinears.cpp - Products with weights, and sums of rows of tables ---------------------------===//
#include "Raising.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// Evaluated at compile time: comes from weight.load through transforms.
static bool isWeight(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->getName().getDialectNamespace() == "weight";
}

/// A value [N], [1, N], ... as a vector; null when it has another shape.
static Value asVector(Stage &stage, Value value, int64_t size) {
  RankedTensorType type = typeOf(value);
  if (!type.hasStaticShape() || type.getNumElements() != size || type.getRank() < 1 ||
      type.getShape().back() != size || !type.getElementType().isF32())
    return {};
  if (type.getRank() == 1)
    return value;
  if (!isWeight(value))
    return {};
  return weight::ReshapeOp::create(stage.builder, stage.location(),
                                   RankedTensorType::get({size}, type.getElementType()), value);
}

static void finish(Stage &stage, Operation *op, Value y) {
  op->getResult(0).replaceAllUsesWith(y);
  ++stage.counts.linear;
}

static Value linear(Stage &stage, Type type, Value x, Value w, Value bias) {
  return nn::LinearOp::create(stage.builder, stage.location(), type, x, w, bias, Value(),
                              nn::ActivationAttr::get(stage.builder.getContext(), nn::Activation::None));
}

static void raiseMatMul(Stage &stage, onnx::MatMulOp op) {
  RankedTensorType w = typeOf(op.getB()), y = typeOf(op.getC());
  if (!isWeight(op.getB()) || w.getRank() != 2 || typeOf(op.getA()).getRank() < 2 || !isF32(op.getC()))
    return;
  // The bias goes in where nothing else reads the product.
  Operation *last = op;
  Value bias;
  auto add = op.getC().hasOneUse() ? dyn_cast<onnx::AddOp>(*op.getC().user_begin()) : onnx::AddOp();
  if (add && add.getC().getType() == y) {
    stage.buildAt(add);
    if ((bias = asVector(stage, add.getA() == op.getC() ? add.getB() : add.getA(), w.getDimSize(1))))
      last = add;
  }
  stage.buildAt(last, op); // Named for the product: that is where the time goes.
  finish(stage, last, linear(stage, last->getResult(0).getType(), op.getA(), op.getB(), bias));
}

static void raiseGemm(Stage &stage, onnx::GemmOp op) {
  if (!isWeight(op.getB()) || op.getTransA() || !isF32(op.getY()) || typeOf(op.getB()).getRank() != 2)
    return;
  stage.buildAt(op);
  Value w = op.getB();
  RankedTensorType type = typeOf(w);
  if (op.getTransB()) {
    type = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
    w = weight::TransposeOp::create(stage.builder, stage.location(), type, w, ArrayRef<int64_t>{1, 0});
  }
  auto scaled = [&](Value value, const APFloat &factor) -> Value {
    if (factor.isExactlyValue(1.0))
      return value;
    return weight::ScaleOp::create(stage.builder, stage.location(), value.getType(), value,
                                   APFloat(static_cast<double>(factor.convertToFloat())));
  };
  Value bias;
  if (op.getC()) {
    bool unscaled = op.getBeta().isExactlyValue(1.0);
    bias = isWeight(op.getC()) || unscaled ? asVector(stage, op.getC(), type.getDimSize(1)) : Value();
    if (!bias)
      return stage.remark(op, "the bias is no vector of a weight, so this stays a general product");
    bias = scaled(bias, op.getBeta());
  }
  finish(stage, op, linear(stage, op.getY().getType(), op.getA(), scaled(w, op.getAlpha()), bias));
}

void raising::raiseLinears(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    if (auto product = dyn_cast<onnx::MatMulOp>(op))
      raiseMatMul(stage, product);
    else if (auto product = dyn_cast<onnx::GemmOp>(op))
      raiseGemm(stage, product);
  }
}

/// Ids whose rows can be added to a result of `type` by nn.embedding: its trailing dimensions, the first of
/// them perhaps 1.
static bool fits(Value ids, RankedTensorType type) {
  RankedTensorType from = typeOf(ids);
  int64_t offset = type.getRank() - 1 - from.getRank();
  if (offset < 0)
    return false;
  for (int64_t i = 1; i < from.getRank(); ++i)
    if (from.getDimSize(i) == 1 && type.getDimSize(i + offset) != 1)
      return false;
  return true;
}

void raising::raiseEmbeddings(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops) {
    stage.buildAt(op);
    if (auto gather = dyn_cast<onnx::GatherOp>(op)) {
      RankedTensorType table = typeOf(gather.getData());
      if (gather.getAxis() != 0 || table.getRank() != 2 || !isF32(gather.getY()) ||
          !isWeight(gather.getData()) || typeOf(gather.getIndices()).getRank() < 1)
        continue;
      Value y = nn::EmbeddingOp::create(stage.builder, stage.location(), gather.getY().getType(),
                                        ValueRange{gather.getData()}, ValueRange{gather.getIndices()});
      gather.getY().replaceAllUsesWith(y);
      ++stage.counts.embedding;
    } else if (auto add = dyn_cast<onnx::AddOp>(op)) {
      auto a = add.getA().getDefiningOp<nn::EmbeddingOp>(), b = add.getB().getDefiningOp<nn::EmbeddingOp>();
      if (!a || !b || a == b || !a->hasOneUse() || !b->hasOneUse())
        continue;
      SmallVector<Value> tables(a.getTables()), ids(a.getIds());
      llvm::append_range(tables, b.getTables());
      llvm::append_range(ids, b.getIds());
      RankedTensorType type = typeOf(add.getC());
      if (!llvm::all_of(ids, [&](Value value) { return fits(value, type); }))
        continue;
      add.getC().replaceAllUsesWith(
          nn::EmbeddingOp::create(stage.builder, stage.location(), type, tables, ids).getY());
    }
  }
}
