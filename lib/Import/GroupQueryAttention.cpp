//===- GroupQueryAttention.cpp - com.microsoft GroupQueryAttention --------------------------------------===//
#include "HeadAttention.h"
#include <cmath>

using namespace mlir;

namespace tamis::import {

namespace {
/// Sequence b has seqlens_k[b] + 1 tokens with the new ones, the last S of which are the queries. What is
/// before them lies in the cache; the operator writes the new keys and values behind it, wherever that is.
class GroupQueryImporter {
public:
  explicit GroupQueryImporter(Node &node)
      : node(node), heads(node.integer("num_heads", 0)), groups(node.integer("kv_num_heads", 0)) {}

  LogicalResult run();

private:
  LogicalResult checkForm();
  LogicalResult readOperands();
  void readLengths();
  LogicalResult turn();
  Value append(Value past, Value added);
  Value turned(Value x, Value positions, int64_t size);
  Value allowedKeys();

  Type i64() { return node.builder.getI64Type(); }
  Value scalar(int64_t value) { return node.makeScalar(static_cast<double>(value), i64()); }

  Node &node;
  int64_t heads, groups, headSize = 0;
  Value q, k, v;        // [B, heads, S, D]
  Value total, queries; // Scalars.
  Value length, before; // [B, 1]: tokens of each sequence, and those before the queries.
};
} // namespace

/// What only caches of other forms need.
LogicalResult GroupQueryImporter::checkForm() {
  constexpr StringLiteral withoutCache = "export the model with a cache of floats of the whole sequence";
  for (StringRef kind : {"k_quant_type", "v_quant_type"})
    if (node.string(kind, "NONE") != "NONE")
      return node.fail("has a cache that is quantised (" + kind + " '" + node.string(kind, "") +
                           "'), which is not supported",
                       withoutCache);
  if (node.input(12) || node.input(13))
    return node.fail("has scales of a quantised cache, which is not supported", withoutCache);
  if (node.flag("sliding_window_cache", false))
    return node.fail("has a cache of the size of the window, which is not supported", withoutCache);
  if (node.input(16))
    return node.fail("takes query_seqlens, which is not supported", "export the model without that input");
  if (heads <= 0 || groups <= 0 || heads % groups != 0)
    return node.fail("has num_heads = " + Twine(heads) + " and kv_num_heads = " + Twine(groups) +
                         ", of which the one is no multiple of the other",
                     "export the model again");
  if (!node.input(5) || !node.input(6))
    return node.fail("lacks seqlens_k or total_sequence_length", "export the model again");
  if (!node.input(1) != !node.input(2) || !node.input(3) != !node.input(4))
    return node.fail("needs key and value together, and past_key and past_value together",
                     "export the model again");
  if (node.flag("do_rotary", false) && (!node.input(7) || !node.input(8)))
    return node.fail("needs cos_cache and sin_cache for do_rotary", "export the model again");
  if (!node.input(14) != !node.input(15))
    return node.fail("needs q_norm_weight and k_norm_weight together", "export the model again");
  int64_t scores = node.integer("qk_output", 0);
  if (scores < 0 || scores > 2)
    return node.fail("has qk_output = " + Twine(scores) + ", which is none of 0, 1 and 2",
                     "export the model again");
  if (!node.flag("causal", true) && node.integer("local_window_size", -1) >= 0)
    return node.fail("has a local window without being causal", "export the model again");
  return success();
}

LogicalResult GroupQueryImporter::readOperands() {
  Value packed = node.input(0);
  int64_t hidden = Node::type(packed).getRank() == 3 ? Node::type(packed).getShape().back() : 0;
  int64_t parts = node.input(1) ? heads : heads + 2 * groups;
  if (ShapedType::isDynamic(hidden) || hidden <= 0 || hidden % parts != 0)
    return node.fail("has a query of " +
                         (ShapedType::isDynamic(hidden) ? "an unknown number of" : Twine(hidden)) +
                         " columns, which are not the heads' in [batch, sequence, columns]",
                     "export the model with a constant hidden size");
  headSize = hidden / parts;
  int64_t queryWidth = heads * headSize, keyWidth = groups * headSize;
  Value key = node.input(1), value = node.input(2), query = packed;
  if (!key) {
    query = columns(node, packed, 0, queryWidth);
    key = columns(node, packed, queryWidth, queryWidth + keyWidth);
    value = columns(node, packed, queryWidth + keyWidth, queryWidth + 2 * keyWidth);
  } else if (Node::type(key).getRank() != 3 || Node::type(value).getRank() != 3) {
    return node.fail("needs key and value of rank 3", "export the model again");
  }
  q = splitHeads(node, query, heads);
  k = splitHeads(node, key, groups);
  v = splitHeads(node, value, groups);
  if (Value weight = node.input(14)) {
    // Per head, before they are turned.
    auto norm = [&](Value x, Value scale, StringRef epsilon) {
      float shared = node.real("qk_norm_epsilon", 1e-6f);
      return node.make<onnx::RMSNormalizationOp>(x, scale, 3, APFloat(node.real(epsilon, shared)));
    };
    q = norm(q, weight, "q_norm_epsilon");
    k = norm(k, node.input(15), "k_norm_epsilon");
  }
  return failure(node.hasFailed());
}

void GroupQueryImporter::readLengths() {
  auto flat = [&](Value x, ArrayRef<int64_t> shape) {
    return node.make<onnx::ReshapeOp>(node.makeCast(x, i64()), node.makeIntegers(shape));
  };
  total = flat(node.input(6), {});
  queries = sizeOf(node, q, 2);
  length = node.make<onnx::AddOp>(flat(node.input(5), {-1, 1}), scalar(1));
  // As many queries as tokens are a first prompt, whose sequences may be shorter; their padding is at the
  // end.
  Value isPrompt = node.make<onnx::EqualOp>(queries, total);
  before = node.make<onnx::WhereOp>(isPrompt, scalar(0), node.make<onnx::SubOp>(length, queries));
}

Value GroupQueryImporter::turned(Value x, Value positions, int64_t size) {
  return node.make<onnx::RotaryEmbeddingOp>(x, node.input(7), node.input(8), positions,
                                            node.flag("rotary_interleaved", false), 0,
                                            size == headSize ? 0 : size);
}

LogicalResult GroupQueryImporter::turn() {
  if (!node.flag("do_rotary", false))
    return success();
  auto table = Node::type(node.input(7)).getShape();
  if (table.size() != 2 || ShapedType::isDynamic(table[1]))
    return node.fail("has a cos_cache that is not [positions, columns] of known width",
                     "export the model again");
  Value positions = node.input(9);
  if (positions) {
    positions = node.makeCast(positions, i64());
  } else {
    Value row = node.make<onnx::UnsqueezeOp>(indices(node, queries), ArrayRef<int64_t>{0});
    positions = node.make<onnx::AddOp>(row, before);
  }
  q = turned(q, positions, 2 * table[1]);
  k = turned(k, positions, 2 * table[1]);
  return failure(node.hasFailed());
}

/// The cache with the new rows behind what is before them, and zeros elsewhere.
Value GroupQueryImporter::append(Value past, Value added) {
  if (!past || node.hasFailed())
    return added;
  Value room = sizeOf(node, past, 2);
  Value missing = node.make<onnx::MaxOp>(node.make<onnx::SubOp>(total, room), scalar(0));
  Value one = node.makeIntegers({1});
  Value zero = node.makeScalar(0, Node::type(past).getElementType());
  Value shape =
      node.make<onnx::ConcatOp>(ValueRange{node.make<onnx::ShapeOp>(past, 0, 2),
                                           node.make<onnx::ReshapeOp>(missing, one), shapeOf(node, past, 3)},
                                0);
  Value full = node.make<onnx::ConcatOp>(ValueRange{past, node.make<onnx::ExpandOp>(zero, shape)}, 2);
  Value start = node.make<onnx::UnsqueezeOp>(before, ArrayRef<int64_t>{2, 3}); // [B, 1, 1, 1]
  Value places = node.make<onnx::UnsqueezeOp>(indices(node, sizeOf(node, full, 2)), ArrayRef<int64_t>{1});
  full = node.make<onnx::WhereOp>(node.make<onnx::LessOp>(places, start), full, zero);
  Value rows = node.make<onnx::UnsqueezeOp>(indices(node, queries), ArrayRef<int64_t>{1});
  Value at =
      node.make<onnx::ExpandOp>(node.make<onnx::AddOp>(rows, start), node.make<onnx::ShapeOp>(added, 0, 4));
  return node.make<onnx::ScatterElementsOp>(full, at, added, 2, "none");
}

/// [B, 1, S, T]: the keys up to the query, in its window.
Value GroupQueryImporter::allowedKeys() {
  Value key = indices(node, total);
  if (!node.flag("causal", true))
    return node.make<onnx::LessOp>(key, node.make<onnx::UnsqueezeOp>(length, ArrayRef<int64_t>{2, 3}));
  Value row = node.make<onnx::UnsqueezeOp>(indices(node, queries), ArrayRef<int64_t>{1});
  Value query = node.make<onnx::AddOp>(row, node.make<onnx::UnsqueezeOp>(before, ArrayRef<int64_t>{2, 3}));
  Value allowed = node.make<onnx::LessOrEqualOp>(key, query);
  int64_t window = node.integer("local_window_size", -1);
  if (window >= 0)
    allowed = node.make<onnx::AndOp>(
        allowed, node.make<onnx::GreaterOp>(key, node.make<onnx::SubOp>(query, scalar(window))));
  return allowed;
}

LogicalResult GroupQueryImporter::run() {
  if (failed(checkForm()) || failed(readOperands()))
    return failure();
  readLengths();
  if (failed(turn()))
    return failure();
  bool hasCache = static_cast<bool>(node.input(3));
  k = append(node.input(3), k);
  v = append(node.input(4), v);
  node.setOutput(1, k);
  node.setOutput(2, v);
  HeadAttention attention;
  attention.q = q;
  attention.k = k;
  attention.v = v;
  if (hasCache) {
    // A cache may have room for more tokens than there are.
    Value end = node.make<onnx::ReshapeOp>(total, node.makeIntegers({1}));
    auto used = [&](Value x) {
      return node.make<onnx::SliceOp>(x, node.makeIntegers({0}), end, ArrayRef<int64_t>{2},
                                      ArrayRef<int64_t>{1});
    };
    attention.k = used(k);
    attention.v = used(v);
  }
  attention.sinks = node.input(11);
  if (!attention.sinks && node.integer("smooth_softmax", 0) > 0)
    attention.sinks =
        node.make<onnx::ExpandOp>(node.makeScalar(0, node.element()), node.makeIntegers({heads}));
  // Without a cache, all sequences start at the first key.
  attention.isCausal =
      !hasCache && !attention.sinks && node.flag("causal", true) && node.integer("local_window_size", -1) < 0;
  Value allowed = attention.isCausal ? Value() : allowedKeys();
  attention.mask = restrictMask(node, node.input(10), allowed);
  float scale = node.real("scale", 0);
  attention.scale = scale != 0 ? scale : static_cast<float>(1 / std::sqrt(static_cast<double>(headSize)));
  attention.softcap = node.real("softcap", 0);
  node.setOutput(0, joinHeads(node, attention.output(node)));
  if (int64_t kind = node.integer("qk_output", 0); kind != 0 && node.isUsed(3)) {
    attention.isCausal = false;
    // The operator leaves 0 where a key is excluded.
    Value excluded = allowed ? allowed : allowedKeys();
    attention.mask = restrictMask(node, node.input(10), excluded);
    Value scores =
        attention.scores(node, kind == 1 ? HeadAttention::Scores::Masked : HeadAttention::Scores::Weights);
    node.setOutput(3, node.make<onnx::WhereOp>(excluded, scores, node.makeScalar(0, node.element())));
  }
  return failure(node.hasFailed());
}

static LogicalResult groupQueryAttention(Node &node) { return GroupQueryImporter(node).run(); }

void addGroupQueryAttention(Registry &registry) {
  registry.add(
      "com.microsoft", "GroupQueryAttention", {1}, 1, 17, 1, 4,
      "causal:i do_rotary:i k_norm_epsilon:f k_quant_type:s kv_cache_bit_width:i kv_num_heads:i "
      "local_window_size:i num_heads:i q_norm_epsilon:f qk_norm_epsilon:f qk_output:i "
      "rotary_interleaved:i scale:f sliding_window_cache:i smooth_softmax:i softcap:f v_quant_type:s",
      groupQueryAttention,
      "a quantised cache; sliding_window_cache; the input query_seqlens; heads of unknown size");
}

} // namespace tamis::import
