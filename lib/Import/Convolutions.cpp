//===- Convolutions.cpp - Convolutions and pools --------------------------------------------------------===//
//
// What language models have of these is small: a few neighbours of each token, and rows of linear layers that
// were written as convolutions. They become slices and products, which the rest of the compiler knows.
//
//===---------------------------------------------------------------------------------------------------===//
#include "Node.h"
#include "Window.h"
#include <limits>

using namespace mlir;

namespace tamis::import {

static constexpr StringLiteral exportAgain = "export the model again";

/// The sizes `begin` to `end` of x, as a shape.
static Value sizesOf(Node &node, Value x, int64_t begin, int64_t end) {
  return node.make<onnx::ShapeOp>(x, begin, end);
}

/// x [N, C, ...] with the channels last, and back.
static Value moveChannels(Node &node, Value x, bool last) {
  if (!x)
    return {};
  int64_t rank = Node::type(x).getRank();
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (last)
    std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  else
    std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
  return node.make<onnx::TransposeOp>(x, ArrayRef<int64_t>(perm));
}

namespace {
/// x [N, C, ...], w [M, C / groups, ...], bias [M] or null.
struct Convolution {
  Value x, w, bias;
  int64_t groups, channels, filters;
  Window window;
  bool isInteger = false; ///< x and w are integers of 8 bits, as they are, for a product of them
  Value xZero, wZero;     ///< their zero points

  static FailureOr<Convolution> read(Node &node, Value x, Value w, Value bias);
  Value result(Node &node) const;

private:
  Value dense(Node &node) const;
  Value depthwise(Node &node) const;
  Value grouped(Node &node) const;
  SmallVector<Value> places(Node &node, Value from) const;
};
} // namespace

FailureOr<Convolution> Convolution::read(Node &node, Value x, Value w, Value bias) {
  if (node.hasFailed())
    return failure();
  auto type = Node::type(x), weight = Node::type(w);
  if (!weight.hasStaticShape() || weight.getRank() < 3)
    return node.fail("has a weight of unknown size, or of rank below 3, which is not supported",
                     "export the model with constant weights");
  auto kernel = weight.getShape().drop_front(2);
  if (auto given = node.integers("kernel_shape"); given && ArrayRef<int64_t>(*given) != kernel)
    return node.fail("has a kernel_shape that is not that of its weight", exportAgain);
  auto window = Window::read(node, kernel);
  if (failed(window))
    return failure();
  int64_t groups = node.integer("group", 1), filters = weight.getDimSize(0);
  int64_t channels = groups > 0 && groups <= filters ? weight.getDimSize(1) * groups : 0;
  if (groups < 1 || groups > filters || filters % groups != 0 ||
      (!type.isDynamicDim(1) && type.getDimSize(1) != channels))
    return node.fail("has " + Twine(groups) + " groups, into which its channels cannot be parted",
                     exportAgain);
  if (bias && (Node::type(bias).getRank() != 1 ||
               (!Node::type(bias).isDynamicDim(0) && Node::type(bias).getDimSize(0) != filters)))
    return node.fail("has a bias that is not one number for each of its " + Twine(filters) + " filters",
                     exportAgain);
  if (!window->fits(type))
    return node.fail("has an input that is smaller than its window", exportAgain);
  // What is not known until a run must not be broadcast then.
  if (type.isDynamicDim(1)) {
    SmallVector<int64_t> sizes(type.getRank(), 0);
    sizes[1] = channels;
    x = node.make<onnx::ReshapeOp>(x, node.makeIntegers(sizes));
  }
  return Convolution{x, w, bias, groups, channels, filters, *window, false, Value(), Value()};
}

SmallVector<Value> Convolution::places(Node &node, Value from) const {
  Value padded = window.pad(node, from, 0);
  SmallVector<Value> all;
  for (int64_t i = 0; i < window.numPlaces(); ++i)
    all.push_back(window.at(node, padded, i));
  return all;
}

/// One product of rows of all places and channels.
Value Convolution::dense(Node &node) const {
  int64_t count = window.numPlaces();
  Value rows = x;
  if (!window.isTrivial()) {
    SmallVector<Value> all = places(node, x);
    rows = all.size() == 1 ? all.front() : node.make<onnx::ConcatOp>(ValueRange(all), 1);
  }
  Value matrix = node.make<onnx::ReshapeOp>(w, node.makeIntegers({filters, channels, count}));
  matrix = node.make<onnx::TransposeOp>(matrix, ArrayRef<int64_t>{2, 1, 0});
  matrix = node.make<onnx::ReshapeOp>(matrix, node.makeIntegers({count * channels, filters}));
  rows = moveChannels(node, rows, /*last=*/true);
  Value y = isInteger ? node.make<onnx::MatMulIntegerOp>(rows, matrix, xZero, wZero)
                      : node.make<onnx::MatMulOp>(rows, matrix);
  if (bias)
    y = node.make<onnx::AddOp>(y, bias);
  return moveChannels(node, y, /*last=*/false);
}

/// A sum over the places, that of narrow floats in f32 as products have it.
Value Convolution::depthwise(Node &node) const {
  int64_t count = window.numPlaces(), each = filters / channels;
  Type element = Node::type(x).getElementType(), f32 = node.builder.getF32Type();
  Type wide = element.isF64() || isa<IntegerType>(element) ? element : f32;
  Value from = node.makeCast(x, wide), taps = node.makeCast(w, wide);
  // [C, each, 1, ..., count]: a place is the last dimension's.
  SmallVector<int64_t> shape(window.rank() + 2, 1);
  shape[0] = channels;
  shape[1] = each;
  shape.push_back(count);
  taps = node.make<onnx::ReshapeOp>(taps, node.makeIntegers(shape));
  Value sum;
  for (auto [i, place] : llvm::enumerate(places(node, from))) {
    Value tap = node.make<onnx::SliceOp>(taps, node.makeIntegers({static_cast<int64_t>(i)}),
                                         node.makeIntegers({static_cast<int64_t>(i) + 1}),
                                         ArrayRef<int64_t>{window.rank() + 2}, ArrayRef<int64_t>{1});
    tap = node.make<onnx::SqueezeOp>(tap, ArrayRef<int64_t>{window.rank() + 2});
    // [N, C, 1, ...] for the filters of each channel, which are side by side.
    Value term = node.make<onnx::MulOp>(node.make<onnx::UnsqueezeOp>(place, ArrayRef<int64_t>{2}), tap);
    sum = sum ? node.make<onnx::AddOp>(sum, term) : term;
  }
  int64_t rank = window.rank() + 3;
  if (each == 1) {
    sum = node.make<onnx::SqueezeOp>(sum, ArrayRef<int64_t>{2});
  } else {
    Value to = node.make<onnx::ConcatOp>(
        ValueRange{sizesOf(node, sum, 0, 1), node.makeIntegers({filters}), sizesOf(node, sum, 3, rank)}, 0);
    sum = node.make<onnx::ReshapeOp>(sum, to);
  }
  if (bias) {
    SmallVector<int64_t> column(window.rank() + 1, 1);
    column[0] = filters;
    sum = node.make<onnx::AddOp>(
        sum, node.make<onnx::ReshapeOp>(node.makeCast(bias, wide), node.makeIntegers(column)));
  }
  return node.makeCast(sum, element);
}

/// A product for each group: [N, ..., groups, 1, inner] x [groups, inner, M / groups].
Value Convolution::grouped(Node &node) const {
  int64_t count = window.numPlaces(), inner = channels / groups, outer = filters / groups;
  int64_t rank = window.rank() + 2;
  SmallVector<Value> rows;
  Value shape;
  for (Value place : places(node, x)) {
    Value last = moveChannels(node, place, /*last=*/true);
    if (!shape)
      shape = sizesOf(node, last, 0, rank - 1);
    Value to = node.make<onnx::ConcatOp>(ValueRange{shape, node.makeIntegers({groups, 1, inner})}, 0);
    rows.push_back(node.make<onnx::ReshapeOp>(last, to));
  }
  Value all = rows.size() == 1 ? rows.front() : node.make<onnx::ConcatOp>(ValueRange(rows), rank + 1);
  Value matrix = node.make<onnx::ReshapeOp>(w, node.makeIntegers({groups, outer, inner, count}));
  matrix = node.make<onnx::TransposeOp>(matrix, ArrayRef<int64_t>{0, 3, 2, 1});
  matrix = node.make<onnx::ReshapeOp>(matrix, node.makeIntegers({groups, count * inner, outer}));
  Value y = node.make<onnx::MatMulOp>(all, matrix);
  y = node.make<onnx::ReshapeOp>(
      y, node.make<onnx::ConcatOp>(ValueRange{shape, node.makeIntegers({filters})}, 0));
  if (bias)
    y = node.make<onnx::AddOp>(y, bias);
  return moveChannels(node, y, /*last=*/false);
}

Value Convolution::result(Node &node) const {
  if (groups == 1)
    return dense(node);
  return groups == channels ? depthwise(node) : grouped(node);
}

static LogicalResult conv(Node &node) {
  if (!node.hasFailed() && !isa<FloatType>(node.element()))
    return node.fail("convolves integers, which is not supported", "take ConvInteger, or convolve floats");
  auto convolution = Convolution::read(node, node.input(0), node.input(1), node.input(2));
  if (failed(convolution))
    return failure();
  node.setOutput(0, convolution->result(node));
  return success();
}

/// x, w, x_zero_point?, w_zero_point?, one or one for each filter; the sums, in i32.
static LogicalResult convInteger(Node &node) {
  auto convolution = Convolution::read(node, node.input(0), node.input(1), Value());
  if (failed(convolution))
    return failure();
  if (convolution->groups == 1 && !convolution->window.isPadded()) {
    convolution->isInteger = true;
    convolution->xZero = node.input(2);
    convolution->wZero = node.input(3);
  } else {
    Type i32 = node.builder.getI32Type();
    auto centred = [&](Value x, Value zero) {
      x = node.makeCast(x, i32);
      return zero ? node.make<onnx::SubOp>(x, node.makeCast(zero, i32)) : x;
    };
    Value wZero = node.input(3);
    if (wZero && Node::type(wZero).getRank() == 1) {
      SmallVector<int64_t> column(convolution->window.rank() + 2, 1);
      column[0] = -1;
      wZero = node.make<onnx::ReshapeOp>(wZero, node.makeIntegers(column));
    }
    convolution->x = centred(node.input(0), node.input(2));
    convolution->w = centred(node.input(1), wZero);
  }
  node.setOutput(0, convolution->result(node));
  return success();
}

/// x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, bias i32?: the bias has the
/// scale x_scale * w_scale.
static LogicalResult qLinearConv(Node &node) {
  Type f32 = node.builder.getF32Type();
  auto dequantized = [&](unsigned i) {
    return node.makeTyped<onnx::DequantizeLinearOp>(f32, node.input(i), node.input(i + 1), node.input(i + 2),
                                                    0, 0);
  };
  Value bias = node.input(8);
  if (bias)
    bias = node.make<onnx::MulOp>(node.makeCast(bias, f32),
                                  node.make<onnx::MulOp>(node.input(1), node.input(4)));
  auto convolution = Convolution::read(node, dequantized(0), dequantized(3), bias);
  if (failed(convolution))
    return failure();
  node.setOutput(0, node.makeTyped<onnx::QuantizeLinearOp>(node.element(7), convolution->result(node),
                                                           node.input(6), node.input(7), 0, 0));
  return success();
}

//===- Pools --------------------------------------------------------------------------------------------===//

static FailureOr<Window> poolWindow(Node &node) {
  auto kernel = node.integers("kernel_shape");
  if (!kernel)
    return node.fail("lacks its kernel_shape", exportAgain);
  auto window = Window::read(node, *kernel);
  if (succeeded(window) && window->hasWidePads())
    return node.fail("has pads as large as its window, which could then lie in the padding alone",
                     exportAgain);
  return window;
}

template <typename OpTy> static Value combine(Node &node, const Window &window, Value padded) {
  Value result;
  for (int64_t i = 0; i < window.numPlaces(); ++i) {
    Value place = window.at(node, padded, i);
    result = result ? node.make<OpTy>(result, place) : place;
  }
  return result;
}

static LogicalResult maxPool(Node &node) {
  if (node.isUsed(1))
    return node.fail("gives the places of its maxima, which is not supported",
                     "export the model without the output Indices");
  auto window = poolWindow(node);
  if (failed(window))
    return failure();
  bool isFloat = isa<FloatType>(node.element());
  if (!isFloat && (window->isPadded() || window->hasRest()))
    return node.fail("pads integers, which is not supported", "pool floats");
  double least = isFloat ? -std::numeric_limits<double>::infinity() : 0;
  Value padded = window->padRest(node, window->pad(node, node.input(0), least), least);
  node.setOutput(0, combine<onnx::MaxOp>(node, *window, padded));
  return success();
}

static LogicalResult averagePool(Node &node) {
  auto window = poolWindow(node);
  if (failed(window))
    return failure();
  Type element = node.element(), wide = element.isF64() ? element : node.builder.getF32Type();
  Value x = node.makeCast(node.input(0), wide);
  Value sum = combine<onnx::AddOp>(node, *window, window->padRest(node, window->pad(node, x, 0), 0));
  Value count = node.makeScalar(static_cast<double>(window->numPlaces()), wide);
  bool countsPads = node.flag("count_include_pad", false);
  if ((window->isPadded() && !countsPads) || window->hasRest()) {
    // How many places lie within what counts.
    Value shape =
        node.make<onnx::ConcatOp>(ValueRange{node.makeIntegers({1, 1}), sizesOf(node, x, 2, node.rank())}, 0);
    Value ones = node.make<onnx::ExpandOp>(node.makeScalar(1, wide), shape);
    count = combine<onnx::AddOp>(node, *window,
                                 window->padRest(node, window->pad(node, ones, countsPads ? 1 : 0), 0));
  }
  node.setOutput(0, node.makeCast(node.make<onnx::DivOp>(sum, count), element));
  return success();
}

template <typename OpTy> static LogicalResult globalPool(Node &node) {
  if (node.rank() < 3)
    return node.fail("pools an input of rank " + Twine(node.rank()), exportAgain);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, node.rank()));
  node.setOutput(0, node.make<OpTy>(node.input(0), ArrayRef<int64_t>(axes), /*keepdims=*/true));
  return success();
}

void addConvolutions(Registry &registry) {
  constexpr StringLiteral convolutions =
      "weights of unknown size, windows of more than 64 places, auto_pad of unknown sizes with strides";
  registry.add("", "Conv", {1, 11, 22}, 2, 3, 1, 1,
               "auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I", conv, convolutions);
  registry.add("", "ConvInteger", {10}, 2, 4, 1, 1,
               "auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I", convInteger, convolutions);
  registry.add("", "QLinearConv", {10}, 8, 9, 1, 1,
               "auto_pad:s dilations:I group:i kernel_shape:I pads:I strides:I", qLinearConv, convolutions);
  constexpr StringLiteral pools = "windows of more than 64 places, auto_pad of unknown sizes with strides, "
                                  "a ceil_mode whose last window may lie in the padding";
  registry.add("", "AveragePool", {7, 10, 11, 19, 22}, 1, 1, 1, 1,
               "auto_pad:s ceil_mode:i count_include_pad:i dilations:I kernel_shape:I pads:I strides:I",
               averagePool, pools);
  registry.add("", "MaxPool", {1, 8, 10, 11, 12, 22}, 1, 1, 1, 2,
               "auto_pad:s ceil_mode:i dilations:I kernel_shape:I pads:I storage_order:i strides:I", maxPool,
               "the output Indices, windows of more than 64 places, auto_pad of unknown sizes with strides, "
               "a ceil_mode whose last window may lie in the padding, padded integers");
  registry.add("", "GlobalAveragePool", {1, 22}, 1, 1, 1, 1, "", globalPool<onnx::ReduceMeanOp>);
  registry.add("", "GlobalMaxPool", {1, 22}, 1, 1, 1, 1, "", globalPool<onnx::ReduceMaxOp>);
}

} // namespace tamis::import
