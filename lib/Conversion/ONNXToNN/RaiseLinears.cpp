//===- RaiseLinears.cpp - Products with weights, and sums of rows of tables ---------------------------===//
#include "Raising.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// A value [N], [1, N], ... as a vector; null when it has another shape.
static Value asVector(Stage &stage, Value value, int64_t size) {
  RankedTensorType type = typeOf(value);
  if (!type.hasStaticShape() || type.getNumElements() != size || type.getRank() < 1 ||
      type.getShape().back() != size || !type.getElementType().isF32())
    return {};
  if (type.getRank() == 1)
    return value;
  if (!weight::isWeight(value))
    return {};
  return weight::ReshapeOp::create(stage.builder, stage.location(),
                                   RankedTensorType::get({size}, type.getElementType()), value);
}

static void finish(Stage &stage, Operation *op, Value y) {
  op->getResult(0).replaceAllUsesWith(y);
  ++stage.counts.linear;
}

static Value linear(Stage &stage, Type type, Value x, Value w, Value bias) {
  return nn::LinearOp::create(stage.builder, stage.location(), type, x, w, bias, Value());
}

/// Puts nn.linear for `product`, whose last dimension is that of `w`; its bias goes in where nothing else
/// reads the product.
static void raiseProduct(Stage &stage, Operation *product, Value x, Value w) {
  Value result = product->getResult(0);
  Operation *last = product;
  Value bias;
  auto add = result.hasOneUse() ? dyn_cast<onnx::AddOp>(*result.user_begin()) : onnx::AddOp();
  if (add && add.getC().getType() == result.getType()) {
    stage.buildAt(add);
    if ((bias = asVector(stage, add.getA() == result ? add.getB() : add.getA(), typeOf(w).getDimSize(1))))
      last = add;
  }
  stage.buildAt(last, product); // Named for the product: that is where the time goes.
  finish(stage, last, linear(stage, last->getResult(0).getType(), x, w, bias));
}

static void raiseMatMul(Stage &stage, onnx::MatMulOp op) {
  if (weight::isWeight(op.getB()) && typeOf(op.getB()).getRank() == 2 && typeOf(op.getA()).getRank() >= 2 &&
      isF32(op.getC()))
    raiseProduct(stage, op, op.getA(), op.getB());
}

/// `value` with its last `count` dimensions replaced by `sizes`, of the same product.
static Value reshapeBack(Stage &stage, Value value, size_t count, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> shape(typeOf(value).getShape().drop_back(count)), target(shape.size(), 0);
  llvm::append_range(shape, sizes);
  llvm::append_range(target, sizes);
  auto type = RankedTensorType::get({static_cast<int64_t>(target.size())}, stage.builder.getI64Type());
  Value constant = onnx::ConstantOp::create(stage.builder, stage.location(),
                                            DenseElementsAttr::get(type, ArrayRef<int64_t>(target)));
  return onnx::ReshapeOp::create(stage.builder, stage.location(), typeOf(value).clone(shape), value, constant,
                                 false);
}

/// "...K,KN->...N", K and N being one letter or several.
static void raiseEinsum(Stage &stage, onnx::EinsumOp op) {
  if (op.getInputs().size() != 2 || !weight::isWeight(op.getInputs()[1]) || !isF32(op.getY()))
    return;
  Value x = op.getInputs()[0], w = op.getInputs()[1];
  auto [operands, output] = op.getEquation().split("->");
  auto [rows, weight] = operands.split(',');
  size_t depth = 1; // Letters of K.
  while (depth < std::min(rows.size(), weight.size()) &&
         (rows.take_back(depth) != weight.take_front(depth) ||
          (rows.drop_back(depth) + weight.drop_front(depth)).str() != output))
    ++depth;
  if (depth >= std::min(rows.size(), weight.size()))
    return;
  ArrayRef<int64_t> shape = typeOf(w).getShape(), inner = shape.take_front(depth),
                    outer = shape.drop_front(depth);
  if (typeOf(x).getShape().take_back(depth) != inner)
    return; // Of sizes not known, or 1 and so broadcast.
  int64_t k = ShapedType::getNumElements(inner), n = ShapedType::getNumElements(outer);
  stage.buildAt(op);
  if (depth > 1)
    x = reshapeBack(stage, x, depth, k);
  if (shape.size() > 2)
    w = weight::ReshapeOp::create(stage.builder, stage.location(),
                                  RankedTensorType::get({k, n}, typeOf(w).getElementType()), w);
  if (outer.size() == 1)
    return raiseProduct(stage, op, x, w);
  SmallVector<int64_t> flat(typeOf(x).getShape().drop_back());
  flat.push_back(n);
  finish(stage, op, reshapeBack(stage, linear(stage, typeOf(x).clone(flat), x, w, Value()), 1, outer));
}

static void raiseGemm(Stage &stage, onnx::GemmOp op) {
  if (!weight::isWeight(op.getB()) || op.getTransA() || !isF32(op.getY()) || typeOf(op.getB()).getRank() != 2)
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
    bias = weight::isWeight(op.getC()) || unscaled ? asVector(stage, op.getC(), type.getDimSize(1)) : Value();
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
    else if (auto product = dyn_cast<onnx::EinsumOp>(op))
      raiseEinsum(stage, product);
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
          !weight::isWeight(gather.getData()) || typeOf(gather.getIndices()).getRank() < 1)
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
