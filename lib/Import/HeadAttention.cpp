//===- HeadAttention.cpp - Attention on heads, as several operators share it ---------------------------===//
#include "HeadAttention.h"
#include <limits>

using namespace mlir;

namespace tamis::import {

static constexpr double minusInfinity = -std::numeric_limits<double>::infinity();

Value shapeOf(Node &node, Value x, int64_t dim) { return node.make<onnx::ShapeOp>(x, dim, dim + 1); }
Value sizeOf(Node &node, Value x, int64_t dim) {
  return node.make<onnx::SqueezeOp>(shapeOf(node, x, dim), ArrayRef<int64_t>{0});
}

Value indices(Node &node, Value count) {
  Type i64 = node.builder.getI64Type();
  return node.make<onnx::RangeOp>(node.makeScalar(0, i64), count, node.makeScalar(1, i64));
}

Value splitHeads(Node &node, Value x, int64_t heads) {
  if (!x)
    return {};
  int64_t width = Node::type(x).getShape().back();
  int64_t size = ShapedType::isDynamic(width) || heads <= 0 || width % heads != 0 ? -1 : width / heads;
  Value split = node.make<onnx::ReshapeOp>(x, node.makeIntegers({0, 0, heads, size}));
  return node.make<onnx::TransposeOp>(split, ArrayRef<int64_t>{0, 2, 1, 3});
}
Value joinHeads(Node &node, Value x) {
  Value moved = node.make<onnx::TransposeOp>(x, ArrayRef<int64_t>{0, 2, 1, 3});
  return node.make<onnx::ReshapeOp>(moved, node.makeIntegers({0, 0, -1}));
}

Value columns(Node &node, Value x, int64_t begin, int64_t end) {
  if (!x)
    return {};
  return node.make<onnx::SliceOp>(x, node.makeIntegers({begin}), node.makeIntegers({end}),
                                  ArrayRef<int64_t>{Node::type(x).getRank() - 1}, ArrayRef<int64_t>{1});
}

Value asBias(Node &node, Value allowed, double excluded, Type element) {
  return node.make<onnx::WhereOp>(allowed, node.makeScalar(0, element), node.makeScalar(excluded, element));
}

Value restrictMask(Node &node, Value mask, Value allowed) {
  if (!mask || !allowed)
    return mask ? mask : allowed;
  Type element = Node::type(mask).getElementType();
  if (element.isInteger(1))
    return node.make<onnx::AndOp>(mask, allowed);
  return node.make<onnx::WhereOp>(allowed, mask, node.makeScalar(minusInfinity, element));
}

/// x with a row of zeros behind its last one, [B, G, T + 1, D].
static Value appendRow(Node &node, Value x) {
  if (!x)
    return {};
  Value shape = node.make<onnx::ConcatOp>(
      ValueRange{node.make<onnx::ShapeOp>(x, 0, 2), node.makeIntegers({1}), shapeOf(node, x, 3)}, 0);
  Value row = node.make<onnx::ExpandOp>(node.makeScalar(0, Node::type(x).getElementType()), shape);
  return node.make<onnx::ConcatOp>(ValueRange{x, row}, 2);
}

/// A sink is a key of zeros, whose score is therefore 0, with the sink's score as its bias and a value of
/// zeros.
static HeadAttention withSinkAsKey(Node &node, const HeadAttention &from) {
  HeadAttention result = from;
  result.sinks = {};
  if (node.hasFailed())
    return result;
  Type element = Node::type(from.q).getElementType();
  int64_t one[] = {0, 2, 3};
  Value heads = shapeOf(node, from.q, 1), queries = shapeOf(node, from.q, 2), keys = shapeOf(node, from.k, 2),
        batch = shapeOf(node, from.q, 0);
  Value bias = from.mask ? from.mask : node.makeScalar(0, element);
  if (!node.hasFailed() && Node::type(bias).getElementType().isInteger(1))
    bias = asBias(node, bias, minusInfinity, element);
  bias =
      node.make<onnx::ExpandOp>(bias, node.make<onnx::ConcatOp>(ValueRange{batch, heads, queries, keys}, 0));
  Value sink = node.make<onnx::UnsqueezeOp>(node.makeCast(from.sinks, element), ArrayRef<int64_t>(one));
  sink = node.make<onnx::ExpandOp>(
      sink, node.make<onnx::ConcatOp>(ValueRange{batch, heads, queries, node.makeIntegers({1})}, 0));
  result.mask = node.make<onnx::ConcatOp>(ValueRange{bias, sink}, 3);
  result.k = appendRow(node, from.k);
  result.v = appendRow(node, from.v);
  return result;
}

Value HeadAttention::output(Node &node) const {
  if (sinks)
    return withSinkAsKey(node, *this).output(node);
  return node.make<onnx::AttentionOp>(q, k, v, mask, 0, 0, APFloat(scale), APFloat(softcap), isCausal);
}

/// Each of G heads repeated to N.
static Value repeatHeads(Node &node, Value x, int64_t heads) {
  if (node.hasFailed())
    return {};
  int64_t groups = Node::type(x).getDimSize(1);
  if (groups == heads)
    return x;
  if (ShapedType::isDynamic(groups) || ShapedType::isDynamic(heads) || groups <= 0 || heads % groups != 0) {
    (void)node.fail("has heads of unknown number and gives their scores",
                    "export the model with constant numbers of heads");
    return {};
  }
  Value spread = node.make<onnx::ExpandOp>(node.make<onnx::UnsqueezeOp>(x, ArrayRef<int64_t>{2}),
                                           node.makeIntegers({1, 1, heads / groups, 1, 1}));
  // [B, G, N / G, T, D]: the two in the middle become one.
  Value shape = node.make<onnx::ConcatOp>(
      ValueRange{shapeOf(node, x, 0), node.makeIntegers({heads}), node.make<onnx::ShapeOp>(x, 2, 4)}, 0);
  return node.make<onnx::ReshapeOp>(spread, shape, /*allowzero=*/true);
}

Value HeadAttention::scores(Node &node, Scores kind) const {
  if (node.hasFailed())
    return {};
  Type element = Node::type(q).getElementType(), f32 = node.builder.getF32Type();
  Value keys = repeatHeads(node, k, Node::type(q).getDimSize(1));
  Value across = keys ? node.make<onnx::TransposeOp>(keys, ArrayRef<int64_t>{0, 1, 3, 2}) : Value();
  Value score = node.make<onnx::MatMulOp>(node.makeCast(q, f32), node.makeCast(across, f32));
  score = node.make<onnx::MulOp>(score, node.makeScalar(scale, f32));
  if (softcap != 0 && kind != Scores::Raw) {
    Value cap = node.makeScalar(softcap, f32);
    score = node.make<onnx::MulOp>(node.make<onnx::TanhOp>(node.make<onnx::DivOp>(score, cap)), cap);
  }
  if (kind == Scores::Raw || kind == Scores::Capped)
    return node.makeCast(score, element);
  Value allowed;
  if (mask && Node::type(mask).getElementType().isInteger(1))
    allowed = mask;
  else if (mask)
    score = node.make<onnx::AddOp>(score, node.makeCast(mask, f32));
  if (isCausal) {
    Value rows = node.make<onnx::UnsqueezeOp>(indices(node, sizeOf(node, q, 2)), ArrayRef<int64_t>{1});
    allowed =
        restrictMask(node, allowed, node.make<onnx::LessOrEqualOp>(indices(node, sizeOf(node, k, 2)), rows));
  }
  if (allowed)
    score = node.make<onnx::WhereOp>(allowed, score, node.makeScalar(minusInfinity, f32));
  if (kind == Scores::Masked)
    return node.makeCast(score, element);
  Value sum = score;
  if (sinks) {
    Value sink = node.make<onnx::UnsqueezeOp>(node.makeCast(sinks, f32), ArrayRef<int64_t>{0, 2, 3});
    Value shape = node.make<onnx::ConcatOp>(
        ValueRange{node.make<onnx::ShapeOp>(score, 0, 3), node.makeIntegers({1})}, 0);
    sum = node.make<onnx::ConcatOp>(ValueRange{score, node.make<onnx::ExpandOp>(sink, shape)}, 3);
  }
  Value weights = node.make<onnx::SoftmaxOp>(sum, 3);
  if (sinks)
    return node.makeCast(columns(node, weights, 0, -1), element);
  // Of nothing but -inf, the softmax is no number.
  Value isEmpty = node.make<onnx::IsNaNOp>(weights);
  return node.makeCast(node.make<onnx::WhereOp>(isEmpty, node.makeScalar(0, f32), weights), element);
}

} // namespace tamis::import
