//===- ConvertExperts.cpp - com.microsoft's mixtures of experts as moe ops ----------------------------===//
#include "Experts.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// ONNX Runtime's "gelu" is the tanh form on the CPU.
static std::optional<nn::Activation> activationOf(StringRef name) {
  return llvm::StringSwitch<std::optional<nn::Activation>>(name)
      .Case("relu", nn::Activation::Relu)
      .Case("gelu", nn::Activation::GeluTanh)
      .Cases({"silu", "swiglu"}, nn::Activation::Silu)
      .Case("identity", nn::Activation::None)
      .Default(std::nullopt);
}

static void convert(Stage &stage, onnx::MoEOp op) {
  SmallVector<Value> weights{op.getW1(), op.getB1(), op.getW2(), op.getB2(), op.getW3(), op.getB3()};
  std::optional<nn::Activation> activation = activationOf(op.getActivation());
  if (!activation || llvm::any_of(weights, [](Value w) { return w && !weight::isKnownWeight(w); }))
    return stage.remark(op, "its experts' weights are not known at compile time");
  stage.buildAt(op);
  for (Value &w : weights)
    w = weight::asWeight(stage.builder, w);
  ExpertLayers layers;
  layers.gate = {transposed(stage, weights[0]), weights[1]};
  layers.out = {transposed(stage, weights[2]), weights[3]};
  if (weights[4])
    layers.up = {transposed(stage, weights[4]), weights[5]};
  layers.activation = *activation;
  layers.alpha = op.getAlpha().convertToFloat();
  layers.beta = op.getBeta().convertToFloat();
  layers.limit = op.getLimit().convertToFloat();

  Value x = op.getX();
  RankedTensorType type = typeOf(x);
  // The router's rows are of rank 2, whatever x is.
  if (type.getRank() == 3)
    x = onnx::ReshapeOp::create(stage.builder, stage.location(),
                                typeOf(x).clone({ShapedType::kDynamic, type.getDimSize(2)}), x,
                                integers(stage, {-1, type.getDimSize(2)}), false);
  Routing routing;
  routing.k = op.getK();
  routing.score = op.getSoftmaxChosen() ? moe::Score::Logits : moe::Score::Softmax;
  routing.ties = moe::Ties::High;
  routing.softmaxChosen = op.getSoftmaxChosen();
  routing.normalize = op.getNormalize() && !op.getSoftmaxChosen();
  moe::RouteOp route = buildRoute(stage, op.getRouter(), Value(), routing);
  Value y = buildExperts(stage, x, route.getIndices(), route.getWeights(), layers);
  if (type.getRank() == 3) {
    Value shape =
        onnx::ShapeOp::create(stage.builder, stage.location(),
                              RankedTensorType::get({3}, stage.builder.getI64Type()), op.getX(), 0, 3);
    y = onnx::ReshapeOp::create(stage.builder, stage.location(), op.getY().getType(), y, shape, false);
  }
  op.getY().replaceAllUsesWith(y);
}

void raising::convertExperts(Stage &stage) {
  SmallVector<onnx::MoEOp> ops;
  stage.function.walk([&](onnx::MoEOp op) { ops.push_back(op); });
  for (onnx::MoEOp op : ops)
    convert(stage, op);
}
