//===- Normalizations.cpp - Softmax and normalisations
//---------------------------------------------------===//
#include "Node.h"

using namespace mlir;

namespace tamis::import {

template <typename OpTy> static LogicalResult softmax(Node &node) {
  auto axis = node.axis(node.integer("axis", -1), node.rank());
  if (failed(axis))
    return failure();
  node.setOutput(0, node.make<OpTy>(node.input(0), *axis));
  return success();
}
/// Before version 13: over all dimensions from `axis` on.
template <typename OpTy> static LogicalResult softmaxOfMatrix(Node &node) {
  int64_t rank = node.rank();
  auto axis = node.axis(node.integer("axis", 1), rank);
  if (failed(axis))
    return failure();
  if (*axis == rank - 1) {
    node.setOutput(0, node.make<OpTy>(node.input(0), *axis));
    return success();
  }
  Value matrix = node.make<OpTy>(node.make<onnx::FlattenOp>(node.input(0), *axis), 1);
  Value shape = node.make<onnx::ShapeOp>(node.input(0), 0, rank);
  node.setOutput(0, node.make<onnx::ReshapeOp>(matrix, shape, /*allowzero=*/true));
  return success();
}

/// One at the first largest element along the axis, else zero.
static LogicalResult hardmax(Node &node) {
  auto axis = node.axis(node.integer("axis", -1), node.rank());
  if (failed(axis))
    return failure();
  Value largest = node.make<onnx::ArgMaxOp>(node.input(0), *axis, /*keepdims=*/false);
  Value depth = node.make<onnx::ShapeOp>(node.input(0), *axis, *axis + 1);
  Value values = node.makeCast(node.makeIntegers({0, 1}), node.element());
  node.setOutput(0, node.make<onnx::OneHotOp>(largest, depth, values, *axis));
  return success();
}

/// The outputs Mean and InvStdDev of x, in f32; what nothing reads is removed later.
static void addStatistics(Node &node, Value x, int64_t axis, float epsilon) {
  if ((!node.isUsed(1) && !node.isUsed(2)) || node.hasFailed())
    return;
  Type f32 = node.builder.getF32Type();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(axis, node.rank()));
  auto meanOf = [&](Value x) {
    return node.make<onnx::ReduceMeanOp>(x, ArrayRef<int64_t>(axes), /*keepdims=*/true);
  };
  x = node.makeCast(x, f32);
  Value mean = meanOf(x), centred = node.make<onnx::SubOp>(x, mean);
  Value variance = meanOf(node.make<onnx::MulOp>(centred, centred));
  Value shifted = node.make<onnx::AddOp>(variance, node.makeScalar(epsilon, f32));
  node.setOutput(1, mean);
  node.setOutput(2, node.make<onnx::ReciprocalOp>(node.make<onnx::SqrtOp>(shifted)));
}

static LogicalResult layerNormalization(Node &node) {
  auto axis = node.axis(node.integer("axis", -1), node.rank());
  if (failed(axis))
    return failure();
  node.setOutput(0, node.make<onnx::LayerNormalizationOp>(node.input(0), node.input(1), node.input(2), *axis,
                                                          APFloat(node.real("epsilon", 1e-5f))));
  addStatistics(node, node.input(0), *axis, node.real("epsilon", 1e-5f));
  return success();
}
static LogicalResult rmsNormalization(Node &node) {
  auto axis = node.axis(node.integer("axis", -1), node.rank());
  if (failed(axis))
    return failure();
  node.setOutput(0, node.make<onnx::RMSNormalizationOp>(node.input(0), node.input(1), *axis,
                                                        APFloat(node.real("epsilon", 1e-5f))));
  if (!node.isUsed(1))
    return success();
  Type f32 = node.builder.getF32Type();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(*axis, node.rank()));
  Value x = node.makeCast(node.input(0), f32);
  Value square = node.make<onnx::ReduceMeanOp>(node.make<onnx::MulOp>(x, x), ArrayRef<int64_t>(axes),
                                               /*keepdims=*/true);
  Value shifted = node.make<onnx::AddOp>(square, node.makeScalar(node.real("epsilon", 1e-5f), f32));
  node.setOutput(1, node.make<onnx::ReciprocalOp>(node.make<onnx::SqrtOp>(shifted)));
  return success();
}

/// The sum of input, skip and bias, and its normalisation over the last dimension.
static LogicalResult skipNormalization(Node &node, bool isSimplified) {
  Value sum = node.make<onnx::AddOp>(node.input(0), node.input(1));
  Value bias = node.input(isSimplified ? 3 : 4);
  if (bias)
    sum = node.make<onnx::AddOp>(sum, bias);
  APFloat epsilon(node.real("epsilon", 1e-12f));
  int64_t axis = node.rank() - 1;
  node.setOutput(0, isSimplified ? node.make<onnx::RMSNormalizationOp>(sum, node.input(2), axis, epsilon)
                                 : node.make<onnx::LayerNormalizationOp>(sum, node.input(2), node.input(3),
                                                                         axis, epsilon));
  node.setOutput(3, sum);
  return success();
}
static LogicalResult skipLayerNormalization(Node &node) {
  return skipNormalization(node, /*isSimplified=*/false);
}
static LogicalResult skipSimplifiedLayerNormalization(Node &node) {
  return skipNormalization(node, /*isSimplified=*/true);
}

namespace {
/// The operands of com.microsoft EmbedLayerNormalization; segment, its table, mask and positions may be null.
struct Embeddings {
  Value ids, segments, words, places, segmentTable, gamma, beta, mask, positions;
};
} // namespace

/// The sum of embeddings of words, positions and segments, normalised.
static LogicalResult embed(Node &node, Embeddings from) {
  if (node.hasFailed())
    return failure();
  Type i64 = node.builder.getI64Type();
  if (!from.positions) {
    Value length = node.make<onnx::SqueezeOp>(node.make<onnx::ShapeOp>(from.ids, 1, 2), ArrayRef<int64_t>{0});
    from.positions = node.make<onnx::UnsqueezeOp>(
        node.make<onnx::RangeOp>(node.makeScalar(0, i64), length, node.makeScalar(1, i64)),
        ArrayRef<int64_t>{0});
  }
  // The number of tokens of each sequence, or without a mask zeros, which those who read it take as no mask.
  Type i32 = node.builder.getI32Type();
  if (node.isUsed(1) && from.mask)
    node.setOutput(1, node.makeCast(node.make<onnx::ReduceSumOp>(node.makeCast(from.mask, i64),
                                                                 ArrayRef<int64_t>{1}, /*keepdims=*/false),
                                    i32));
  else if (node.isUsed(1))
    node.setOutput(
        1, node.make<onnx::ExpandOp>(node.makeScalar(0, i32), node.make<onnx::ShapeOp>(from.ids, 0, 1)));
  Value sum = node.make<onnx::AddOp>(node.make<onnx::GatherOp>(from.words, from.ids, 0),
                                     node.make<onnx::GatherOp>(from.places, from.positions, 0));
  if (from.segments && from.segmentTable)
    sum = node.make<onnx::AddOp>(sum, node.make<onnx::GatherOp>(from.segmentTable, from.segments, 0));
  node.setOutput(0, node.make<onnx::LayerNormalizationOp>(sum, from.gamma, from.beta, 2,
                                                          APFloat(node.real("epsilon", 1e-12f))));
  node.setOutput(2, sum);
  return success();
}

static LogicalResult checkEmbedding(Node &node, ArrayRef<unsigned> needed) {
  if (node.rank() != 2)
    return node.fail("has input_ids that are no matrix", "export the model again");
  if (int64_t kind = node.integer("mask_index_type", 0); kind != 0 && node.isUsed(1))
    return node.fail("has mask_index_type = " + Twine(kind) + ", which is not supported",
                     "export the model with a mask_index of lengths");
  for (unsigned i : needed)
    if (!node.input(i))
      return node.fail("lacks its input " + Twine(i), "export the model again");
  for (unsigned i : {0, 1})
    if (failed(node.checkIndex(i, "ids", /*orInt32=*/true)))
      return failure();
  return success();
}
static LogicalResult embedLayerNormalization(Node &node) {
  if (failed(checkEmbedding(node, {2, 3, 5, 6})) || failed(node.checkIndex(8, "ids", /*orInt32=*/true)))
    return failure();
  return embed(node, {node.input(0), node.input(1), node.input(2), node.input(3), node.input(4),
                      node.input(5), node.input(6), node.input(7), node.input(8)});
}

/// ids, segments?, tables of words, positions and segments?, gamma, beta, mask?; then scales of the five, and
/// their zero points.
static LogicalResult quantizedEmbedLayerNormalization(Node &node) {
  if (failed(checkEmbedding(node, {2, 3, 5, 6, 8, 9, 11, 12, 13, 14, 16, 17})))
    return failure();
  auto table = [&](unsigned i, unsigned scale) -> Value {
    if (!node.input(i))
      return {};
    return node.makeTyped<onnx::DequantizeLinearOp>(node.builder.getF32Type(), node.input(i),
                                                    node.input(scale), node.input(scale + 5), 0, 0);
  };
  return embed(node, {node.input(0), node.input(1), table(2, 8), table(3, 9), table(4, 10), table(5, 11),
                      table(6, 12), node.input(7), Value()});
}

void addNormalizations(Registry &registry) {
  registry.add("", "Softmax", {1, 11}, 1, 1, 1, 1, "axis:i", softmaxOfMatrix<onnx::SoftmaxOp>);
  registry.add("", "Softmax", {13}, 1, 1, 1, 1, "axis:i", softmax<onnx::SoftmaxOp>);
  registry.add("", "LogSoftmax", {1, 11}, 1, 1, 1, 1, "axis:i", softmaxOfMatrix<onnx::LogSoftmaxOp>);
  registry.add("", "LogSoftmax", {13}, 1, 1, 1, 1, "axis:i", softmax<onnx::LogSoftmaxOp>);
  registry.add("", "Hardmax", {13}, 1, 1, 1, 1, "axis:i", hardmax);
  constexpr StringLiteral attributes = "axis:i epsilon:f stash_type:i";
  registry.add("", "LayerNormalization", {17}, 2, 3, 1, 3, attributes, layerNormalization);
  registry.add("", "RMSNormalization", {23}, 2, 2, 1, 1, attributes, rmsNormalization);
  registry.add("", "SimplifiedLayerNormalization", {1}, 2, 2, 1, 2, attributes, rmsNormalization);
  registry.add("com.microsoft", "SkipLayerNormalization", {1}, 3, 5, 1, 4, "epsilon:f",
               skipLayerNormalization, "the outputs mean and inv_std_var");
  registry.add("com.microsoft", "SkipSimplifiedLayerNormalization", {1}, 3, 4, 1, 4, "epsilon:f",
               skipSimplifiedLayerNormalization, "the outputs mean and inv_std_var");
  registry.add("com.microsoft", "EmbedLayerNormalization", {1}, 1, 9, 1, 3, "epsilon:f mask_index_type:i",
               embedLayerNormalization, "mask_index_type 1");
  registry.add("com.microsoft", "QEmbedLayerNormalization", {1}, 1, 18, 1, 2, "epsilon:f mask_index_type:i",
               quantizedEmbedLayerNormalization, "mask_index_type 1");
}

} // namespace tamis::import
