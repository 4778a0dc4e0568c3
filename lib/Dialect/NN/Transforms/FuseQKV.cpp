//===- FuseQKV.cpp - One product for queries, keys and values -----------------------------------------===//
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
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

/// What is laid side by side, one column for each of the result: the weight first.
static SmallVector<Value> columnsOf(LinearOp linear) { return {linear.getW(), linear.getBias()}; }
static SmallVector<Value> columnsOf(QuantizedLinearOp linear) {
  return {linear.getW(), linear.getScale(), linear.getZeroPoint(), linear.getBias()};
}

/// What x is quantised with before the product; null where nothing is, or its own range.
static Value rangeOf(LinearOp) { return {}; }
static Value rangeOf(QuantizedLinearOp linear) { return linear.getRange(); }

/// Whether both are none, one value, or equal constants.
static bool isSameRange(Value a, Value b) {
  Attribute known, other;
  return a == b || (a && b && matchPattern(a, m_Constant(&known)) && matchPattern(b, m_Constant(&other)) &&
                    known == other);
}

/// A layer that may be computed with others: nothing behind the product, its weight a matrix that the
/// compiler has.
template <typename Op> static bool isPlain(Op linear, AttentionOp attention) {
  return !linear.getResidual() && linear.getActivation() == Activation::None &&
         typeOf(linear.getW()).getRank() == 2 &&
         llvm::all_of(columnsOf(linear), [](Value value) { return !value || weight::isWeight(value); }) &&
         llvm::all_of(linear->getUsers(), [&](Operation *user) { return user == attention; });
}

/// The layers that `attention` reads and that can be one, each once; empty when there are not two.
template <typename Op> static SmallVector<Op> findLinears(AttentionOp attention) {
  llvm::SetVector<Operation *> linears;
  for (Value operand : {attention.getQ(), attention.getK(), attention.getV()})
    if (auto linear = operand.getDefiningOp<Op>(); linear && isPlain(linear, attention))
      linears.insert(linear);
  if (linears.empty())
    return {};
  auto first = cast<Op>(linears.front());
  SmallVector<Op> result;
  for (Operation *op : linears) {
    auto linear = cast<Op>(op);
    bool isAlike = llvm::all_of(llvm::zip_equal(columnsOf(linear), columnsOf(first)), [](auto pair) {
      return static_cast<bool>(std::get<0>(pair)) == static_cast<bool>(std::get<1>(pair));
    });
    if (linear.getX() == first.getX() && isAlike && isSameRange(rangeOf(linear), rangeOf(first)))
      result.push_back(linear);
  }
  if (result.size() < 2)
    return {};
  return result;
}

static Value createLike(OpBuilder &builder, Location loc, LinearOp linear, Type type, ValueRange columns) {
  return LinearOp::create(builder, loc, type, linear.getX(), columns[0], columns[1], Value(),
                          Activation::None);
}
static Value createLike(OpBuilder &builder, Location loc, QuantizedLinearOp linear, Type type,
                        ValueRange columns) {
  return QuantizedLinearOp::create(builder, loc, type, linear.getX(), columns[0], columns[1], columns[2],
                                   Value(), columns[3], Value(), linear.getRange(), Activation::None);
}

template <typename Op> static unsigned fuse(AttentionOp attention) {
  SmallVector<Op> linears = findLinears<Op>(attention);
  if (linears.empty())
    return 0;
  OpBuilder builder(attention);
  // Named after the first; what goes by names finds all.
  SmallVector<Location> locs = llvm::map_to_vector(linears, [](Op linear) { return linear.getLoc(); });
  Location loc = FusedLoc::get(builder.getContext(), locs);
  llvm::DenseMap<Value, int64_t> column;
  int64_t columns = 0;
  for (Op linear : linears) {
    column[linear.getY()] = columns;
    columns += typeOf(linear.getW()).getDimSize(1);
  }
  SmallVector<Value> joined;
  for (unsigned i = 0; i < columnsOf(linears.front()).size(); ++i) {
    SmallVector<Value> parts;
    for (Op linear : linears)
      parts.push_back(columnsOf(linear)[i]);
    if (!parts.front()) {
      joined.push_back(Value());
      continue;
    }
    SmallVector<int64_t> shape(typeOf(parts.front()).getShape());
    shape.back() = columns;
    joined.push_back(weight::ConcatOp::create(builder, loc, typeOf(parts.front()).clone(shape), parts,
                                              static_cast<int64_t>(shape.size()) - 1));
  }
  SmallVector<int64_t> shape(typeOf(linears.front().getY()).getShape());
  shape.back() = columns;
  Value y =
      createLike(builder, loc, linears.front(), RankedTensorType::get(shape, builder.getF32Type()), joined);
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
  for (Op linear : linears)
    linear->erase();
  return linears.size();
}

namespace {
struct NNFuseQKV : tamis::nn::impl::NNFuseQKVBase<NNFuseQKV> {
  void runOnOperation() override {
    getOperation().walk([&](AttentionOp attention) {
      fusedLinears += fuse<LinearOp>(attention);
      fusedLinears += fuse<QuantizedLinearOp>(attention);
    });
  }
};
} // namespace
