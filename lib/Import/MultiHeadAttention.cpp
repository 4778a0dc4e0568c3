//===- MultiHeadAttention.cpp - com.microsoft Attention and MultiHeadAttention --------------------------===//
#include "HeadAttention.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace tamis::import {

static constexpr StringLiteral exportAgain = "export the model again";

namespace {
/// What the two operators share: masks that add a finite number, and causality behind a past.
class MultiHeadImporter {
public:
  explicit MultiHeadImporter(Node &node) : node(node), heads(node.integer("num_heads", 0)) {}

  LogicalResult runAttention();
  LogicalResult runQuantizedAttention();
  LogicalResult runMultiHead();

private:
  LogicalResult checkHeads(Value x, int64_t width, StringRef what);
  LogicalResult checkAttention();
  /// `product` makes the columns [begin, end) of x times the weights.
  LogicalResult readProjections(function_ref<Value(int64_t begin, int64_t end)> product);
  LogicalResult finishAttention(Value past, unsigned mask, unsigned bias);
  LogicalResult readMultiHeadOperands();
  Value withBias(Value x, int64_t begin, int64_t end);
  Value part(Value packed, int64_t axis, int64_t index);
  /// What a mask of integers adds to the scores.
  FailureOr<Value> maskBias(unsigned input);
  Value keptByLengths(Value lengths);
  LogicalResult finish(unsigned mask, unsigned bias, float scale);

  Node &node;
  int64_t heads;
  Value q, k, v;    // [B, N, S, D]
  Value pastLength; // A scalar; null without a past.
  HeadAttention attention;
};
} // namespace

LogicalResult MultiHeadImporter::checkHeads(Value x, int64_t width, StringRef what) {
  if (heads <= 0)
    return node.fail("has num_heads = " + Twine(heads), exportAgain);
  if (ShapedType::isDynamic(width) || width <= 0 || width % heads != 0)
    return node.fail("has " + what + " of " +
                         (ShapedType::isDynamic(width) ? "an unknown number of" : Twine(width)) +
                         " columns for " + Twine(heads) + " heads",
                     "export the model with a constant hidden size");
  return success();
}

/// com.microsoft Attention: q, k and v are products of one input.
LogicalResult MultiHeadImporter::readProjections(function_ref<Value(int64_t begin, int64_t end)> productOf) {
  if (node.rank() != 3 || node.rank(1) != 2)
    return node.fail("needs an input of rank 3 and weights of rank 2", exportAgain);
  int64_t all = Node::type(node.input(1)).getDimSize(1);
  int64_t widths[3] = {all / 3, all / 3, all / 3};
  if (auto sizes = node.integers("qkv_hidden_sizes")) {
    if (sizes->size() != 3)
      return node.fail("has qkv_hidden_sizes of other than three sizes", exportAgain);
    llvm::copy(*sizes, widths);
  }
  if (ShapedType::isDynamic(all) || widths[0] + widths[1] + widths[2] != all || widths[0] != widths[1])
    return node.fail("has weights whose columns are not those of q, k and v", exportAgain);
  for (int64_t width : widths)
    if (failed(checkHeads(node.input(0), width, "queries, keys or values")))
      return failure();
  Value *parts[] = {&q, &k, &v};
  int64_t begin = 0;
  for (auto [width, part] : llvm::zip_equal(widths, parts)) {
    *part = splitHeads(node, productOf(begin, begin + width), heads);
    begin += width;
  }
  return failure(node.hasFailed());
}

Value MultiHeadImporter::withBias(Value x, int64_t begin, int64_t end) {
  if (!node.input(3))
    return x;
  return node.make<onnx::AddOp>(x, columns(node, node.input(3), begin, end));
}

/// One of the parts side by side along an axis, which goes.
Value MultiHeadImporter::part(Value packed, int64_t axis, int64_t index) {
  Value cut = node.make<onnx::SliceOp>(packed, node.makeIntegers({index}), node.makeIntegers({index + 1}),
                                       ArrayRef<int64_t>{axis}, ArrayRef<int64_t>{1});
  return node.make<onnx::SqueezeOp>(cut, ArrayRef<int64_t>{axis});
}

LogicalResult MultiHeadImporter::readMultiHeadOperands() {
  Value query = node.input(0), key = node.input(1), value = node.input(2);
  int64_t rank = node.rank(), keyRank = key ? node.rank(1) : 0, valueRank = value ? node.rank(2) : 0;
  auto flat = [&](Value x) -> Value {
    if (node.hasFailed())
      return {};
    auto sizes = Node::type(x).getShape().take_back(2);
    int64_t columns = ShapedType::isDynamicShape(sizes) ? -1 : sizes[0] * sizes[1];
    return node.make<onnx::ReshapeOp>(x, node.makeIntegers({0, 0, columns}));
  };
  if (rank == 5 && !key && !value) {
    // [B, S, N, 3, D]
    key = flat(part(query, 3, 1));
    value = flat(part(query, 3, 2));
    query = flat(part(query, 3, 0));
  } else if (rank == 3 && keyRank == 5 && !value) {
    // [B, T, N, 2, D]
    value = flat(part(key, 3, 1));
    key = flat(part(key, 3, 0));
  } else if (rank != 3 || keyRank != valueRank || (keyRank != 3 && keyRank != 4)) {
    return node.fail("has queries, keys and values of ranks that do not go together", exportAgain);
  }
  if (node.hasFailed())
    return failure();
  int64_t width = Node::type(query).getShape().back();
  if (failed(checkHeads(query, width, "queries")))
    return failure();
  q = splitHeads(node, withBias(query, 0, width), heads);
  if (keyRank == 4) {
    // [B, N, T, D] as they are; the bias is of the queries only.
    k = key;
    v = value;
    return failure(node.hasFailed());
  }
  int64_t valueWidth = Node::type(value).getShape().back();
  if (failed(checkHeads(value, valueWidth, "values")))
    return failure();
  k = splitHeads(node, withBias(key, width, 2 * width), heads);
  v = splitHeads(node, withBias(value, 2 * width, 2 * width + valueWidth), heads);
  return failure(node.hasFailed());
}

/// Of a mask [B] the lengths of the sequences, of one [2 B] their ends and then their beginnings, of one [3 B
/// + 2] their lengths and what says the same.
Value MultiHeadImporter::keptByLengths(Value lengths) {
  Type i64 = node.builder.getI64Type();
  Value batch = shapeOf(node, q, 0), both = node.make<onnx::MulOp>(batch, node.makeScalar(2, i64));
  Value all = node.make<onnx::ConcatOp>(
      ValueRange{lengths, node.make<onnx::ExpandOp>(node.makeScalar(0, i64), batch)}, 0);
  auto from = [&](Value begin, Value end) {
    Value found = node.make<onnx::SliceOp>(all, begin, end, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
    return node.make<onnx::UnsqueezeOp>(found, ArrayRef<int64_t>{1, 2, 3});
  };
  Value keys = indices(node, sizeOf(node, k, 2));
  Value ends = from(node.makeIntegers({0}), batch), begins = from(batch, both);
  Value hasBegins = node.make<onnx::EqualOp>(node.make<onnx::SizeOp>(lengths), both);
  begins = node.make<onnx::WhereOp>(hasBegins, begins, node.makeScalar(0, i64));
  return node.make<onnx::AndOp>(node.make<onnx::LessOp>(keys, ends),
                                node.make<onnx::GreaterOrEqualOp>(keys, begins));
}

FailureOr<Value> MultiHeadImporter::maskBias(unsigned input) {
  Value mask = node.input(input);
  if (!mask)
    return Value();
  int64_t rank = Node::type(mask).getRank();
  if (!isa<IntegerType>(Node::type(mask).getElementType()) || rank < 1 || rank > 4)
    return node.fail("has a mask that is not of integers of rank 1 to 4", exportAgain);
  Type i64 = node.builder.getI64Type();
  Value kept;
  if (rank == 1) {
    int64_t size = Node::type(mask).getDimSize(0), batch = Node::type(q).getDimSize(0);
    if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(batch) && size != batch && size != 2 * batch &&
        size != 3 * batch + 2)
      return node.fail("has a mask of " + Twine(size) + " elements for " + Twine(batch) +
                           " sequences, which is no form of one",
                       "give the mask as [batch, sequence]");
    kept = keptByLengths(node.makeCast(mask, i64));
  } else {
    if (rank == 4) {
      // [B, 1, M, M]: the rows of the queries and the columns of the keys.
      Value keys = shapeOf(node, k, 2), queries = shapeOf(node, q, 2),
            start = node.make<onnx::SubOp>(keys, queries);
      auto cut = [&](int64_t axis, Value begin) {
        mask = node.make<onnx::SliceOp>(mask, begin, keys, ArrayRef<int64_t>{axis}, ArrayRef<int64_t>{1});
      };
      cut(2, start);
      cut(3, node.makeIntegers({0}));
    } else {
      mask = node.make<onnx::UnsqueezeOp>(mask, rank == 2 ? ArrayRef<int64_t>{1, 2} : ArrayRef<int64_t>{1});
    }
    if (node.hasFailed())
      return failure();
    kept = node.make<onnx::GreaterOp>(mask, node.makeScalar(0, Node::type(mask).getElementType()));
  }
  return asBias(node, kept, node.real("mask_filter_value", -10000), Node::type(q).getElementType());
}

LogicalResult MultiHeadImporter::finish(unsigned mask, unsigned bias, float scale) {
  if (node.hasFailed())
    return failure();
  FailureOr<Value> masked = maskBias(mask);
  if (failed(masked))
    return failure();
  Type element = Node::type(q).getElementType();
  attention.q = q;
  attention.k = k;
  attention.v = v;
  int64_t headSize = Node::type(q).getDimSize(3); // Known: checkHeads has seen to it.
  attention.scale = scale != 0 ? scale : static_cast<float>(1 / std::sqrt(static_cast<double>(headSize)));
  bool isCausal = node.flag("unidirectional", false);
  attention.isCausal = isCausal && !pastLength && !*masked;
  auto add = [&](Value part) {
    attention.mask = attention.mask ? node.make<onnx::AddOp>(attention.mask, part) : part;
  };
  if (*masked)
    add(*masked);
  if (isCausal && !attention.isCausal) {
    Value rows = node.make<onnx::UnsqueezeOp>(indices(node, sizeOf(node, q, 2)), ArrayRef<int64_t>{1});
    if (pastLength)
      rows = node.make<onnx::AddOp>(rows, pastLength);
    add(asBias(node, node.make<onnx::LessOrEqualOp>(indices(node, sizeOf(node, k, 2)), rows),
               std::numeric_limits<float>::lowest(), element));
  }
  if (node.input(bias))
    add(node.input(bias));
  node.setOutput(0, joinHeads(node, attention.output(node)));
  return failure(node.hasFailed());
}

LogicalResult MultiHeadImporter::checkAttention() {
  if (node.flag("do_rotary", false))
    return node.fail("turns its heads itself (do_rotary), which is not supported",
                     "export the model with RotaryEmbedding nodes");
  if (node.flag("past_present_share_buffer", false))
    return node.fail("shares a buffer between past and present, which is not supported",
                     "export the model with caches of the length of the past");
  return success();
}

LogicalResult MultiHeadImporter::finishAttention(Value past, unsigned mask, unsigned bias) {
  if (past) {
    if (Node::type(past).getRank() != 5)
      return node.fail("needs a past of rank 5", exportAgain);
    Value pastKey = part(past, 0, 0), pastValue = part(past, 0, 1);
    pastLength = sizeOf(node, past, 3);
    k = node.make<onnx::ConcatOp>(ValueRange{pastKey, k}, 2);
    v = node.make<onnx::ConcatOp>(ValueRange{pastValue, v}, 2);
  }
  if (node.isUsed(1)) {
    auto lead = [&](Value x) { return node.make<onnx::UnsqueezeOp>(x, ArrayRef<int64_t>{0}); };
    node.setOutput(1, node.make<onnx::ConcatOp>(ValueRange{lead(k), lead(v)}, 0));
  }
  return finish(mask, bias, node.real("scale", 0));
}

LogicalResult MultiHeadImporter::runAttention() {
  if (failed(checkAttention()))
    return failure();
  if (node.input(6))
    return node.fail("shares a buffer between past and present, which is not supported",
                     "export the model with caches of the length of the past");
  auto product = [&](int64_t begin, int64_t end) {
    Value y = node.make<onnx::MatMulOp>(node.input(0), columns(node, node.input(1), begin, end));
    return node.input(2) ? node.make<onnx::AddOp>(y, columns(node, node.input(2), begin, end)) : y;
  };
  if (failed(readProjections(product)))
    return failure();
  return finishAttention(node.input(4), 3, 5);
}

/// x, weights, bias, x_scale, weight_scale, mask?, x_zero_point?, weight_zero_point?, past?.
LogicalResult MultiHeadImporter::runQuantizedAttention() {
  if (failed(checkAttention()))
    return failure();
  Type f32 = node.builder.getF32Type();
  // One for all columns, or one for each.
  auto ofColumns = [&](Value x, int64_t begin, int64_t end) {
    bool isOne = !x || node.hasFailed() || Node::type(x).getRank() == 0 || Node::type(x).getDimSize(0) == 1;
    return isOne ? x : columns(node, x, begin, end);
  };
  auto product = [&](int64_t begin, int64_t end) {
    Value sums = node.make<onnx::MatMulIntegerOp>(node.input(0), columns(node, node.input(1), begin, end),
                                                  node.input(6), ofColumns(node.input(7), begin, end));
    Value scale = node.make<onnx::MulOp>(node.input(3), ofColumns(node.input(4), begin, end));
    Value y = node.make<onnx::MulOp>(node.makeCast(sums, f32), scale);
    return node.make<onnx::AddOp>(y, columns(node, node.input(2), begin, end));
  };
  if (failed(readProjections(product)))
    return failure();
  return finishAttention(node.input(8), 5, /*bias=*/node.numInputs());
}

LogicalResult MultiHeadImporter::runMultiHead() {
  if (node.input(8) || node.input(9))
    return node.fail("shares a buffer between past and present, which is not supported",
                     "export the model with caches of the length of the past");
  if (!node.input(6) != !node.input(7))
    return node.fail("needs past_key and past_value together", exportAgain);
  if (failed(readMultiHeadOperands()))
    return failure();
  if (node.input(6)) {
    pastLength = sizeOf(node, node.input(6), 2);
    k = node.make<onnx::ConcatOp>(ValueRange{node.input(6), k}, 2);
    v = node.make<onnx::ConcatOp>(ValueRange{node.input(7), v}, 2);
  }
  node.setOutput(1, k);
  node.setOutput(2, v);
  if (failed(finish(4, 5, node.real("scale", 0))))
    return failure();
  if (node.isUsed(3))
    node.setOutput(3, attention.scores(node, HeadAttention::Scores::Masked));
  return failure(node.hasFailed());
}

static LogicalResult attention(Node &node) { return MultiHeadImporter(node).runAttention(); }
static LogicalResult quantizedAttention(Node &node) {
  return MultiHeadImporter(node).runQuantizedAttention();
}
static LogicalResult multiHeadAttention(Node &node) { return MultiHeadImporter(node).runMultiHead(); }

void addMultiHeadAttention(Registry &registry) {
  registry.add("com.microsoft", "Attention", {1}, 2, 7, 1, 2,
               "do_rotary:i mask_filter_value:f num_heads:i past_present_share_buffer:i qkv_hidden_sizes:I "
               "rotary_embedding_dim:i scale:f unidirectional:i",
               attention, "do_rotary; buffers shared by past and present; heads of unknown size");
  registry.add("com.microsoft", "QAttention", {1}, 5, 9, 1, 2,
               "do_rotary:i mask_filter_value:f num_heads:i past_present_share_buffer:i scale:f "
               "unidirectional:i",
               quantizedAttention, "do_rotary; buffers shared by past and present; heads of unknown size");
  registry.add("com.microsoft", "MultiHeadAttention", {1}, 1, 10, 1, 4,
               "mask_filter_value:f num_heads:i scale:f unidirectional:i", multiHeadAttention,
               "past_sequence_length and cache_indirection; heads of unknown size");
}

} // namespace tamis::import
