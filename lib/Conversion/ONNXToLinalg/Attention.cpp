//===- Attention.cpp - Lowerings of attention and rotary embeddings -------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// The size of a head where `heads` of them lie side by side.
static Size headSize(Lowering &l, const Size &hidden, int64_t heads) {
  if (std::optional<int64_t> constant = hidden.constant())
    if (heads > 0 && *constant % heads == 0)
      return l.size(*constant / heads);
  Value size = l.div(l.value(hidden), l.index(heads));
  l.check(l.compare(Compare::Equal, l.mul(size, l.index(heads)), l.value(hidden)),
          "the heads do not divide the hidden size");
  return l.size(size);
}

/// [B, S, heads * D] as [B, heads, S, D].
static Value splitHeads(Lowering &l, Value x, int64_t heads) {
  Size size = headSize(l, l.size(x, 2), heads);
  return l.transpose(l.reshape(x, {l.size(x, 0), l.size(x, 1), l.size(heads), size}), {0, 2, 1, 3});
}

static LoweredValues lowerAttention(onnx::AttentionOp op, onnx::AttentionOp::Adaptor operands, Lowering &l) {
  Value q = operands.getQ(), k = operands.getK(), v = operands.getV();
  bool flat = typeOf(q).getRank() == 3;
  if (flat) {
    q = splitHeads(l, q, op.getQNumHeads());
    k = splitHeads(l, k, op.getKvNumHeads());
    v = splitHeads(l, v, op.getKvNumHeads());
  }
  Size batch = l.size(q, 0), heads = l.size(q, 1), queries = l.size(q, 2), depth = l.size(q, 3);
  Size groups = l.size(k, 1), keys = l.size(k, 2), width = l.size(v, 3);
  constexpr StringLiteral mismatch = "the sizes of queries, keys and values do not fit";
  l.checkEqual(batch, l.size(k, 0), mismatch);
  l.checkEqual(batch, l.size(v, 0), mismatch);
  l.checkEqual(groups, l.size(v, 1), mismatch);
  l.checkEqual(keys, l.size(v, 2), mismatch);
  l.checkEqual(depth, l.size(k, 3), mismatch);
  // The heads that share keys lie one after the other: their queries are rows of one product.
  bool grouped = !heads.provablyEquals(groups);
  Size rows = queries;
  if (grouped) {
    if (!groups.constant()) {
      l.emitError("the number of key heads is not known; compile the model with that dimension fixed");
      return {};
    }
    Size each = headSize(l, heads, *groups.constant());
    rows = l.productSize({each, queries});
    q = l.reshape(q, {batch, groups, rows, depth});
  }
  // Scores and weights of narrow floats stay in f32, as in fused kernels: only the result is rounded.
  Type element = typeOf(q).getElementType(), wide = computeType(element);
  Value scores = batchedProduct(l, q, k, /*transposed=*/true, wide);
  if (grouped)
    scores = l.reshape(scores, {batch, heads, queries, keys});

  SmallVector<Value> inputs = {scores};
  bool boolMask = false;
  if (operands.getMask()) {
    inputs.push_back(operands.getMask());
    boolMask = typeOf(operands.getMask()).getElementType().isInteger(1);
  }
  double scale = op.getScale().convertToFloat(), softcap = op.getSoftcap().convertToFloat();
  Broadcast shape = l.broadcast(inputs);
  scores = l.generic(shape.operands, shape.maps, shape.sizes, wide, [&](ScalarBuilder &b, ValueRange args) {
    Value score = b.mul(args[0], b.number(wide, scale));
    if (softcap != 0) {
      Value cap = b.number(wide, softcap);
      score = b.mul(b.math<math::TanhOp>(b.div(score, cap)), cap);
    }
    if (inputs.size() > 1 && !boolMask)
      score = b.add(score, b.convert(args[1], wide));
    if (boolMask)
      score = b.select(args[1], score, b.lowest(wide));
    if (op.getIsCausal()) {
      Value query = linalg::IndexOp::create(b, b.getLoc(), 2),
            key = linalg::IndexOp::create(b, b.getLoc(), 3);
      score = b.select(b.compare(Compare::LessOrEqual, key, query), score, b.lowest(wide));
    }
    return score;
  });
  Value weights = softmax(l, scores, 3, /*maskedToZero=*/true);
  if (grouped)
    weights = l.reshape(weights, {batch, groups, rows, keys});
  Value result = batchedProduct(l, weights, v);
  if (grouped)
    result = l.reshape(result, {batch, heads, queries, width});
  if (flat)
    result = l.reshape(l.transpose(result, {0, 2, 1, 3}), {batch, queries, l.productSize({heads, width})});
  return {result};
}

static LoweredValues lowerRotaryEmbedding(RotaryEmbeddingOp op, RotaryEmbeddingOp::Adaptor operands,
                                          Lowering &l) {
  Value x = operands.getX(), cosines = operands.getCos(), sines = operands.getSin(),
        positions = operands.getPositionIds();
  bool flat = typeOf(x).getRank() == 3;
  SmallVector<Size, 4> original = l.sizes(x);
  if (flat)
    x = l.reshape(
        x, {original[0], original[1], l.size(op.getNumHeads()), headSize(l, original[2], op.getNumHeads())});
  SmallVector<Size, 4> sizes = l.sizes(x);
  Size batch = sizes[0], steps = sizes[flat ? 1 : 2];
  Value rotated = op.getRotaryDim() ? l.index(op.getRotaryDim()) : l.value(sizes[3]);
  Value half = l.div(rotated, l.index(2)), two = l.index(2);
  constexpr StringLiteral mismatch = "the cosines and sines do not fit the heads and positions";
  l.check(l.compare(Compare::LessOrEqual, rotated, l.value(sizes[3])), mismatch);
  l.check(l.compare(Compare::Greater, half, l.index(0)), mismatch);
  SmallVector<Size, 4> table = l.sizes(cosines);
  l.check(l.compare(Compare::Equal, l.value(table.back()), half), mismatch);
  for (auto [i, size] : llvm::enumerate(table))
    l.checkEqual(size, l.size(sines, i), mismatch);
  if (positions) {
    l.checkEqual(l.size(positions, 0), batch, mismatch);
    l.checkEqual(l.size(positions, 1), steps, mismatch);
    l.checkIndices(positions, l.value(table[0]));
  } else {
    l.checkEqual(table[0], batch, mismatch);
    l.checkEqual(table[1], steps, mismatch);
  }
  Type element = typeOf(x).getElementType(), wide = computeType(element);
  Value positionCount = l.value(table[0]);
  Value turned = l.generic(x, l.identity(4), sizes, element, [&](ScalarBuilder &b, ValueRange args) {
    Location loc = b.getLoc();
    SmallVector<Value> at;
    for (unsigned d = 0; d < 4; ++d)
      at.push_back(linalg::IndexOp::create(b, loc, d));
    Value i = at[3], zero = b.index(0), turns = b.compare(Compare::Less, i, rotated), first, pair, partner;
    if (op.getInterleaved()) {
      Value odd = b.createOrFold<arith::RemUIOp>(i, two);
      first = b.compare(Compare::Equal, odd, zero);
      pair = b.createOrFold<arith::DivUIOp>(i, two);
      partner = b.select(first, b.add(i, b.index(1)), b.sub(i, b.index(1)));
    } else {
      first = b.compare(Compare::Less, i, half);
      pair = b.select(first, i, b.sub(i, half));
      partner = b.select(first, b.add(i, half), b.sub(i, half));
    }
    pair = b.select(turns, pair, zero);
    partner = b.select(turns, partner, i);
    Value step = at[flat ? 1 : 2];
    SmallVector<Value> place = {at[0], step, pair};
    if (positions) {
      Value position = b.toIndex(tensor::ExtractOp::create(b, loc, positions, ValueRange{at[0], step}));
      position = b.select(b.compare(Compare::Less, position, zero), b.add(position, positionCount), position);
      place = {position, pair};
    }
    Value cosine = b.convert(tensor::ExtractOp::create(b, loc, cosines, place), wide);
    Value sine = b.convert(tensor::ExtractOp::create(b, loc, sines, place), wide);
    at[3] = partner;
    Value other = b.convert(tensor::ExtractOp::create(b, loc, x, at), wide), own = b.convert(args[0], wide);
    Value cross = b.mul(other, sine);
    Value sum = b.add(b.mul(own, cosine), b.select(first, b.neg(cross), cross));
    return b.convert(b.select(turns, sum, own), element);
  });
  return {flat ? l.reshape(turned, original) : turned};
}

void tamis::onnx::addAttentionLowerings(LoweringPatterns &patterns) {
  patterns.add<onnx::AttentionOp>(lowerAttention);
  patterns.add<RotaryEmbeddingOp>(lowerRotaryEmbedding);
}
