//===- Activations.cpp - Activations of onnx as those of layers ----------------------------------------===//
#include "tamis/Dialect/NN/Transforms/Activations.h"

#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

using namespace mlir;
using namespace tamis;

nn::Activation nn::activationOf(Operation *op) {
  if (isa<onnx::ReluOp>(op))
    return Activation::Relu;
  if (isa<onnx::TanhOp>(op))
    return Activation::Tanh;
  if (isa<onnx::SigmoidOp>(op))
    return Activation::Sigmoid;
  if (auto gelu = dyn_cast<onnx::GeluOp>(op))
    return gelu.getTanh() ? Activation::GeluTanh : Activation::Gelu;
  if (auto swish = dyn_cast<onnx::SwishOp>(op); swish && swish.getAlpha().isExactlyValue(1.0))
    return Activation::Silu;
  return Activation::None;
}
