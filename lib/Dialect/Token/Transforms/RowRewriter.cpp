//===- RowRewriter.cpp - Packing, unpacking, and the ops at the edges of real rows --------------------===//
#include "RowRewriter.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::token;
using onnx::Polynomial;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

RowRewriter::RowRewriter(func::FuncOp function, BlockArgument mask, bool binary)
    : function(function), mask(mask), shapes(function), builder(function.getContext()), loc(mask.getLoc()) {
  builder.setInsertionPointToStart(&function.getBody().front());
  RankedTensorType type = typeOf(mask);
  int64_t batch = type.getDimSize(0);
  auto indexType = RankedTensorType::get({ShapedType::kDynamic}, builder.getI64Type());
  auto offsetsType =
      RankedTensorType::get({ShapedType::isDynamic(batch) ? batch : batch + 1}, builder.getI64Type());
  auto op = IndexOp::create(builder, loc, indexType, offsetsType, mask, binary);
  index = op.getRows();
  offsets = op.getOffsets();
  // Exporters may name the batch of each input differently.
  for (BlockArgument argument : function.getArguments()) {
    auto argumentType = dyn_cast<RankedTensorType>(argument.getType());
    if (!argumentType || argumentType.getRank() != 2)
      continue;
    batchSizes.push_back(shapes.sizes(argument)[0]);
    tokenSizes.push_back(shapes.sizes(argument)[1]);
  }
}

LogicalResult RowRewriter::fail(Operation *op, const Twine &text) {
  if (!obstacle) {
    obstacle = op;
    reason = text.str();
  }
  return failure();
}

bool RowRewriter::hasTokens(Value value) {
  ArrayRef<Polynomial> sizes = shapes.sizes(value);
  return sizes.size() >= 2 && llvm::is_contained(tokenSizes, sizes[1]) &&
         (sizes[0].isConstant(1) || llvm::is_contained(batchSizes, sizes[0]));
}

int64_t RowRewriter::axisInRows(int64_t axis, const TokenAxes &axes) {
  return axis + 1 - (axis > axes.batch) - (!axes.merged && axis > axes.token);
}

RankedTensorType RowRewriter::rowsType(Type type, const TokenAxes &axes) {
  auto padded = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape{ShapedType::kDynamic};
  for (auto [i, size] : llvm::enumerate(padded.getShape()))
    if (!axes.has(i))
      shape.push_back(size);
  return RankedTensorType::get(shape, padded.getElementType());
}

Operation *RowRewriter::cloneWith(Operation *op, ValueRange operands, const TokenAxes &axes) {
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  for (auto [from, to] : llvm::zip(op->getResults(), copy->getResults())) {
    to.setType(rowsType(from.getType(), axes));
    rows[from] = {to, axes};
  }
  ++rowwise;
  return copy;
}

Value RowRewriter::constant(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return onnx::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, values));
}

Value RowRewriter::transpose(Value value, ArrayRef<int64_t> perm) {
  if (llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return value;
  SmallVector<int64_t> shape;
  for (int64_t source : perm)
    shape.push_back(typeOf(value).getDimSize(source));
  return onnx::TransposeOp::create(builder, loc, typeOf(value).clone(shape), value, perm);
}

Value RowRewriter::unsqueeze(Value value, ArrayRef<int64_t> axes) {
  if (axes.empty())
    return value;
  SmallVector<int64_t> shape(typeOf(value).getShape());
  for (int64_t axis : axes)
    shape.insert(shape.begin() + axis, 1);
  return onnx::UnsqueezeOp::create(builder, loc, typeOf(value).clone(shape), value, axes);
}

/// [R, ...] as [R, rest], all of rest known.
Value RowRewriter::reshapeRows(Value value, ArrayRef<int64_t> rest) {
  SmallVector<int64_t> shape{ShapedType::kDynamic}, target{-1};
  llvm::append_range(shape, rest);
  llvm::append_range(target, rest);
  RankedTensorType type = RankedTensorType::get(shape, typeOf(value).getElementType());
  if (type == value.getType())
    return value;
  return onnx::ReshapeOp::create(builder, loc, type, value, constant(target), false);
}

Value RowRewriter::positionsOfRows() {
  if (!positions)
    positions = PositionsOp::create(builder, loc, index.getType(), index, mask);
  return positions;
}

/// Packs a value that was computed for all places, with its token axes moved to the front.
Value RowRewriter::pack(Value value, const TokenAxes &axes, int64_t rank) {
  SmallVector<int64_t> missing(rank - typeOf(value).getRank());
  std::iota(missing.begin(), missing.end(), 0);
  auto key = std::make_pair(value, (rank * 16 + axes.batch) * 16 + axes.token);
  if (Value known = packedOf.lookup(key))
    return known;
  Value full = unsqueeze(value, missing);
  SmallVector<int64_t> perm{axes.batch, axes.token};
  for (int64_t i = 0; i < rank; ++i)
    if (!axes.has(i))
      perm.push_back(i);
  full = transpose(full, perm);
  Value result = PackOp::create(builder, loc, rowsType(full.getType(), {}), full, index, mask);
  packedOf[key] = result;
  ++packed;
  return result;
}

Value RowRewriter::operandRows(Value value, const TokenAxes &axes, int64_t rank) {
  int64_t own = typeOf(value).getRank(), offset = rank - own;
  if (auto known = rows.find(value); known != rows.end()) {
    const TokenAxes &has = known->second.axes;
    if (has.merged != axes.merged || has.batch + offset != axes.batch ||
        (!has.merged && has.token + offset != axes.token))
      return {};
    // Dimensions of 1 between the rows and the others, where the result has more of them.
    int64_t count = typeOf(known->second.value).getRank(), wanted = rank - (axes.merged ? 1 : 2) + 1;
    SmallVector<int64_t> added(std::max<int64_t>(0, wanted - count));
    std::iota(added.begin(), added.end(), 1);
    if (!added.empty() && (axes.batch < offset || axes.token < offset))
      return {};
    return unsqueeze(known->second.value, added);
  }
  auto isOne = [&](int64_t axis) {
    return axis < offset || shapes.sizes(value)[axis - offset].isConstant(1);
  };
  if (axes.merged)
    return isOne(axes.batch) && (own < rank || axes.batch < offset) ? value : Value();
  if (!isOne(axes.token))
    return pack(value, axes, rank);
  if (!isOne(axes.batch))
    return {};
  // The same for all tokens: without their axes it is broadcast to the rows from the right.
  SmallVector<int64_t> dropped, shape;
  for (int64_t i = 0; i < own; ++i) {
    if (axes.has(i + offset)) {
      dropped.push_back(i);
    } else {
      shape.push_back(typeOf(value).getDimSize(i));
    }
  }
  if (dropped.empty())
    return value;
  return onnx::SqueezeOp::create(builder, loc, typeOf(value).clone(shape), value, dropped);
}

Value RowRewriter::unpack(const Rows &from, RankedTensorType type) {
  if (from.axes.merged)
    return {};
  SmallVector<int64_t> perm{from.axes.batch, from.axes.token}, shape, inverse(type.getRank());
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (!from.axes.has(i))
      perm.push_back(i);
  for (auto [i, axis] : llvm::enumerate(perm)) {
    shape.push_back(type.getDimSize(axis));
    inverse[axis] = i;
  }
  ++unpacked;
  Value padded = UnpackOp::create(builder, loc, type.clone(shape), from.value, index, mask);
  return transpose(padded, inverse);
}

Value RowRewriter::first(const Rows &from, int64_t position, Type type) {
  return FirstOp::create(builder, loc, type, from.value, index, offsets, mask, position);
}

LogicalResult RowRewriter::rewriteEmbedding(nn::EmbeddingOp op) {
  ArrayRef<Polynomial> sizes = shapes.sizes(op.getY());
  bool depends = llvm::any_of(op.getIds(), [&](Value ids) { return isRows(ids); });
  if (!depends && (sizes.size() != 3 || !hasTokens(op.getY()) || sizes[0].isConstant(1)))
    return success(); // Not of tokens, such as a table of distances; or of places, packed where it is added.
  TokenAxes axes;
  SmallVector<Value> ids;
  for (Value value : op.getIds()) {
    Value packedIds = sizes.size() == 3 ? operandRows(value, axes, 2) : Value();
    if (!packedIds)
      return fail(op, "its ids are not one for each token");
    ids.push_back(packedIds);
  }
  Value y = nn::EmbeddingOp::create(builder, loc, rowsType(op.getY().getType(), axes), op.getTables(), ids);
  rows[op.getY()] = {y, axes};
  ++rowwise;
  return success();
}

LogicalResult RowRewriter::rewriteAttention(nn::AttentionOp op) {
  if (!(shapes.sizes(op.getQ())[1] == shapes.sizes(op.getK())[1]))
    return fail(op, "its keys are those of a cache too");
  TokenAxes axes;
  Value q = operandRows(op.getQ(), axes, 3), k = operandRows(op.getK(), axes, 3),
        v = operandRows(op.getV(), axes, 3);
  if (!q || !k || !v)
    return fail(op, "its queries, keys and values are not rows of tokens");
  if (op.getBias() && isRows(op.getBias()))
    return fail(op, "its bias depends on the tokens");
  auto y = nn::AttentionOp::create(
      builder, loc, rowsType(op.getY().getType(), axes), q, k, v, Value(), op.getBias(), offsets,
      op.getBias() ? positionsOfRows() : Value(), Value(), Value(), Value(), op.getHeads(), op.getKvHeads(),
      op.getHeadDim(), op.getValueDim(), op.getScale(), op.getQColumn(), op.getKColumn(), op.getVColumn(),
      op.getCausal(), op.getWindow(), op.getSoftcap(), op.getPrecision());
  rows[op.getY()] = {y, axes};
  ++rowwise;
  return success();
}

/// The rows stand as one sequence [1, R]: each turns by its own position.
LogicalResult RowRewriter::rewriteRotary(onnx::RotaryEmbeddingOp op) {
  auto x = rows.find(op.getX());
  if (x == rows.end() || x->second.axes.merged)
    return fail(op, "its position ids or tables depend on the tokens otherwise than by packing");
  TokenAxes axes = x->second.axes;
  int64_t rank = typeOf(op.getX()).getRank();
  bool heads = rank == 4;
  if (!(axes == (heads ? TokenAxes{0, 2} : TokenAxes{0, 1})))
    return fail(op, "it turns tokens and heads in another order");
  Value value = x->second.value, cos = op.getCos(), sin = op.getSin(), ids = op.getPositionIds();
  // Packing would repeat what one sequence has for all: the operator, which is checked in a run, does not.
  if (typeOf(ids ? ids : cos).getDimSize(0) == 1 && typeOf(op.getX()).getDimSize(0) != 1)
    return fail(op, "it can turn one sequence only");
  if (ids) {
    ids = operandRows(ids, {}, 2);
  } else {
    cos = operandRows(cos, {}, 3);
    sin = operandRows(sin, {}, 3);
  }
  if (!cos || !sin || (op.getPositionIds() && !ids))
    return fail(op, "its position ids or tables are not one for each token");
  value = unsqueeze(heads ? transpose(value, {1, 0, 2}) : value, {0});
  if (ids)
    ids = unsqueeze(ids, {0});
  else
    cos = unsqueeze(cos, {0}), sin = unsqueeze(sin, {0});
  Value y = onnx::RotaryEmbeddingOp::create(builder, loc, value.getType(), value, cos, sin, ids,
                                            op.getInterleaved(), op.getNumHeads(), op.getRotaryDim());
  y = onnx::SqueezeOp::create(builder, loc, typeOf(y).clone(typeOf(y).getShape().drop_front()), y,
                              ArrayRef<int64_t>{0});
  rows[op.getY()] = {heads ? transpose(y, {1, 0, 2}) : y, axes};
  ++rowwise;
  return success();
}

LogicalResult RowRewriter::rewriteReturn(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto known = rows.find(operand.get());
    if (known == rows.end())
      continue;
    Value padded = unpack(known->second, typeOf(operand.get()));
    if (!padded)
      return fail(op, "an output holds the rows of all sequences in one dimension");
    replacements.push_back({operand.get(), padded});
  }
  return success();
}

LogicalResult RowRewriter::run() {
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front())
    ops.push_back(&op);
  for (Operation *op : ops) {
    if (op == index.getDefiningOp())
      continue;
    builder.setInsertionPoint(op);
    loc = op->getLoc();
    bool depends = llvm::any_of(op->getOperands(), [&](Value value) { return isRows(value); });
    op->walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        depends |= inner != op && isRows(value);
    });
    if (!depends && !isa<nn::EmbeddingOp, nn::AttentionOp>(op)) {
      auto pool = dyn_cast<nn::MeanPoolOp>(op);
      if (!pool)
        continue;
    }
    if (failed(rewrite(op)))
      return failure();
  }
  return success();
}

void RowRewriter::commit() {
  for (auto [before, after] : replacements)
    before.replaceUsesWithIf(after, [&](OpOperand &use) { return !isa<UnpackOp>(use.getOwner()); });
}
