//===- Contrib.cpp - Activations of com.microsoft
//--------------------------------------------------------===//
#include "Node.h"

using namespace mlir;

namespace tamis::import {

static LogicalResult gelu(Node &node) {
  node.setOutput(0, node.make<onnx::GeluOp>(node.input(0), /*tanh=*/false));
  return success();
}
static LogicalResult biasGelu(Node &node) {
  node.setOutput(
      0, node.make<onnx::GeluOp>(node.make<onnx::AddOp>(node.input(0), node.input(1)), /*tanh=*/false));
  return success();
}
static LogicalResult fastGelu(Node &node) {
  Value x = node.input(0);
  if (node.input(1))
    x = node.make<onnx::AddOp>(x, node.input(1));
  node.setOutput(0, node.make<onnx::GeluOp>(x, /*tanh=*/true));
  return success();
}
static LogicalResult quickGelu(Node &node) {
  node.setOutput(0, node.make<onnx::SwishOp>(node.input(0), APFloat(node.real("alpha", 1.702f))));
  return success();
}

void addContrib(Registry &registry) {
  registry.add("com.microsoft", "Gelu", {1}, 1, 1, 1, 1, "", gelu);
  registry.add("com.microsoft", "BiasGelu", {1}, 2, 2, 1, 1, "", biasGelu);
  registry.add("com.microsoft", "FastGelu", {1}, 1, 2, 1, 1, "", fastGelu);
  registry.add("com.microsoft", "QuickGelu", {1}, 1, 1, 1, 1, "alpha:f", quickGelu);
}

} // namespace tamis::import
