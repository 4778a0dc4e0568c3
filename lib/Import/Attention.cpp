//===- Attention.cpp - Attention and rotary position embedding
//-------------------------------------------===//
#include "HeadAttention.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace tamis::import {

namespace {
/// ai.onnx Attention, brought to the op without caches: those become concatenations and masks.
class AttentionImporter {
public:
  explicit AttentionImporter(Node &node)
      : node(node), q(node.input(0)), k(node.input(1)), v(node.input(2)), mask(node.input(3)),
        qHeads(node.integer("q_num_heads", 0)), kvHeads(node.integer("kv_num_heads", 0)) {}

  LogicalResult run();

private:
  void restrict(Value allowed) { mask = restrictMask(node, mask, allowed); }
  void widenMask();

  Node &node;
  Value q, k, v, mask;
  int64_t qHeads, kvHeads;
};

/// A mask may cover the first keys only; the others are not attended.
void AttentionImporter::widenMask() {
  auto type = Node::type(mask);
  int64_t keys = Node::type(k).getDimSize(Node::type(k).getRank() - 2), rank = type.getRank();
  if (rank == 0 || ShapedType::isDynamic(keys) || ShapedType::isDynamic(type.getShape().back()) ||
      type.getShape().back() >= keys)
    return;
  SmallVector<int64_t> pads(2 * rank);
  pads.back() = keys - type.getShape().back();
  double off = type.getElementType().isInteger(1) ? 0 : -std::numeric_limits<double>::infinity();
  mask = node.make<onnx::PadOp>(mask, node.makeIntegers(pads), node.makeScalar(off, type.getElementType()),
                                "constant");
}

LogicalResult AttentionImporter::run() {
  bool isFlat = node.rank() == 3, isCausal = node.flag("is_causal", false);
  if (node.rank(0) != node.rank(1) || node.rank(0) != node.rank(2) || (!isFlat && node.rank() != 4))
    return node.fail("needs Q, K and V of rank 3, or all of rank 4", "export the model again");
  if (isFlat && (qHeads <= 0 || kvHeads <= 0))
    return node.fail("needs q_num_heads and kv_num_heads for operands of rank 3", "export the model again");
  Value pastKey = node.input(4), pastValue = node.input(5), lengths = node.input(6);
  if (!pastKey != !pastValue || (pastKey && lengths))
    return node.fail("needs past_key and past_value together, and without nonpad_kv_seqlen",
                     "export the model again");
  int64_t hidden = Node::type(q).getShape().back();
  if (ShapedType::isDynamic(hidden))
    return node.fail("has heads of unknown size", "export the model with a constant hidden size");
  float scale = node.real(
      "scale", static_cast<float>(1 / std::sqrt(static_cast<double>(isFlat ? hidden / qHeads : hidden))));

  int64_t mode = node.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3)
    return node.fail("has qk_matmul_output_mode = " + Twine(mode) + ", which is none of 0 to 3",
                     "export the model again");
  bool isSplit = isFlat && (pastKey || node.isUsed(1) || node.isUsed(2) || node.isUsed(3));
  if (isSplit) {
    q = splitHeads(node, q, qHeads);
    k = splitHeads(node, k, kvHeads);
    v = splitHeads(node, v, kvHeads);
  }
  if (pastKey) {
    k = node.make<onnx::ConcatOp>(ValueRange{pastKey, k}, 2);
    v = node.make<onnx::ConcatOp>(ValueRange{pastValue, v}, 2);
  }
  if (node.hasFailed())
    return failure();
  node.setOutput(1, k);
  node.setOutput(2, v);
  if (mask)
    widenMask();
  if (pastKey || lengths) {
    if (lengths && failed(node.checkIndex(6, "lengths")))
      return failure();
    int64_t length = isFlat && !isSplit ? 1 : 2;
    Value keys = indices(node, sizeOf(node, k, length));
    // Rank 4, for [B, heads, S, T]: lengths are [B].
    Value perBatch = lengths ? node.make<onnx::UnsqueezeOp>(lengths, ArrayRef<int64_t>{1, 2, 3}) : Value();
    if (lengths)
      restrict(node.make<onnx::LessOp>(keys, perBatch));
    if (isCausal) {
      Value queries = sizeOf(node, q, length);
      Value before = lengths ? node.make<onnx::SubOp>(perBatch, queries) : sizeOf(node, pastKey, 2);
      Value rows = node.make<onnx::UnsqueezeOp>(indices(node, queries), ArrayRef<int64_t>{1});
      restrict(node.make<onnx::LessOrEqualOp>(keys, node.make<onnx::AddOp>(rows, before)));
      isCausal = false;
    }
  }
  float softcap = node.real("softcap", 0);
  if (isFlat && !isSplit) {
    node.setOutput(0, node.make<onnx::AttentionOp>(q, k, v, mask, qHeads, kvHeads, APFloat(scale),
                                                   APFloat(softcap), isCausal));
    return success();
  }
  HeadAttention heads{q, k, v, mask, scale, softcap, isCausal, {}};
  Value y = heads.output(node);
  if (node.isUsed(3))
    node.setOutput(3, heads.scores(node, static_cast<HeadAttention::Scores>(mode)));
  if (isSplit)
    y = joinHeads(node, y);
  node.setOutput(0, y);
  return success();
}
} // namespace

static LogicalResult attention(Node &node) { return AttentionImporter(node).run(); }

static LogicalResult rotary(Node &node, Value cos, Value sin, Value positions) {
  int64_t heads = node.integer("num_heads", 0), turned = node.integer("rotary_embedding_dim", 0);
  if (node.rank() == 3 && heads == 0) {
    // com.microsoft derives the heads from the tables: one is twice as wide as they are.
    auto table = Node::type(cos).getShape();
    int64_t half = table.empty() ? 0 : table.back(), hidden = Node::type(node.input(0)).getShape().back();
    if (ShapedType::isDynamic(half) || ShapedType::isDynamic(hidden) || half == 0 || hidden % (2 * half) != 0)
      return node.fail("needs num_heads for an operand of rank 3", "export the model again");
    heads = hidden / (2 * half);
  }
  node.setOutput(0, node.make<onnx::RotaryEmbeddingOp>(node.input(0), cos, sin, positions,
                                                       node.flag("interleaved", false), heads, turned));
  return success();
}
static LogicalResult rotaryEmbedding(Node &node) {
  if (failed(node.checkIndex(3, "position_ids")))
    return failure();
  return rotary(node, node.input(1), node.input(2), node.input(3));
}
static LogicalResult microsoftRotaryEmbedding(Node &node) {
  if (failed(node.checkIndex(1, "position_ids")))
    return failure();
  if (node.flag("is_packed_batching", false) || node.real("scale", 1) != 1)
    return node.fail("uses packed batches or a scale, which is not supported",
                     "export the model without them");
  Value positions = node.input(1);
  if (node.rank(1) == 1) {
    // One position, that of the first token of each row.
    int64_t length = node.rank() == 4 ? 2 : 1;
    Type i64 = node.builder.getI64Type();
    auto size = [&](int64_t dim) { return node.make<onnx::ShapeOp>(node.input(0), dim, dim + 1); };
    Value count = node.make<onnx::SqueezeOp>(size(length), ArrayRef<int64_t>{0});
    Value row = node.make<onnx::AddOp>(
        node.make<onnx::RangeOp>(node.makeScalar(0, i64), count, node.makeScalar(1, i64)), positions);
    Value shape = node.make<onnx::ConcatOp>(ValueRange{size(0), size(length)}, 0);
    positions = node.make<onnx::ExpandOp>(row, shape);
  }
  return rotary(node, node.input(2), node.input(3), positions);
}

void addAttention(Registry &registry) {
  constexpr StringLiteral attributes =
      "is_causal:i kv_num_heads:i q_num_heads:i qk_matmul_output_mode:i scale:f "
      "softcap:f softmax_precision:i";
  constexpr StringLiteral restrictions = "heads of unknown size, fewer key heads than query heads in unknown "
                                         "number; V with other elements than Q "
                                         "and K; a mask of other elements than bool and those of Q";
  registry.add("", "Attention", {23}, 3, 6, 1, 4, attributes, attention, restrictions);
  registry.add("", "Attention", {24}, 3, 7, 1, 4, attributes, attention, restrictions);
  registry.add("", "RotaryEmbedding", {23}, 3, 4, 1, 1, "interleaved:i num_heads:i rotary_embedding_dim:i",
               rotaryEmbedding, "");
  registry.add("com.microsoft", "RotaryEmbedding", {1}, 4, 4, 1, 1,
               "interleaved:i is_packed_batching:i num_heads:i rotary_embedding_dim:i scale:f",
               microsoftRotaryEmbedding, "packed batches; a scale other than 1");
}

} // namespace tamis::import
