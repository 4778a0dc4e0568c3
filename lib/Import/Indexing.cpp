//===- Indexing.cpp - Operators that read or write at indices ------------------------------------------===//
#include "Node.h"

using namespace mlir;

namespace tamis::import {

template <typename OpTy> static LogicalResult gather(Node &node) {
  auto axis = node.axis(node.integer("axis", 0), node.rank());
  if (failed(axis) || failed(node.checkIndex(1, "indices", /*orInt32=*/true)))
    return failure();
  node.setOutput(0, node.make<OpTy>(node.input(0), node.input(1), *axis));
  return success();
}
static LogicalResult gatherND(Node &node) {
  if (failed(node.checkIndex(1, "indices")))
    return failure();
  node.setOutput(0, node.make<onnx::GatherNDOp>(node.input(0), node.input(1), node.integer("batch_dims", 0)));
  return success();
}

static LogicalResult scatterElements(Node &node) {
  auto axis = node.axis(node.integer("axis", 0), node.rank());
  if (failed(axis) || failed(node.checkIndex(1, "indices", /*orInt32=*/true)))
    return failure();
  node.setOutput(0, node.make<onnx::ScatterElementsOp>(node.input(0), node.input(1), node.input(2), *axis,
                                                       node.string("reduction", "none")));
  return success();
}
static LogicalResult scatterND(Node &node) {
  if (failed(node.checkIndex(1, "indices")))
    return failure();
  node.setOutput(0, node.make<onnx::ScatterNDOp>(node.input(0), node.input(1), node.input(2),
                                                 node.string("reduction", "none")));
  return success();
}

static LogicalResult oneHot(Node &node) {
  auto axis = node.axis(node.integer("axis", -1), node.rank() + 1);
  if (failed(axis))
    return failure();
  Value indices = node.input(0);
  if (!node.element().isInteger(64) && !node.element().isInteger(32))
    indices = node.makeCast(indices, node.builder.getI64Type());
  node.setOutput(0, node.make<onnx::OneHotOp>(indices, node.input(1), node.input(2), *axis));
  return success();
}
static LogicalResult nonZero(Node &node) {
  node.setOutput(0, node.make<onnx::NonZeroOp>(node.input(0)));
  return success();
}

static LogicalResult topKOf(Node &node, Value k) {
  auto axis = node.axis(node.integer("axis", -1), node.rank());
  if (failed(axis) || failed(node.checkIndex(1, "counts")))
    return failure();
  auto results = node.makeMany<onnx::TopKOp>(2, node.input(0), k, *axis, node.flag("largest", true),
                                             node.flag("sorted", true));
  node.setOutput(0, results[0]);
  node.setOutput(1, results[1]);
  return success();
}
static LogicalResult topKWithAttribute(Node &node) {
  if (!node.attribute("k"))
    return node.fail("lacks its k", "export the model again");
  return topKOf(node, node.makeIntegers({node.integer("k", 0)}));
}
static LogicalResult topK(Node &node) { return topKOf(node, node.input(1)); }

void addIndexing(Registry &registry) {
  registry.add("", "Gather", {1, 11, 13}, 2, 2, 1, 1, "axis:i", gather<onnx::GatherOp>);
  registry.add("", "GatherElements", {11, 13}, 2, 2, 1, 1, "axis:i", gather<onnx::GatherElementsOp>);
  registry.add("", "GatherND", {11}, 2, 2, 1, 1, "", gatherND);
  registry.add("", "GatherND", {12, 13}, 2, 2, 1, 1, "batch_dims:i", gatherND,
               "index tuples of unknown length");
  registry.add("", "Scatter", {9, 11}, 3, 3, 1, 1, "axis:i", scatterElements);
  registry.add("", "ScatterElements", {11, 13}, 3, 3, 1, 1, "axis:i", scatterElements);
  registry.add("", "ScatterElements", {16, 18}, 3, 3, 1, 1, "axis:i reduction:s", scatterElements);
  registry.add("", "ScatterND", {11, 13}, 3, 3, 1, 1, "", scatterND);
  registry.add("", "ScatterND", {16, 18}, 3, 3, 1, 1, "reduction:s", scatterND,
               "index tuples of unknown length");
  registry.add("", "OneHot", {9, 11}, 3, 3, 1, 1, "axis:i", oneHot);
  registry.add("", "NonZero", {9, 13}, 1, 1, 1, 1, "", nonZero);
  registry.add("", "TopK", {1}, 1, 1, 2, 2, "axis:i k:i", topKWithAttribute);
  registry.add("", "TopK", {10}, 2, 2, 1, 2, "axis:i", topK);
  registry.add("", "TopK", {11, 24}, 2, 2, 1, 2, "axis:i largest:i sorted:i", topK);
}

} // namespace tamis::import
