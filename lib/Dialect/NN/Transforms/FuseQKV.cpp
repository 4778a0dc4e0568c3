//===- FuseQKV.cpp - One product for queries, keys and values -----------------------------------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "llvm/ADT/SetVector.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNFUSEQKV
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A layer that may be computed with others: nothing behind the product, its weight a matrix that the
/// compiler has.
static bool isPlain(LinearOp linear, AttentionOp attention) {
  return linear && !linear.getResidual() && linear.getActivation() == Activation::None &&
         typeOf(linear.getW()).getRank() == 2 &&
         isa_and_nonnull<weight::WeightDialect>(
             linear.getW().getDefiningOp() ? linear.getW().getDefiningOp()->getDialect() : nullptr) &&
         llvm::all_of(linear->getUsers(), [&](Operation *user) { return user == attention; });
}

/// The layers that `attention` reads and that can be one, each once; empty when there are not two.
static SmallVector<LinearOp> findLinears(AttentionOp attention) {
  llvm::SetVector<Operation *> linears;
  for (Value operand : {attention.getQ(), attention.getK(), attention.getV()})
    if (auto linear = operand.getDefiningOp<LinearOp>(); linear && isPlain(linear, attention))
      linears.insert(linear);
  if (linears.empty())
    return {};
  auto first = cast<LinearOp>(linears.front());
  SmallVector<LinearOp> result;
  for (Operation *op : linears) {
    auto linear = cast<LinearOp>(op);
    auto isWeight = [](Value value) {
      return !value ||
             (value.getDefiningOp() && isa<weight::WeightDialect>(value.getDefiningOp()->getDialect()));
    };
    if (linear.getX() == first.getX() &&
        static_cast<bool>(linear.getBias()) == static_cast<bool>(first.getBias()) &&
        isWeight(linear.getBias()))
      result.push_back(linear);
  }
  if (result.size() < 2)
    return {};
  return result;
}

static unsigned fuse(AttentionOp attention) {
  SmallVector<LinearOp> linears = findLinears(attention);
  if (linears.empty())
    return 0;
  OpBuilder builder(attention);
  Location loc = linears.front().getLoc();
  SmallVector<Value> weights, biases;
  llvm::DenseMap<Value, int64_t> column;
  int64_t columns = 0;
  for (LinearOp linear : linears) {
    weights.push_back(linear.getW());
    if (linear.getBias())
      biases.push_back(linear.getBias());
    column[linear.getY()] = columns;
    columns += typeOf(linear.getW()).getDimSize(1);
  }
  Type element = builder.getF32Type();
  Value w = weight::ConcatOp::create(
      builder, loc, RankedTensorType::get({typeOf(weights[0]).getDimSize(0), columns}, element), weights, 1);
  Value bias;
  if (!biases.empty())
    bias = weight::ConcatOp::create(builder, loc, RankedTensorType::get({columns}, element), biases, 0);
  SmallVector<int64_t> shape(typeOf(linears.front().getY()).getShape());
  shape.back() = columns;
  Value y = LinearOp::create(builder, loc, RankedTensorType::get(shape, element), linears.front().getX(), w,
                             bias, Value(), Activation::None);
  auto redirect = [&](OpOperand &operand, int64_t first, auto set) {
    auto found = column.find(operand.get());
    if (found == column.end())
      return;
    operand.set(y);
    set(found->second + first);
  };
  redirect(attention.getQMutable(), attention.getQColumn(), [&](int64_t c) { attention.setQColumn(c); });
  redirect(attention.getKMutable(), attention.getKColumn(), [&](int64_t c) { attention.setKColumn(c); });
  redirect(attention.getVMutable(), attention.getVColumn(), [&](int64_t c) { attention.setVColumn(c); });
  for (LinearOp linear : linears)
    linear->erase();
  return linears.size();
}

namespace {
struct NNFuseQKV : tamis::nn::impl::NNFuseQKVBase<NNFuseQKV> {
  void runOnOperation() override {
    getOperation().walk([&](AttentionOp attention) { fusedLinears += fuse(attention); });
  }
};
} // namespace
