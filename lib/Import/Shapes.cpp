//===- Shapes.cpp - Operators that compute or change shapes --------------------------------------------===//
#include "Graph.h"

using namespace mlir;

namespace tamis::import {

static LogicalResult shape(Node &node) {
  int64_t rank = node.rank();
  auto clamp = [&](int64_t bound) { return std::clamp<int64_t>(bound < 0 ? bound + rank : bound, 0, rank); };
  int64_t start = clamp(node.integer("start", 0)), end = clamp(node.integer("end", rank));
  node.setOutput(0, node.make<onnx::ShapeOp>(node.input(0), start, std::max(start, end)));
  return success();
}
static LogicalResult size(Node &node) {
  node.setOutput(0, node.make<onnx::SizeOp>(node.input(0)));
  return success();
}

static LogicalResult reshape(Node &node) {
  if (failed(node.checkIndex(1, "sizes")))
    return failure();
  node.setOutput(0, node.make<onnx::ReshapeOp>(node.input(0), node.input(1), node.flag("allowzero", false)));
  return success();
}

static LogicalResult flatten(Node &node) {
  int64_t axis = node.integer("axis", 1), rank = node.rank();
  if (axis < -rank || axis > rank)
    return node.fail("has axis " + Twine(axis) + ", which is out of range for rank " + Twine(rank));
  node.setOutput(0, node.make<onnx::FlattenOp>(node.input(0), axis < 0 ? axis + rank : axis));
  return success();
}

/// The axes that Squeeze drops when the model does not list them: those of size 1, which must be known.
static FailureOr<SmallVector<int64_t>> unitAxes(Node &node) {
  SmallVector<int64_t> axes;
  for (auto [i, size] : llvm::enumerate(Node::type(node.input(0)).getShape())) {
    if (ShapedType::isDynamic(size))
      return node.fail("drops all dimensions of size 1, but the size of dimension " + Twine(i) +
                           " is not known",
                       "export the model with axes for it, or give the size with --dim");
    if (size == 1)
      axes.push_back(i);
  }
  return axes;
}
static LogicalResult squeezeAxes(Node &node, std::optional<SmallVector<int64_t>> given) {
  auto axes = given ? node.axes(*given, node.rank()) : unitAxes(node);
  if (failed(axes))
    return failure();
  node.setOutput(0, node.make<onnx::SqueezeOp>(node.input(0), ArrayRef<int64_t>(*axes)));
  return success();
}
static LogicalResult squeezeWithAttribute(Node &node) { return squeezeAxes(node, node.integers("axes")); }
static LogicalResult squeeze(Node &node) {
  if (!node.input(1))
    return squeezeAxes(node, std::nullopt);
  auto axes = node.constant(1, "axes");
  return failed(axes) ? failure() : squeezeAxes(node, *axes);
}

static LogicalResult unsqueezeAxes(Node &node, ArrayRef<int64_t> given) {
  auto axes = node.axes(given, node.rank() + given.size());
  if (failed(axes))
    return failure();
  node.setOutput(0, node.make<onnx::UnsqueezeOp>(node.input(0), ArrayRef<int64_t>(*axes)));
  return success();
}
static LogicalResult unsqueezeWithAttribute(Node &node) {
  auto axes = node.integers("axes");
  return axes ? unsqueezeAxes(node, *axes) : node.fail("lacks its axes", "export the model again");
}
static LogicalResult unsqueeze(Node &node) {
  auto axes = node.constant(1, "axes");
  return failed(axes) ? failure() : unsqueezeAxes(node, *axes);
}

static LogicalResult expand(Node &node) {
  if (failed(node.checkIndex(1, "sizes")))
    return failure();
  node.setOutput(0, node.make<onnx::ExpandOp>(node.input(0), node.input(1)));
  return success();
}

static LogicalResult constantOfShape(Node &node) {
  if (failed(node.checkIndex(0, "sizes")))
    return failure();
  auto type = RankedTensorType::get(1, node.builder.getF32Type());
  ElementsAttr value = DenseElementsAttr::get(type, 0.0f);
  if (auto *attribute = node.attribute("value")) {
    std::string error;
    auto tensor = readTensor(node.builder.getContext(), node.importer.file, attribute->t(), error);
    if (!tensor)
      return node.fail("has a value that " + error);
    if (tensor->type.getNumElements() != 1)
      return node.fail("has a value of more or less than one element", "export the model again");
    value = readElements(node.importer.file, *tensor);
  }
  node.setOutput(0, node.make<onnx::ConstantOfShapeOp>(node.input(0), value));
  return success();
}

static LogicalResult range(Node &node) {
  node.setOutput(0, node.make<onnx::RangeOp>(node.input(0), node.input(1), node.input(2)));
  return success();
}

/// Compares the indices of rows and columns.
static LogicalResult eyeLike(Node &node) {
  if (node.rank() != 2)
    return node.fail("has an operand that is no matrix", "export the model again");
  Type element = node.element();
  if (node.attribute("dtype"))
    element = elementType(node.builder.getContext(), node.integer("dtype", 0));
  if (!element)
    return node.fail("makes a type of element that is not supported",
                     "docs/operators.md lists the element types");
  Type i64 = node.builder.getI64Type();
  auto indices = [&](int64_t dim) {
    Value count = node.make<onnx::SqueezeOp>(node.make<onnx::ShapeOp>(node.input(0), dim, dim + 1),
                                             ArrayRef<int64_t>{0});
    return node.make<onnx::RangeOp>(node.makeScalar(0, i64), count, node.makeScalar(1, i64));
  };
  Value rows = node.make<onnx::UnsqueezeOp>(indices(0), ArrayRef<int64_t>{1});
  Value shifted = node.make<onnx::AddOp>(rows, node.makeScalar(node.integer("k", 0), i64));
  node.setOutput(0, node.makeCast(node.make<onnx::EqualOp>(shifted, indices(1)), element));
  return success();
}

void addShapes(Registry &registry) {
  registry.add("", "Shape", {1, 13}, 1, 1, 1, 1, "", shape);
  registry.add("", "Shape", {15, 19, 21, 23, 24}, 1, 1, 1, 1, "start:i end:i", shape);
  registry.add("", "Size", {1, 13, 19, 21, 23, 24}, 1, 1, 1, 1, "", size);
  registry.add("", "Reshape", {5, 13, 14, 19, 21, 23, 24}, 2, 2, 1, 1, "allowzero:i", reshape,
               "a shape whose length is unknown");
  registry.add("", "Flatten", {1, 9, 11, 13, 21, 23, 24}, 1, 1, 1, 1, "axis:i", flatten);
  registry.add("", "Squeeze", {1, 11}, 1, 1, 1, 1, "axes:I", squeezeWithAttribute);
  registry.add("", "Squeeze", {13, 21, 23, 24}, 1, 2, 1, 1, "", squeeze,
               "axes that are no constant; no axes where sizes are unknown");
  registry.add("", "Unsqueeze", {1, 11}, 1, 1, 1, 1, "axes:I", unsqueezeWithAttribute);
  registry.add("", "Unsqueeze", {13, 21, 23, 24}, 2, 2, 1, 1, "", unsqueeze, "axes that are no constant");
  registry.add("", "Expand", {8, 13}, 2, 2, 1, 1, "", expand, "a shape whose length is unknown");
  registry.add("", "ConstantOfShape", {9, 20, 21, 23, 24}, 1, 1, 1, 1, "value:t", constantOfShape,
               "a shape whose length is unknown");
  registry.add("", "Range", {11}, 3, 3, 1, 1, "", range);
  registry.add("", "EyeLike", {9, 22}, 1, 1, 1, 1, "dtype:i k:i", eyeLike);
}

} // namespace tamis::import
