//===- Quantization.cpp - Quantised operators ----------------------------------------------------------===//
//
// Few ops of the dialect say what the many quantised operators mean: each of these is imported as
// quantisation, dequantisation, products of integers and operators on floats, rounded where the operator
// rounds.
//
//===---------------------------------------------------------------------------------------------------===//
#include "Graph.h"
#include "Node.h"
#include "Packed.h"
#include "Tensors.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tamis::import {

/// A value that was quantised: its integers, scale and zero point (perhaps absent).
struct Quantized {
  Value x, scale, zeroPoint;
};

static Quantized quantizedAt(Node &node, unsigned i) {
  return {node.input(i), node.input(i + 1), node.input(i + 2)};
}

static Value dequantize(Node &node, const Quantized &value, int64_t axis = 0, int64_t blockSize = 0) {
  return node.makeTyped<onnx::DequantizeLinearOp>(node.builder.getF32Type(), value.x, value.scale,
                                                  value.zeroPoint, axis, blockSize);
}

/// Quantises to the element type of the zero point, or to u8.
static Value quantize(Node &node, Value x, Value scale, Value zeroPoint) {
  Type target = zeroPoint ? Node::type(zeroPoint).getElementType()
                          : Type(IntegerType::get(node.builder.getContext(), 8, IntegerType::Unsigned));
  return node.makeTyped<onnx::QuantizeLinearOp>(target, x, scale, zeroPoint, 0, 0);
}

/// The same for operators whose result has the element type of input 0, where it has no zero point, too.
static Value quantizeLike(Node &node, Value x, Value scale, Value zeroPoint) {
  if (!zeroPoint && node.element(0).isSignlessInteger())
    zeroPoint = node.makeScalar(0, node.element(0));
  return quantize(node, x, scale, zeroPoint);
}

//===- QuantizeLinear, DequantizeLinear ----------------------------------------------------------------===//

/// The axis, made non-negative. It does not matter, and may be out of range, when there is one scale.
static FailureOr<int64_t> scaleAxis(Node &node) {
  auto scale = Node::type(node.input(1));
  if (scale.hasStaticShape() && scale.getNumElements() == 1 && node.integer("block_size", 0) == 0)
    return 0;
  return node.axis(node.integer("axis", 1), node.rank());
}

static LogicalResult quantizeLinear(Node &node) {
  auto axis = scaleAxis(node);
  if (failed(axis))
    return failure();
  Type target = IntegerType::get(node.builder.getContext(), 8, IntegerType::Unsigned);
  if (int64_t wanted = node.integer("output_dtype", 0)) {
    target = storedElementType(node.builder.getContext(), wanted);
    if (!target)
      return node.fail("quantises to " + elementTypeName(wanted) + ", which is not supported",
                       "quantise the model to integers");
    if (node.input(2) && node.element(2) != target)
      return node.fail("has a zero point of another type than its output_dtype", quantizeAgain);
  } else if (node.input(2)) {
    target = node.element(2);
  }
  if (int64_t precision = node.integer("precision", 0); precision && precision != pb::TensorProto::FLOAT)
    return node.fail("divides in " + elementTypeName(precision) + ", which is not supported",
                     "quantise the model in float32");
  node.setOutput(0,
                 node.makeTyped<onnx::QuantizeLinearOp>(target, node.input(0), node.input(1), node.input(2),
                                                        *axis, node.integer("block_size", 0)));
  return success();
}

static LogicalResult dequantizeLinear(Node &node) {
  auto axis = scaleAxis(node);
  if (failed(axis))
    return failure();
  Type target = node.element(1);
  if (int64_t wanted = node.integer("output_dtype", 0)) {
    target = elementType(node.builder.getContext(), wanted);
    if (!target)
      return node.fail("dequantises to " + elementTypeName(wanted) + ", which is not supported",
                       "export the model in float32");
  }
  node.setOutput(0,
                 node.makeTyped<onnx::DequantizeLinearOp>(target, node.input(0), node.input(1), node.input(2),
                                                          *axis, node.integer("block_size", 0)));
  return success();
}

static LogicalResult dynamicQuantizeLinear(Node &node) {
  for (auto [i, value] : llvm::enumerate(node.makeMany<onnx::DynamicQuantizeLinearOp>(3, node.input(0))))
    node.setOutput(i, value);
  return success();
}

//===- Products ----------------------------------------------------------------------------------------===//

static LogicalResult matMulInteger(Node &node) {
  node.setOutput(
      0, node.make<onnx::MatMulIntegerOp>(node.input(0), node.input(1), node.input(2), node.input(3)));
  return success();
}

/// One scale or zero point a row as a column of them, which multiplies a product's rows.
static Value asColumn(Node &node, Value perRow) {
  if (node.hasFailed())
    return {};
  auto type = Node::type(perRow);
  if (type.getRank() != 1 || type.getDimSize(0) == 1)
    return perRow;
  return node.make<onnx::UnsqueezeOp>(perRow, ArrayRef<int64_t>{1});
}

/// The product of quantised values as floats of `element`: the sums of integers times a's scale times b's.
static Value productOf(Node &node, const Quantized &a, const Quantized &b, Type element) {
  Value sums = node.make<onnx::MatMulIntegerOp>(a.x, b.x, a.zeroPoint, b.zeroPoint);
  Value scale = node.make<onnx::MulOp>(asColumn(node, a.scale), b.scale);
  return node.make<onnx::MulOp>(node.makeCast(sums, element), scale);
}

static Value addBias(Node &node, Value product, Value bias) {
  return bias ? node.make<onnx::AddOp>(product, bias) : product;
}

static LogicalResult qLinearMatMul(Node &node) {
  Quantized a = quantizedAt(node, 0), b = quantizedAt(node, 3);
  Value scale = node.input(6), zeroPoint = node.input(7);
  // One factor, as ONNX Runtime has it, and one rounding.
  Type f32 = node.builder.getF32Type();
  Value sums = node.make<onnx::MatMulIntegerOp>(a.x, b.x, a.zeroPoint, b.zeroPoint);
  auto wide = [&](Value value) { return asColumn(node, node.makeCast(value, f32)); };
  Value factor =
      node.make<onnx::DivOp>(node.make<onnx::MulOp>(wide(a.scale), node.makeCast(b.scale, f32)), wide(scale));
  Value scaled = node.make<onnx::MulOp>(node.makeCast(sums, f32), factor);
  node.setOutput(0, quantize(node, scaled, node.makeScalar(1, f32), zeroPoint));
  return success();
}

/// com.microsoft: A, B, a_scale, b_scale, a_zero_point?, b_zero_point?, bias?.
static LogicalResult matMulIntegerToFloat(Node &node) {
  Quantized a{node.input(0), node.input(2), node.input(4)}, b{node.input(1), node.input(3), node.input(5)};
  node.setOutput(0, addBias(node, productOf(node, a, b, node.element(2)), node.input(6)));
  return success();
}

/// com.microsoft: A f32, B, b_scale, b_zero_point?, bias?.
static LogicalResult dynamicQuantizeMatMul(Node &node) {
  auto parts = node.makeMany<onnx::DynamicQuantizeLinearOp>(3, node.input(0));
  Quantized a{parts[0], parts[1], parts[2]}, b{node.input(1), node.input(2), node.input(3)};
  node.setOutput(0, addBias(node, productOf(node, a, b, node.builder.getF32Type()), node.input(4)));
  return success();
}

/// com.microsoft: A, a_scale, a_zero_point?, B, b_scale, b_zero_point?, C i32?, y_scale?, y_zero_point?. C
/// has the scale a_scale * b_scale.
static LogicalResult qGemm(Node &node) {
  auto transposed = [&](Value value, bool flag) {
    return flag ? node.make<onnx::TransposeOp>(value, ArrayRef<int64_t>{1, 0}) : value;
  };
  Quantized a = quantizedAt(node, 0), b = quantizedAt(node, 3);
  for (unsigned i : {0, 3})
    if (node.rank(i) != 2)
      return node.fail("multiplies what is no matrix", "export the model again");
  a.x = transposed(a.x, node.flag("transA", false));
  b.x = transposed(b.x, node.flag("transB", false));
  Type f32 = node.builder.getF32Type();
  Value sums = node.make<onnx::MatMulIntegerOp>(a.x, b.x, a.zeroPoint, b.zeroPoint);
  if (node.input(6))
    sums = node.make<onnx::AddOp>(sums, node.input(6));
  Value factor = node.make<onnx::MulOp>(asColumn(node, a.scale), b.scale);
  if (float alpha = node.real("alpha", 1); alpha != 1)
    factor = node.make<onnx::MulOp>(factor, node.makeScalar(alpha, f32));
  Value y = node.make<onnx::MulOp>(node.makeCast(sums, f32), factor);
  node.setOutput(0, node.input(7) ? quantize(node, y, node.input(7), node.input(8)) : y);
  return success();
}

//===- com.microsoft: elementwise ----------------------------------------------------------------------===//

/// A, a_scale, a_zero_point?, B, b_scale, b_zero_point?, c_scale, c_zero_point?.
template <typename OpTy> static LogicalResult qLinearBinary(Node &node) {
  Value y = node.make<OpTy>(dequantize(node, quantizedAt(node, 0)), dequantize(node, quantizedAt(node, 3)));
  if (node.hasFailed())
    return failure();
  node.setOutput(0, quantizeLike(node, y, node.input(6), node.input(7)));
  return success();
}

/// X, x_scale, x_zero_point?, y_scale, y_zero_point?.
template <typename OpTy> static LogicalResult qLinearUnary(Node &node) {
  Value y = node.make<OpTy>(dequantize(node, quantizedAt(node, 0)));
  node.setOutput(0, quantizeLike(node, y, node.input(3), node.input(4)));
  return success();
}

/// X, x_scale, x_zero_point?, y_scale, y_zero_point?.
static LogicalResult qLinearLeakyRelu(Node &node) {
  Value y = node.make<onnx::LeakyReluOp>(dequantize(node, quantizedAt(node, 0)),
                                         APFloat(node.real("alpha", 0.01f)));
  node.setOutput(0, quantizeLike(node, y, node.input(3), node.input(4)));
  return success();
}

/// data, data_scale, data_zero_point?, reduced_scale, reduced_zero_point?.
static LogicalResult qLinearReduceMean(Node &node) {
  auto given = node.integers("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(node.rank())));
  auto axes = node.axes(given, node.rank());
  if (failed(axes))
    return failure();
  Value y = node.make<onnx::ReduceMeanOp>(dequantize(node, quantizedAt(node, 0)), ArrayRef<int64_t>(*axes),
                                          node.flag("keepdims", true));
  node.setOutput(0, quantizeLike(node, y, node.input(3), node.input(4)));
  return success();
}

/// y_scale, y_zero_point, then each part with its scale and zero point.
static LogicalResult qLinearConcat(Node &node) {
  if (node.numInputs() % 3 != 2)
    return node.fail("has parts without a scale or a zero point", quantizeAgain);
  auto axis = node.axis(node.integer("axis", 0), node.rank(2));
  if (failed(axis))
    return failure();
  SmallVector<Value> parts;
  for (unsigned i = 2; i < node.numInputs(); i += 3)
    parts.push_back(dequantize(node, quantizedAt(node, i)));
  node.setOutput(
      0, quantize(node, node.make<onnx::ConcatOp>(ValueRange(parts), *axis), node.input(0), node.input(1)));
  return success();
}

/// condition, x, x_scale, x_zero_point, y, y_scale, y_zero_point, z_scale, z_zero_point.
static LogicalResult qLinearWhere(Node &node) {
  Value z = node.make<onnx::WhereOp>(node.input(0), dequantize(node, quantizedAt(node, 1)),
                                     dequantize(node, quantizedAt(node, 4)));
  node.setOutput(0, quantize(node, z, node.input(7), node.input(8)));
  return success();
}

static LogicalResult qLinearSoftmax(Node &node) {
  auto axis = node.axis(node.integer("axis", -1), node.rank());
  if (failed(axis))
    return failure();
  // Before opset 13, over all dimensions from the axis on.
  if (node.integer("opset", 13) < 13 && *axis != node.rank() - 1)
    return node.fail("is a Softmax over several dimensions, which is not supported",
                     "quantise the model in opset 13 or later");
  Value y = node.make<onnx::SoftmaxOp>(dequantize(node, quantizedAt(node, 0)), *axis);
  node.setOutput(0, quantize(node, y, node.input(3), node.input(4)));
  return success();
}

//===- com.microsoft: weights of few bits --------------------------------------------------------------===//

/// The first `size` elements along `axis`.
static Value takeFirst(Node &node, Value x, int64_t axis, int64_t size) {
  return sliceOf(node, x, axis, 0, size);
}

/// A, B [N, blocks, block_size * bits / 8], scales [N, blocks], zero_points?, g_idx?, bias?. Zero points are
/// packed like B, along the blocks, or floats.
static LogicalResult matMulNBits(Node &node) {
  int64_t k = node.integer("K", 0), n = node.integer("N", 0), bits = node.integer("bits", 4),
          blockSize = node.integer("block_size", 0);
  if (bits != 2 && bits != 4 && bits != 8)
    return node.fail("has weights of " + Twine(bits) + " bits, which is not supported",
                     "quantise the model to 2, 4 or 8 bits");
  if (node.flag("weight_prepacked", false))
    return node.fail("has a weight in the layout of one kernel, which is not supported",
                     "export the model without prepacking");
  if (k <= 0 || n <= 0 || k > INT32_MAX || n > INT32_MAX)
    return node.fail("has K = " + Twine(k) + " and N = " + Twine(n) + ", which are no sizes of a weight",
                     quantizeAgain);
  if (blockSize < 16 || !llvm::isPowerOf2_64(blockSize) || blockSize > (int64_t(1) << 30))
    return node.fail("has blocks of " + Twine(blockSize) + " elements, which is no power of 2 from 16 on",
                     "quantise the model again with blocks of 32, 64 or 128");
  if (!node.element(1).isUnsignedInteger(8))
    return node.fail("has a weight that is not packed in unsigned bytes", quantizeAgain);
  int64_t blocks = llvm::divideCeil(k, blockSize);
  int64_t padded = blocks * blockSize, perByte = 8 / bits, zeroBytes = llvm::divideCeil(blocks, perByte);
  if (failed(checkCount(node, 1, n * padded / perByte, "a weight")) ||
      failed(checkCount(node, 2, n * blocks, "scales")))
    return failure();
  Value q =
      reshape(node, unpack(node, reshape(node, node.input(1), {n, padded / perByte}), bits), {n, padded});
  Value scale = reshape(node, node.input(2), {n, blocks}), zero = node.input(3);
  Type byte = IntegerType::get(node.builder.getContext(), 8, IntegerType::Unsigned);
  if (!zero) {
    zero = node.makeScalar(static_cast<double>(int64_t(1) << (bits - 1)), byte);
  } else if (node.element(3) == byte) {
    if (failed(checkCount(node, 3, n * zeroBytes, "zero points")))
      return failure();
    zero = unpack(node, reshape(node, zero, {n, zeroBytes}), bits);
    zero = takeFirst(node, zero, 1, blocks);
  } else if (node.element(3) == node.element(2)) {
    if (failed(checkCount(node, 3, n * blocks, "zero points")))
      return failure();
    zero = reshape(node, zero, {n, blocks});
  } else {
    return node.fail("has zero points that are neither packed bytes nor of the type of its scales",
                     quantizeAgain);
  }
  if (Value groups = node.input(4)) {
    // A block for each row of the weight, in any order. Some writers append the padding's.
    auto type = Node::type(groups);
    if (failed(node.checkIndex(4, "elements of g_idx", /*orInt32=*/true)))
      return failure();
    if (!type.hasStaticShape() || type.getRank() != 1 || type.getDimSize(0) < k)
      return node.fail("has a g_idx that is no vector of K elements", quantizeAgain);
    groups = takeFirst(node, groups, 0, k);
    auto known = onnx::constantIntegers(groups);
    if (known && llvm::any_of(*known, [&](int64_t block) { return block < 0 || block >= blocks; }))
      return node.fail("has a g_idx that names a block it does not have", quantizeAgain);
    q = takeFirst(node, q, 1, k);
    scale = node.make<onnx::GatherOp>(scale, groups, 1);
    if (!node.hasFailed() && Node::type(zero).getRank() == 2)
      zero = node.make<onnx::GatherOp>(zero, groups, 1);
    blockSize = 1;
  }
  if (node.hasFailed())
    return failure();
  Value w = node.makeTyped<onnx::DequantizeLinearOp>(node.element(0), q, scale, zero, 1, blockSize);
  if (!node.input(4))
    w = takeFirst(node, w, 1, k);
  w = node.make<onnx::TransposeOp>(w, ArrayRef<int64_t>{1, 0});
  node.setOutput(0, addBias(node, node.make<onnx::MatMulOp>(node.input(0), w), node.input(5)));
  return success();
}

/// data, indices, scales, zero_points?: Gather of a table that was quantised in blocks.
static LogicalResult gatherBlockQuantized(Node &node) {
  int64_t rank = node.rank(), bits = node.integer("bits", 4), blockSize = node.integer("block_size", 128);
  auto gatherAxis = node.axis(node.integer("gather_axis", 0), rank),
       quantizeAxis = node.axis(node.integer("quantize_axis", 1), rank);
  if (failed(gatherAxis) || failed(quantizeAxis))
    return failure();
  if (blockSize < 16 || !llvm::isPowerOf2_64(blockSize))
    return node.fail("has blocks of " + Twine(blockSize) + " elements, which is no power of 2 from 16 on",
                     "quantise the model again with blocks of 32, 64 or 128");
  auto scaleType = Node::type(node.input(2));
  if (scaleType.getRank() != rank || (node.input(3) && node.element(3) != node.element()))
    return node.fail("has scales of another rank, or zero points of another type, than its table",
                     quantizeAgain);
  Value q = node.input(0), zero = node.input(3);
  if (node.element().isUnsignedInteger(8)) {
    if ((bits != 4 && bits != 8) || *quantizeAxis != rank - 1)
      return node.fail("has a table of " + Twine(bits) +
                           " bits that is not packed along its last dimension, which is not supported",
                       "quantise the table to 4 or 8 bits along its last dimension");
    q = unpack(node, q, bits);
    if (zero)
      zero = unpack(node, zero, bits);
    else
      zero = node.makeScalar(static_cast<double>(int64_t(1) << (bits - 1)), node.element());
    if (node.hasFailed())
      return failure();
    // A byte of zero points may hold one more than there are blocks.
    if (node.input(3))
      zero = takeFirst(node, zero, rank - 1, scaleType.getShape().back());
  }
  Value table = dequantize(node, {q, node.input(2), zero}, *quantizeAxis, blockSize);
  node.setOutput(0, node.make<onnx::GatherOp>(table, node.input(1), *gatherAxis));
  return success();
}

void addQuantization(Registry &registry) {
  constexpr StringLiteral floats = "quantisation to floats of 8 and 4 bits";
  registry.add("", "QuantizeLinear", {10}, 2, 3, 1, 1, "", quantizeLinear);
  registry.add("", "QuantizeLinear", {13}, 2, 3, 1, 1, "axis:i", quantizeLinear);
  registry.add("", "QuantizeLinear", {19}, 2, 3, 1, 1, "axis:i saturate:i", quantizeLinear, floats);
  registry.add("", "QuantizeLinear", {21}, 2, 3, 1, 1, "axis:i block_size:i output_dtype:i saturate:i",
               quantizeLinear, floats);
  registry.add("", "QuantizeLinear", {23, 24}, 2, 3, 1, 1,
               "axis:i block_size:i output_dtype:i precision:i saturate:i", quantizeLinear, floats);
  registry.add("", "DequantizeLinear", {10}, 2, 3, 1, 1, "", dequantizeLinear);
  registry.add("", "DequantizeLinear", {13, 19}, 2, 3, 1, 1, "axis:i", dequantizeLinear, floats);
  registry.add("", "DequantizeLinear", {21}, 2, 3, 1, 1, "axis:i block_size:i", dequantizeLinear, floats);
  registry.add("", "DequantizeLinear", {23, 24}, 2, 3, 1, 1, "axis:i block_size:i output_dtype:i",
               dequantizeLinear, floats);
  registry.add("", "DynamicQuantizeLinear", {11}, 1, 1, 3, 3, "", dynamicQuantizeLinear);
  registry.add("", "MatMulInteger", {10}, 2, 4, 1, 1, "", matMulInteger);
  registry.add("", "QLinearMatMul", {10, 21}, 8, 8, 1, 1, "", qLinearMatMul, floats);
  constexpr StringLiteral contrib = "com.microsoft";
  registry.add(contrib, "QuantizeLinear", {1}, 2, 3, 1, 1, "axis:i", quantizeLinear);
  registry.add(contrib, "DequantizeLinear", {1}, 2, 3, 1, 1, "axis:i", dequantizeLinear);
  registry.add(contrib, "MatMulIntegerToFloat", {1}, 4, 7, 1, 1, "", matMulIntegerToFloat);
  registry.add(contrib, "DynamicQuantizeMatMul", {1}, 3, 5, 1, 1, "", dynamicQuantizeMatMul);
  registry.add(contrib, "QGemm", {1}, 6, 9, 1, 1, "alpha:f transA:i transB:i", qGemm);
  registry.add(contrib, "QLinearAdd", {1}, 7, 8, 1, 1, "", qLinearBinary<onnx::AddOp>);
  registry.add(contrib, "QLinearMul", {1}, 7, 8, 1, 1, "", qLinearBinary<onnx::MulOp>);
  registry.add(contrib, "QLinearSigmoid", {1}, 4, 5, 1, 1, "", qLinearUnary<onnx::SigmoidOp>);
  registry.add(contrib, "QLinearLeakyRelu", {1}, 4, 5, 1, 1, "alpha:f", qLinearLeakyRelu);
  registry.add(contrib, "QLinearReduceMean", {1}, 4, 5, 1, 1, "axes:I keepdims:i", qLinearReduceMean);
  registry.add(contrib, "QLinearConcat", {1}, 5, anyCount, 1, 1, "axis:i", qLinearConcat);
  registry.add(contrib, "QLinearWhere", {1}, 9, 9, 1, 1, "", qLinearWhere);
  registry.add(contrib, "QLinearSoftmax", {1}, 5, 5, 1, 1, "axis:i opset:i", qLinearSoftmax,
               "more than one dimension (opset below 13)");
  registry.add(contrib, "MatMulNBits", {1}, 3, 6, 1, 1,
               "K:i N:i accuracy_level:i bits:i block_size:i weight_prepacked:i", matMulNBits);
  registry.add(contrib, "GatherBlockQuantized", {1}, 3, 4, 1, 1,
               "bits:i block_size:i gather_axis:i quantize_axis:i", gatherBlockQuantized,
               "bytes packed along another than the last dimension");
}

} // namespace tamis::import
