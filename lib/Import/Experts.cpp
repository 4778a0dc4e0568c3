//===- Experts.cpp - Mixtures of experts of com.microsoft ----------------------------------------------===//
#include "Node.h"
#include "Packed.h"
#include <limits>

using namespace mlir;

namespace tamis::import {

constexpr StringLiteral exportAgain = "export the model again";

namespace {
/// A weight [E, rows, columns] and its bias [E, rows], which may be null.
struct Layer {
  Value w, bias;
};
} // namespace

/// Every other row of a fused layer, or one half of its rows: part 0 or 1.
static Layer takePart(Node &node, const Layer &fused, int64_t part, bool isInterleaved) {
  auto take = [&](Value value) -> Value {
    if (!value || node.hasFailed())
      return {};
    SmallVector<int64_t> sizes(Node::type(value).getShape());
    sizes[1] /= 2;
    if (!isInterleaved)
      return sliceOf(node, value, 1, part * sizes[1], sizes[1]);
    SmallVector<int64_t> pairs(sizes);
    pairs.insert(pairs.begin() + 2, 2);
    return reshape(node, sliceOf(node, reshape(node, value, pairs), 2, part, 1), sizes);
  };
  return {take(fused.w), take(fused.bias)};
}

/// Builds the op from layers of floats, fused or not.
static LogicalResult experts(Node &node, Layer fc1, Layer fc2, Layer fc3, bool softmaxChosen) {
  StringRef activation = node.string("activation_type", "relu");
  int64_t fusion = node.integer("swiglu_fusion", 0);
  if (node.hasFailed())
    return failure();
  if (!llvm::is_contained({"relu", "gelu", "silu", "identity", "swiglu"}, activation))
    return node.fail("has the activation '" + activation + "', which is not supported",
                     "export the model with relu, gelu, silu, identity or swiglu");
  if (fusion < 0 || fusion > 2)
    return node.fail("has swiglu_fusion = " + Twine(fusion) + ", which is none of 0, 1 and 2", exportAgain);
  auto w1 = Node::type(fc1.w);
  if (!w1.hasStaticShape() || w1.getRank() != 3)
    return node.fail("has fc1 weights that are not [experts, inner, hidden] of known sizes", exportAgain);
  if (activation == "swiglu" && fusion != 0) {
    if (fc3.w)
      return node.fail("has fc3 weights beside fused ones", exportAgain);
    if (w1.getDimSize(1) % 2)
      return node.fail("has " + Twine(w1.getDimSize(1)) + " rows of fused weights, which are no two halves",
                       exportAgain);
    Layer fused = fc1;
    fc1 = takePart(node, fused, 0, fusion == 1);
    fc3 = takePart(node, fused, 1, fusion == 1);
  }
  if (activation == "swiglu" && !fc3.w)
    return node.fail("is a swiglu without fc3 weights and without fused ones", exportAgain);
  if (node.hasFailed())
    return failure();

  bool isSwiglu = activation == "swiglu";
  Value x = node.input(0), f32 = {};
  Type element = Node::type(x).getElementType(), real = node.builder.getF32Type();
  auto wide = [&](Value value) { return value ? node.makeCast(value, real) : value; };
  f32 = node.make<onnx::MoEOp>(
      wide(x), wide(node.input(1)), wide(fc1.w), wide(fc1.bias), wide(fc2.w), wide(fc2.bias), wide(fc3.w),
      wide(fc3.bias), node.integer("k", 1), activation, node.flag("normalize_routing_weights", false),
      softmaxChosen, APFloat(isSwiglu ? node.real("activation_alpha", 1) : 1),
      APFloat(isSwiglu ? node.real("activation_beta", 0) : 0),
      APFloat(isSwiglu ? node.real("swiglu_limit", std::numeric_limits<float>::infinity())
                       : std::numeric_limits<float>::infinity()));
  node.setOutput(0, node.makeCast(f32, element));
  return success();
}

static LogicalResult checkWeights(Node &node, ArrayRef<unsigned> inputs) {
  for (unsigned i : inputs)
    if (node.input(i) && !isKnown(node.input(i)))
      return node.fail("takes weights from '" + node.proto.input(i) + "', which is not known at compile time",
                       "store the experts' weights in the model");
  return success();
}

/// Biases stand among inputs that must be there, so the registry's least number of inputs does not tell.
static LogicalResult checkPresent(Node &node, ArrayRef<unsigned> inputs) {
  for (unsigned i : inputs)
    if (!node.input(i))
      return node.fail("lacks its input " + Twine(i), exportAgain);
  return success();
}

static LogicalResult moe(Node &node) {
  if (failed(checkPresent(node, {4})) || failed(checkWeights(node, {2, 3, 4, 5, 6, 7})))
    return failure();
  return experts(node, {node.input(2), node.input(3)}, {node.input(4), node.input(5)},
                 {node.input(6), node.input(7)}, /*softmaxChosen=*/false);
}

/// A quantised weight [E, N, K * bits / 8] as floats [E, N, K]; scales and zero points are one a row, or one
/// a block of `blockSize` elements of a row.
static Value dequantizeExperts(Node &node, unsigned weight, unsigned zeros, int64_t bits, int64_t blockSize) {
  Value w = node.input(weight), scale = node.input(weight + 1), zero = node.input(zeros);
  if (!w || node.hasFailed())
    return {};
  auto type = Node::type(w);
  Type byte = IntegerType::get(node.builder.getContext(), 8, IntegerType::Unsigned);
  if (type.getElementType() != byte || type.getRank() != 3 || !type.hasStaticShape() || !scale) {
    (void)node.fail("has a weight that is not [experts, rows, packed columns] of unsigned bytes with scales",
                    quantizeAgain);
    return {};
  }
  int64_t perByte = 8 / bits, e = type.getDimSize(0), n = type.getDimSize(1),
          k = type.getDimSize(2) * perByte;
  if (blockSize == 0)
    blockSize = std::max<int64_t>(k, 1);
  int64_t blocks = llvm::divideCeil(k, blockSize);
  if (failed(checkCount(node, weight + 1, e * n * blocks, "scales")))
    return {};
  scale = reshape(node, scale, {e, n, blocks});
  if (!zero) {
    zero = node.makeScalar(static_cast<double>(int64_t(1) << (bits - 1)), byte);
  } else {
    // Packed along the last of the dimensions that the scales have: blocks, or rows when there is one a row.
    int64_t rows = blocks > 1 || Node::type(node.input(weight + 1)).getRank() == 3 ? e * n : e,
            perRow = e * n * blocks / std::max<int64_t>(rows, 1), bytes = llvm::divideCeil(perRow, perByte);
    if (Node::type(zero).getElementType() != byte) {
      (void)node.fail("has zero points that are not packed in unsigned bytes", quantizeAgain);
      return {};
    }
    if (failed(checkCount(node, zeros, rows * bytes, "zero points")))
      return {};
    zero = unpack(node, reshape(node, zero, {rows, bytes}), bits);
    zero = reshape(node, sliceOf(node, zero, 1, 0, perRow), {e, n, blocks});
  }
  return node.makeTyped<onnx::DequantizeLinearOp>(node.builder.getF32Type(), unpack(node, w, bits),
                                                  node.makeCast(scale, node.builder.getF32Type()), zero, 2,
                                                  blockSize);
}

static LogicalResult qMoE(Node &node) {
  int64_t bits = node.integer("expert_weight_bits", 4), blockSize = node.integer("block_size", 0);
  if (bits != 4 && bits != 8)
    return node.fail("has weights of " + Twine(bits) + " bits, which is not supported",
                     "quantise the experts to 4 or 8 bits");
  if (node.attribute("block_size") && blockSize < 16)
    return node.fail("has blocks of " + Twine(blockSize) + " elements, which is less than 16", quantizeAgain);
  if (node.string("quant_type", "int") != "int")
    return node.fail("has weights of the form '" + node.string("quant_type", "int") +
                         "', which is not supported",
                     "quantise the experts to integers");
  if (node.input(14))
    return node.fail("takes the weights of the chosen experts from router_weights, which is not supported",
                     "export the model without that input");
  if (failed(checkPresent(node, {5, 6})) ||
      failed(checkWeights(node, {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})))
    return failure();
  auto layer = [&](unsigned weight, unsigned zeros) -> Layer {
    return {dequantizeExperts(node, weight, zeros, bits, blockSize), node.input(weight + 2)};
  };
  return experts(node, layer(2, 11), layer(5, 12), layer(8, 13), /*softmaxChosen=*/true);
}

void addExperts(Registry &registry) {
  constexpr StringLiteral shared =
      "weights that are not stored in the model; use_sparse_mixer is ignored, as ONNX "
      "Runtime ignores it on the CPU";
  registry.add("com.microsoft", "MoE", {1}, 3, 8, 1, 1,
               "activation_alpha:f activation_beta:f activation_type:s k:i normalize_routing_weights:i "
               "swiglu_fusion:i swiglu_limit:f use_sparse_mixer:i",
               moe, shared);
  registry.add("com.microsoft", "QMoE", {1}, 4, 15, 1, 1,
               "accuracy_level:i activation_alpha:f activation_beta:f activation_type:s block_size:i "
               "expert_weight_bits:i k:i "
               "normalize_routing_weights:i quant_type:s swiglu_fusion:i swiglu_limit:f use_sparse_mixer:i",
               qMoE,
               "weights of 2 bits, of floats, or not stored in the model; the input router_weights; "
               "use_sparse_mixer is "
               "ignored, as ONNX Runtime ignores it on the CPU");
}

} // namespace tamis::import
