//===- Elementwise.cpp - Elementwise operators
//-----------------------------------------------------------===//
#include "Node.h"
#include "Tensors.h"

using namespace mlir;

namespace tamis::import {

template <typename OpTy> static LogicalResult unary(Node &node) {
  node.setOutput(0, node.make<OpTy>(node.input(0)));
  return success();
}
template <typename OpTy> static LogicalResult binary(Node &node) {
  node.setOutput(0, node.make<OpTy>(node.input(0), node.input(1)));
  return success();
}
/// Max, Min, Sum and Mean of any number of operands.
template <typename OpTy> static LogicalResult chain(Node &node) {
  Value joined = node.input(0);
  for (Value next : node.allInputs().drop_front()) {
    if (!next)
      return node.fail("lacks one of its inputs", "export the model again");
    joined = node.make<OpTy>(joined, next);
  }
  if (node.proto.op_type() == "Mean")
    joined = node.make<onnx::DivOp>(joined, node.makeScalar(node.numInputs(), node.element()));
  node.setOutput(0, joined);
  return success();
}

static LogicalResult elu(Node &node) {
  node.setOutput(0, node.make<onnx::EluOp>(node.input(0), APFloat(node.real("alpha", 1))));
  return success();
}
static LogicalResult leakyRelu(Node &node) {
  node.setOutput(0, node.make<onnx::LeakyReluOp>(node.input(0), APFloat(node.real("alpha", 0.01f))));
  return success();
}
static LogicalResult hardSigmoid(Node &node) {
  node.setOutput(0, node.make<onnx::HardSigmoidOp>(node.input(0), APFloat(node.real("alpha", 0.2f)),
                                                   APFloat(node.real("beta", 0.5f))));
  return success();
}
static LogicalResult swish(Node &node) {
  node.setOutput(0, node.make<onnx::SwishOp>(node.input(0), APFloat(node.real("alpha", 1))));
  return success();
}
static LogicalResult gelu(Node &node) {
  node.setOutput(0, node.make<onnx::GeluOp>(node.input(0), node.string("approximate", "none") == "tanh"));
  return success();
}

/// gamma * (max(x, 0) + min(alpha * (exp(x) - 1), 0)); Elu gives both parts for alpha.
static LogicalResult selu(Node &node) {
  Value inner =
      node.make<onnx::EluOp>(node.input(0), APFloat(node.real("alpha", 1.67326319217681884765625f)));
  node.setOutput(0,
                 node.make<onnx::MulOp>(
                     inner, node.makeScalar(node.real("gamma", 1.05070102214813232421875f), node.element())));
  return success();
}
/// max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0) = alpha * Elu(x / alpha) with Elu's own alpha 1.
static LogicalResult celu(Node &node) {
  float alpha = node.real("alpha", 1);
  if (alpha <= 0)
    return node.fail("has an alpha that is not positive", "export the model again");
  Value scale = node.makeScalar(alpha, node.element());
  Value inner = node.make<onnx::EluOp>(node.make<onnx::DivOp>(node.input(0), scale), APFloat(1.0f));
  node.setOutput(0, node.make<onnx::MulOp>(inner, scale));
  return success();
}
static LogicalResult thresholdedRelu(Node &node) {
  Value zero = node.makeScalar(0, node.element()),
        alpha = node.makeScalar(node.real("alpha", 1), node.element());
  node.setOutput(
      0, node.make<onnx::WhereOp>(node.make<onnx::GreaterOp>(node.input(0), alpha), node.input(0), zero));
  return success();
}
static LogicalResult shrink(Node &node) {
  Value x = node.input(0), zero = node.makeScalar(0, node.element());
  Value bias = node.makeScalar(node.real("bias", 0), node.element()),
        lambda = node.makeScalar(node.real("lambd", 0.5f), node.element());
  Value high =
      node.make<onnx::WhereOp>(node.make<onnx::GreaterOp>(x, lambda), node.make<onnx::SubOp>(x, bias), zero);
  node.setOutput(0, node.make<onnx::WhereOp>(node.make<onnx::LessOp>(x, node.make<onnx::NegOp>(lambda)),
                                             node.make<onnx::AddOp>(x, bias), high));
  return success();
}

static LogicalResult mod(Node &node) {
  bool fmod = node.flag("fmod", false);
  if (!fmod && isa<FloatType>(node.element()))
    return node.fail("has float operands without fmod", "export the model again");
  node.setOutput(0, node.make<onnx::ModOp>(node.input(0), node.input(1), fmod));
  return success();
}
static LogicalResult isInf(Node &node) {
  node.setOutput(0, node.make<onnx::IsInfOp>(node.input(0), node.flag("detect_negative", true),
                                             node.flag("detect_positive", true)));
  return success();
}

/// Up to version 6, the bounds are attributes.
static LogicalResult clipWithAttributes(Node &node) {
  auto bound = [&](StringRef name) {
    return node.attribute(name) ? node.makeScalar(node.real(name, 0), node.element()) : Value();
  };
  node.setOutput(0, node.make<onnx::ClipOp>(node.input(0), bound("min"), bound("max")));
  return success();
}
static LogicalResult clip(Node &node) {
  node.setOutput(0, node.make<onnx::ClipOp>(node.input(0), node.input(1), node.input(2)));
  return success();
}
static LogicalResult where(Node &node) {
  node.setOutput(0, node.make<onnx::WhereOp>(node.input(0), node.input(1), node.input(2)));
  return success();
}

static LogicalResult cast(Node &node) {
  int64_t to = node.integer("to", 0);
  Type element = elementType(node.builder.getContext(), to);
  if (!element)
    return node.fail("casts to " + elementTypeName(to) + ", which is not supported",
                     "docs/operators.md lists the element types");
  node.setOutput(0, node.makeCast(node.input(0), element));
  return success();
}
static LogicalResult castLike(Node &node) {
  node.setOutput(0, node.makeCast(node.input(0), node.element(1)));
  return success();
}

void addElementwise(Registry &registry) {
  auto addUnary = [&](StringRef name, SmallVector<int> versions, LogicalResult (*handle)(Node &),
                      StringRef attributes = "") {
    registry.add("", name, versions, 1, 1, 1, 1, attributes, handle);
  };
  addUnary("Abs", {6, 13}, unary<onnx::AbsOp>);
  addUnary("Acos", {7, 22}, unary<onnx::AcosOp>);
  addUnary("Acosh", {9, 22}, unary<onnx::AcoshOp>);
  addUnary("Asin", {7, 22}, unary<onnx::AsinOp>);
  addUnary("Asinh", {9, 22}, unary<onnx::AsinhOp>);
  addUnary("Atan", {7, 22}, unary<onnx::AtanOp>);
  addUnary("Atanh", {9, 22}, unary<onnx::AtanhOp>);
  addUnary("Ceil", {6, 13}, unary<onnx::CeilOp>);
  addUnary("Celu", {12}, celu, "alpha:f");
  addUnary("Cos", {7, 22}, unary<onnx::CosOp>);
  addUnary("Cosh", {9, 22}, unary<onnx::CoshOp>);
  addUnary("Elu", {6, 22}, elu, "alpha:f");
  addUnary("Erf", {9, 13}, unary<onnx::ErfOp>);
  addUnary("Exp", {6, 13}, unary<onnx::ExpOp>);
  addUnary("Floor", {6, 13}, unary<onnx::FloorOp>);
  addUnary("Gelu", {20}, gelu, "approximate:s");
  addUnary("HardSigmoid", {6, 22}, hardSigmoid, "alpha:f beta:f");
  addUnary("HardSwish", {14, 22}, unary<onnx::HardSwishOp>);
  addUnary("IsInf", {10, 20}, isInf, "detect_negative:i detect_positive:i");
  addUnary("IsNaN", {9, 13, 20}, unary<onnx::IsNaNOp>);
  addUnary("LeakyRelu", {6, 16}, leakyRelu, "alpha:f");
  addUnary("Log", {6, 13}, unary<onnx::LogOp>);
  addUnary("Mish", {18, 22}, unary<onnx::MishOp>);
  addUnary("Neg", {6, 13}, unary<onnx::NegOp>);
  addUnary("Not", {1}, unary<onnx::NotOp>);
  addUnary("Reciprocal", {6, 13}, unary<onnx::ReciprocalOp>);
  addUnary("Relu", {6, 13, 14}, unary<onnx::ReluOp>);
  addUnary("Round", {11, 22}, unary<onnx::RoundOp>);
  addUnary("Selu", {6, 22}, selu, "alpha:f gamma:f");
  addUnary("Shrink", {9}, shrink, "bias:f lambd:f");
  addUnary("Sigmoid", {6, 13}, unary<onnx::SigmoidOp>);
  addUnary("Sign", {9, 13}, unary<onnx::SignOp>);
  addUnary("Sin", {7, 22}, unary<onnx::SinOp>);
  addUnary("Sinh", {9, 22}, unary<onnx::SinhOp>);
  addUnary("Softplus", {1, 22}, unary<onnx::SoftplusOp>);
  addUnary("Softsign", {1, 22}, unary<onnx::SoftsignOp>);
  addUnary("Sqrt", {6, 13}, unary<onnx::SqrtOp>);
  addUnary("Swish", {24}, swish, "alpha:f");
  addUnary("Tan", {7, 22}, unary<onnx::TanOp>);
  addUnary("Tanh", {6, 13}, unary<onnx::TanhOp>);
  addUnary("ThresholdedRelu", {10, 22}, thresholdedRelu, "alpha:f");

  auto addBinary = [&](StringRef name, SmallVector<int> versions, LogicalResult (*handle)(Node &),
                       StringRef attributes = "") {
    registry.add("", name, versions, 2, 2, 1, 1, attributes, handle);
  };
  addBinary("Add", {7, 13, 14}, binary<onnx::AddOp>);
  addBinary("And", {7}, binary<onnx::AndOp>);
  addBinary("Div", {7, 13, 14}, binary<onnx::DivOp>);
  addBinary("Equal", {7, 11, 13, 19}, binary<onnx::EqualOp>);
  addBinary("Greater", {7, 9, 13}, binary<onnx::GreaterOp>);
  addBinary("GreaterOrEqual", {12, 16}, binary<onnx::GreaterOrEqualOp>);
  addBinary("Less", {7, 9, 13}, binary<onnx::LessOp>);
  addBinary("LessOrEqual", {12, 16}, binary<onnx::LessOrEqualOp>);
  addBinary("Mod", {10, 13}, mod, "fmod:i");
  addBinary("Mul", {7, 13, 14}, binary<onnx::MulOp>);
  addBinary("Or", {7}, binary<onnx::OrOp>);
  addBinary("Pow", {7, 12, 13, 15}, binary<onnx::PowOp>);
  addBinary("PRelu", {7, 9, 16}, binary<onnx::PReluOp>);
  addBinary("Sub", {7, 13, 14}, binary<onnx::SubOp>);
  addBinary("Xor", {7}, binary<onnx::XorOp>);

  auto addChain = [&](StringRef name, SmallVector<int> versions, LogicalResult (*handle)(Node &)) {
    registry.add("", name, versions, 1, anyCount, 1, 1, "", handle);
  };
  addChain("Max", {6, 8, 12, 13}, chain<onnx::MaxOp>);
  addChain("Mean", {6, 8, 13}, chain<onnx::AddOp>);
  addChain("Min", {6, 8, 12, 13}, chain<onnx::MinOp>);
  addChain("Sum", {6, 8, 13}, chain<onnx::AddOp>);

  registry.add("", "Clip", {6}, 1, 1, 1, 1, "max:f min:f", clipWithAttributes);
  registry.add("", "Clip", {11, 12, 13}, 1, 3, 1, 1, "", clip);
  registry.add("", "Where", {9, 16}, 3, 3, 1, 1, "", where);
  registry.add("", "Cast", {6, 9, 13, 19, 21, 23, 24}, 1, 1, 1, 1, "to:i saturate:i round_mode:s", cast,
               "strings, 8-bit floats, 4-bit types");
  registry.add("", "CastLike", {15, 19, 21, 23, 24}, 2, 2, 1, 1, "saturate:i round_mode:s", castLike);
}

} // namespace tamis::import
