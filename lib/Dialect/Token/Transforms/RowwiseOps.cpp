//===- RowwiseOps.cpp - Ops between packing and unpacking, on real rows -------------------------------===//
#include "RowRewriter.h"
#include "tamis/Dialect/MoE/IR/MoEDialect.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::token;
using onnx::Polynomial;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Computes each element from those of its operands at the same place, which are broadcast.
static bool isElementwise(Operation *op) {
  using namespace onnx;
  if (isa<SoftmaxOp, LogSoftmaxOp>(op))
    return false;
  // Per axis or block, the scale belongs to places that packing moves.
  if (isa<QuantizeLinearOp, DequantizeLinearOp>(op)) {
    return llvm::all_of(llvm::drop_begin(op->getOperands()), [](Value parameter) {
      return llvm::all_of(typeOf(parameter).getShape(), [](int64_t size) { return size == 1; });
    });
  }
  return op->hasTrait<OpTrait::SameOperandsAndResultShape>() ||
         isa<AddOp, MulOp, MaxOp, MinOp, AndOp, OrOp, XorOp, SubOp, DivOp, PowOp, PReluOp, ModOp, EqualOp,
             GreaterOp, GreaterOrEqualOp, LessOp, LessOrEqualOp, WhereOp, ClipOp>(op);
}

LogicalResult RowRewriter::rewriteElementwise(Operation *op) {
  int64_t rank = typeOf(op->getResult(0)).getRank();
  std::optional<TokenAxes> axes;
  for (Value operand : op->getOperands()) {
    auto known = rows.find(operand);
    if (known == rows.end())
      continue;
    int64_t offset = rank - typeOf(operand).getRank();
    TokenAxes here{known->second.axes.batch + offset, known->second.axes.token + offset,
                   known->second.axes.merged};
    if (axes && !(*axes == here))
      return fail(op, "it combines tokens of different places");
    axes = here;
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value value = operandRows(operand, *axes, rank);
    if (!value)
      return fail(op, "an operand is neither the same for all tokens nor one for each token");
    operands.push_back(value);
  }
  cloneWith(op, operands, *axes);
  return success();
}

template <typename Op> LogicalResult RowRewriter::rewriteLinear(Op op) {
  auto x = rows.find(op.getX());
  int64_t rank = typeOf(op.getX()).getRank();
  if (x == rows.end() || x->second.axes.has(rank - 1))
    return fail(op, "it multiplies across tokens");
  TokenAxes axes = x->second.axes;
  Value residual = op.getResidual() ? operandRows(op.getResidual(), axes, rank) : Value();
  if (op.getResidual() && (!residual || typeOf(residual).getRank() != typeOf(x->second.value).getRank()))
    return fail(op, "its residual is not one for each token");
  auto copy = cast<Op>(builder.clone(*op.getOperation()));
  copy.getXMutable().set(x->second.value);
  copy.getResidualMutable().assign(residual ? ValueRange(residual) : ValueRange());
  copy.getY().setType(rowsType(op.getY().getType(), axes));
  rows[op.getY()] = {copy.getY(), axes};
  ++rowwise;
  return success();
}

/// A router, experts or their sum: all but the parameters, which are the same for all tokens, are of rows.
LogicalResult RowRewriter::rewriteExperts(Operation *op, ValueRange ofRows) {
  const Rows *first = nullptr;
  for (Value operand : ofRows)
    if (auto known = rows.find(operand); known != rows.end() && !first)
      first = &known->second;
  if (!first)
    return fail(op, "its parameters depend on the tokens");
  const TokenAxes axes = first->axes;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value value = operand;
    int64_t rank = typeOf(operand).getRank();
    if (llvm::is_contained(ofRows, operand))
      value = axes.has(rank - 1) ? Value() : operandRows(operand, axes, rank);
    else if (isRows(operand))
      value = {};
    if (!value)
      return fail(op, "it routes something else than tokens");
    operands.push_back(value);
  }
  cloneWith(op, operands, axes);
  return success();
}

/// A product of rows with a matrix that is the same for all.
LogicalResult RowRewriter::rewriteProduct(Operation *op) {
  auto a = rows.find(op->getOperand(0));
  auto gemm = dyn_cast<onnx::GemmOp>(op);
  int64_t rank = typeOf(op->getOperand(0)).getRank();
  bool others = llvm::any_of(llvm::drop_begin(op->getOperands()), [&](Value value) { return isRows(value); });
  if (a == rows.end() || others || a->second.axes.has(rank - 1) || typeOf(op->getOperand(1)).getRank() != 2 ||
      (gemm &&
       (gemm.getTransA() || !a->second.axes.merged || (gemm.getC() && typeOf(gemm.getC()).getRank() != 1))))
    return fail(op, "it is a product of tokens with each other");
  SmallVector<Value> operands(op->getOperands());
  operands.front() = a->second.value;
  cloneWith(op, operands, a->second.axes);
  return success();
}

LogicalResult RowRewriter::rewriteReshape(Operation *op) {
  const Rows from = rows.lookup(op->getOperand(0));
  ArrayRef<Polynomial> source = shapes.sizes(op->getOperand(0)), target = shapes.sizes(op->getResult(0));
  TokenAxes axes{};
  auto split = [](ArrayRef<Polynomial> sizes, size_t count) -> std::optional<Polynomial> {
    if (sizes.size() < count)
      return std::nullopt;
    return count == 2 ? sizes[0] * sizes[1] : sizes[0];
  };
  if (from.axes.batch != 0 || (!from.axes.merged && from.axes.token != 1))
    return fail(op, "it reshapes across tokens");
  bool stays = !from.axes.merged && target.size() >= 2 && target[0] == source[0] && target[1] == source[1];
  std::optional<Polynomial> before = split(source, from.axes.merged ? 1 : 2);
  if (stays) {
    axes = {};
  } else if (before && split(target, 1) == before) {
    axes = {0, -1, true};
  } else if (before && from.axes.merged && split(target, 2) == before &&
             llvm::is_contained(batchSizes, target[0]) && llvm::is_contained(tokenSizes, target[1])) {
    axes = {};
  } else {
    return fail(op, "it reshapes across tokens");
  }
  SmallVector<int64_t> rest;
  for (const Polynomial &size : target.drop_front(axes.merged ? 1 : 2)) {
    if (!size.constant() || *size.constant() <= 0)
      return fail(op, "it reshapes to sizes that are not known at compile time");
    rest.push_back(*size.constant());
  }
  rows[op->getResult(0)] = {reshapeRows(from.value, rest), axes};
  ++rowwise;
  return success();
}

LogicalResult RowRewriter::rewriteTranspose(onnx::TransposeOp op) {
  const Rows from = rows.lookup(op.getX());
  TokenAxes axes = from.axes;
  SmallVector<int64_t> perm{0};
  for (auto [i, source] : llvm::enumerate(op.getPerm())) {
    if (source == from.axes.batch)
      axes.batch = i;
    else if (!from.axes.merged && source == from.axes.token)
      axes.token = i;
    else
      perm.push_back(axisInRows(source, from.axes));
  }
  rows[op.getY()] = {transpose(from.value, perm), axes};
  return success();
}

LogicalResult RowRewriter::rewriteUnsqueeze(onnx::UnsqueezeOp op) {
  const Rows from = rows.lookup(op.getData());
  TokenAxes axes = from.axes;
  for (int64_t axis : op.getAxes()) {
    axes.batch += axis <= axes.batch;
    axes.token += !axes.merged && axis <= axes.token;
  }
  SmallVector<int64_t> added;
  for (int64_t axis : op.getAxes())
    added.push_back(axisInRows(axis, axes));
  rows[op.getExpanded()] = {unsqueeze(from.value, added), axes};
  return success();
}

LogicalResult RowRewriter::rewriteSqueeze(onnx::SqueezeOp op) {
  const Rows from = rows.lookup(op.getData());
  TokenAxes axes = from.axes;
  SmallVector<int64_t> dropped, shape;
  for (int64_t axis : op.getAxes()) {
    if (from.axes.has(axis))
      return fail(op, "it drops the dimension of tokens");
    axes.batch -= axis < from.axes.batch;
    axes.token -= !axes.merged && axis < from.axes.token;
    dropped.push_back(axisInRows(axis, from.axes));
  }
  RankedTensorType type = rowsType(op.getSqueezed().getType(), axes);
  rows[op.getSqueezed()] = {onnx::SqueezeOp::create(builder, loc, type, from.value, dropped), axes};
  return success();
}

LogicalResult RowRewriter::rewriteReduction(Operation *op) {
  const Rows from = rows.lookup(op->getOperand(0));
  TokenAxes axes = from.axes;
  bool keep = op->getAttrOfType<BoolAttr>("keepdims").getValue();
  SmallVector<int64_t> reduced;
  for (int64_t axis : op->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef()) {
    if (from.axes.has(axis))
      return fail(op, "it reduces over the tokens of a sequence and is no mean over the real ones");
    axes.batch -= !keep && axis < from.axes.batch;
    axes.token -= !keep && !axes.merged && axis < from.axes.token;
    reduced.push_back(axisInRows(axis, from.axes));
  }
  cloneWith(op, from.value, axes)->setAttr("axes", builder.getDenseI64ArrayAttr(reduced));
  return success();
}

/// Softmax, normalisations, Concat, Split, TopK: along one axis, or from one on, that must not be of tokens.
LogicalResult RowRewriter::rewriteAlongAxis(Operation *op) {
  int64_t rank = typeOf(op->getResult(0)).getRank();
  auto attribute = op->getAttrOfType<IntegerAttr>("axis");
  int64_t axis = attribute ? attribute.getInt() : rank - 1;
  std::optional<TokenAxes> axes;
  bool rowsOnly = isa<onnx::ConcatOp>(op);
  for (Value operand : op->getOperands())
    if (auto known = rows.find(operand); known != rows.end()) {
      if (axes && !(*axes == known->second.axes))
        return fail(op, "it combines tokens of different places");
      axes = known->second.axes;
    }
  bool fromAxisOn = isa<onnx::LayerNormalizationOp, onnx::RMSNormalizationOp>(op);
  if (!isRows(op->getOperand(0)) && !rowsOnly)
    return fail(op, "its parameters depend on the tokens");
  if (axes->has(axis) || (fromAxisOn && (axes->batch >= axis || (!axes->merged && axes->token >= axis))))
    return fail(op, "it works along the tokens of a sequence");
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value value = operand;
    if (rowsOnly || isRows(operand))
      value = operandRows(operand, *axes, rank);
    if (!value || (rowsOnly && typeOf(value).getRank() != rank - (axes->merged ? 0 : 1)))
      return fail(op, "an operand is not one for each token");
    operands.push_back(value);
  }
  Operation *copy = cloneWith(op, operands, *axes);
  if (attribute)
    copy->setAttr("axis", builder.getI64IntegerAttr(axisInRows(axis, *axes)));
  return success();
}

LogicalResult RowRewriter::rewriteSlice(onnx::SliceOp op) {
  const Rows from = rows.lookup(op.getData());
  if (!from.value)
    return fail(op, "its bounds depend on the tokens");
  SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes()) {
    if (!from.axes.has(axis)) {
      axes.push_back(axisInRows(axis, from.axes));
      continue;
    }
    // One token of each sequence, its dimension kept.
    const onnx::Integers *starts = shapes.integers(op.getStarts()), *ends = shapes.integers(op.getEnds());
    if (op.getAxes().size() != 1 || from.axes.merged || axis != from.axes.token || op.getSteps()[0] != 1 ||
        !starts || !ends || !(*starts)[0] || !(*ends)[0] || !(*starts)[0]->constant() ||
        !(*ends)[0]->isConstant(*(*starts)[0]->constant() + 1) || *(*starts)[0]->constant() < 0 ||
        !(from.axes == TokenAxes{}))
      return fail(op, "it cuts tokens out of the sequences");
    SmallVector<int64_t> shape(typeOf(op.getY()).getShape());
    shape.erase(shape.begin() + 1);
    Value token = first(from, *(*starts)[0]->constant(), typeOf(op.getY()).clone(shape));
    replacements.push_back({op.getY(), onnx::UnsqueezeOp::create(builder, loc, op.getY().getType(), token,
                                                                 ArrayRef<int64_t>{1})});
    return success();
  }
  Operation *copy = cloneWith(op, {from.value, op.getStarts(), op.getEnds()}, from.axes);
  copy->setAttr("axes", builder.getDenseI64ArrayAttr(axes));
  return success();
}

LogicalResult RowRewriter::rewriteGather(onnx::GatherOp op) {
  const Rows source = rows.lookup(op.getData());
  if (isRows(op.getIndices()) || !source.value)
    return fail(op, "it looks rows up by what is computed of the tokens");
  int64_t axis = op.getAxis(), added = typeOf(op.getIndices()).getRank();
  if (source.axes.has(axis)) {
    std::optional<Polynomial> position = shapes.integer(op.getIndices());
    if (source.axes == TokenAxes{} && axis == 1 && added == 0 && position && position->constant() &&
        *position->constant() >= 0) {
      replacements.push_back({op.getY(), first(source, *position->constant(), op.getY().getType())});
      return success();
    }
    return fail(op, "it picks tokens of a sequence by more than a constant place");
  }
  TokenAxes axes = source.axes;
  if (axis < axes.batch)
    axes.batch += added - 1;
  if (!axes.merged && axis < axes.token)
    axes.token += added - 1;
  Operation *copy = cloneWith(op, {source.value, op.getIndices()}, axes);
  copy->setAttr("axis", builder.getI64IntegerAttr(axisInRows(axis, source.axes)));
  return success();
}

LogicalResult RowRewriter::rewriteExpand(onnx::ExpandOp op) {
  const Rows from = rows.lookup(op.getX());
  int64_t offset = typeOf(op.getY()).getRank() - typeOf(op.getX()).getRank();
  if (!from.value || offset != 0)
    return fail(op, "it repeats tokens");
  SmallVector<int64_t> target{1};
  for (auto [i, size] : llvm::enumerate(shapes.sizes(op.getY()))) {
    if (from.axes.has(i))
      continue;
    if (!size.constant())
      return fail(op, "it repeats to sizes that are not known at compile time");
    target.push_back(*size.constant());
  }
  rows[op.getY()] = {onnx::ExpandOp::create(builder, loc, rowsType(op.getY().getType(), from.axes),
                                            from.value, constant(target)),
                     from.axes};
  ++rowwise;
  return success();
}

LogicalResult RowRewriter::rewrite(Operation *op) {
  using namespace onnx;
  if (auto embedding = dyn_cast<nn::EmbeddingOp>(op))
    return rewriteEmbedding(embedding);
  if (auto attention = dyn_cast<nn::AttentionOp>(op))
    return rewriteAttention(attention);
  if (auto pool = dyn_cast<nn::MeanPoolOp>(op)) {
    Value x = pool.getMask() == mask ? operandRows(pool.getX(), {}, 3) : Value();
    if (!x)
      return isRows(pool.getX()) ? fail(op, "it is a mean by another mask") : success();
    replacements.push_back(
        {pool.getY(), nn::MeanPoolOp::create(builder, loc, pool.getY().getType(), x, Value(), offsets,
                                             Value(), pool.getEpsilon())});
    ++rowwise;
    return success();
  }
  if (isa<ShapeOp, SizeOp>(op)) {
    // Of the padded value: its zeros do not matter.
    Value padded = unpack(rows.lookup(op->getOperand(0)), typeOf(op->getOperand(0)));
    if (!padded)
      return fail(op, "it reads the shape of all rows in one dimension");
    Operation *copy = builder.clone(*op);
    copy->setOperand(0, padded);
    replacements.push_back({op->getResult(0), copy->getResult(0)});
    return success();
  }
  if (op->hasTrait<OpTrait::IsTerminator>())
    return rewriteReturn(op);
  if (auto linear = dyn_cast<nn::LinearOp>(op))
    return rewriteLinear(linear);
  if (auto linear = dyn_cast<nn::QuantizedLinearOp>(op); linear && linear.getRange())
    return rewriteLinear(linear);
  if (isa<nn::QuantizedLinearOp>(op))
    return fail(op,
                "it rounds all rows by the range of them all, those of padding too; a float32 model compiled "
                "with --precision=int8 rounds each row by its own");
  if (auto rotary = dyn_cast<onnx::RotaryEmbeddingOp>(op))
    return rewriteRotary(rotary);
  if (auto route = dyn_cast<moe::RouteOp>(op))
    return rewriteExperts(route, route.getLogits());
  if (auto experts = dyn_cast<moe::ExpertsOp>(op)) {
    SmallVector<Value> ofRows{experts.getX(), experts.getIndices()};
    if (experts.getWeights())
      ofRows.push_back(experts.getWeights());
    return rewriteExperts(experts, ofRows);
  }
  if (auto combine = dyn_cast<moe::CombineOp>(op))
    return rewriteExperts(combine, {combine.getY(), combine.getWeights()});
  if (isElementwise(op))
    return rewriteElementwise(op);
  if (isa<MatMulOp, GemmOp>(op))
    return rewriteProduct(op);
  if (isa<ReshapeOp, FlattenOp>(op))
    return rewriteReshape(op);
  if (auto move = dyn_cast<TransposeOp>(op))
    return rewriteTranspose(move);
  if (auto move = dyn_cast<UnsqueezeOp>(op))
    return rewriteUnsqueeze(move);
  if (auto move = dyn_cast<SqueezeOp>(op))
    return rewriteSqueeze(move);
  if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp, ReduceMinOp, ReduceProdOp, ReduceL1Op, ReduceL2Op,
          ReduceSumSquareOp, ReduceLogSumOp, ReduceLogSumExpOp>(op))
    return rewriteReduction(op);
  if (isa<SoftmaxOp, LogSoftmaxOp, LayerNormalizationOp, RMSNormalizationOp, nn::LayerNormOp, nn::RMSNormOp,
          ConcatOp, SplitOp, TopKOp>(op))
    return rewriteAlongAxis(op);
  if (auto slice = dyn_cast<SliceOp>(op))
    return rewriteSlice(slice);
  if (auto gather = dyn_cast<onnx::GatherOp>(op))
    return rewriteGather(gather);
  if (auto expand = dyn_cast<ExpandOp>(op))
    return rewriteExpand(expand);
  return fail(op, "it may mix the tokens of a sequence");
}
