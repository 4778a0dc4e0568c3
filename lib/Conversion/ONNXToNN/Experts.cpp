//===- Experts.cpp - How the stages that find mixtures of experts build them --------------------------===//
#include "Experts.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

Value raising::transposed(Stage &stage, Value w) {
  RankedTensorType type = typeOf(w);
  SmallVector<int64_t> shape{type.getDimSize(0), type.getDimSize(2), type.getDimSize(1)};
  return weight::TransposeOp::create(stage.builder, stage.location(), type.clone(shape), w,
                                     ArrayRef<int64_t>{0, 2, 1});
}

Value raising::integers(Stage &stage, ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, stage.builder.getI64Type());
  return onnx::ConstantOp::create(stage.builder, stage.location(), DenseElementsAttr::get(type, values));
}

static Value interleave(Stage &stage, Value first, Value second) {
  SmallVector<int64_t> shape(typeOf(first).getShape());
  shape.back() = 2 * llvm::alignTo(shape.back(), 8);
  return weight::InterleaveColumnsOp::create(stage.builder, stage.location(), typeOf(first).clone(shape),
                                             first, second);
}

/// The bias of a layer, zeros when it has none.
static Value biasOf(Stage &stage, const ExpertLayer &layer) {
  if (layer.bias)
    return layer.bias;
  RankedTensorType w = typeOf(layer.w);
  auto scalar = RankedTensorType::get({1}, w.getElementType());
  Value zero =
      onnx::ConstantOp::create(stage.builder, stage.location(), DenseElementsAttr::get(scalar, 0.0f));
  return weight::ExpandOp::create(stage.builder, stage.location(),
                                  w.clone({w.getDimSize(0), w.getDimSize(2)}),
                                  weight::asWeight(stage.builder, zero));
}

Value raising::buildExperts(Stage &stage, Value x, Value indices, Value weights, const ExpertLayers &layers,
                            bool skips) {
  Value w = layers.gate.w, bias = layers.gate.bias;
  bool isGated = static_cast<bool>(layers.up.w);
  if (isGated) {
    w = interleave(stage, w, layers.up.w);
    if (bias || layers.up.bias)
      bias = interleave(stage, biasOf(stage, layers.gate), biasOf(stage, layers.up));
  }
  SmallVector<int64_t> shape(typeOf(indices).getShape());
  shape.push_back(typeOf(layers.out.w).getDimSize(2));
  Type f32 = stage.builder.getF32Type();
  Value none;
  Value y = moe::ExpertsOp::create(stage.builder, stage.location(), RankedTensorType::get(shape, f32), x,
                                   indices, none, w, bias, none, none, layers.out.w, layers.out.bias, none,
                                   none, none, skips, layers.activation, isGated, APFloat(layers.alpha),
                                   APFloat(layers.beta), APFloat(layers.limit));
  shape.erase(shape.end() - 2);
  ++stage.counts.experts;
  return moe::CombineOp::create(stage.builder, stage.location(), RankedTensorType::get(shape, f32), y,
                                weights);
}

nn::LinearOp raising::plainLinear(Value value) {
  auto linear = value.getDefiningOp<nn::LinearOp>();
  bool isPlain = linear && !linear.getResidual() && linear.getActivation() == nn::Activation::None &&
                 weight::isWeight(linear.getW()) && typeOf(linear.getW()).getRank() == 2 &&
                 isF32(linear.getW()) && (!linear.getBias() || weight::isKnownWeight(linear.getBias()));
  return isPlain ? linear : nn::LinearOp();
}

moe::RouteOp raising::buildRoute(Stage &stage, Value logits, Value bias, const Routing &routing) {
  SmallVector<int64_t> shape(typeOf(logits).getShape());
  shape.back() = routing.k;
  Builder &builder = stage.builder;
  return moe::RouteOp::create(
      stage.builder, stage.location(), RankedTensorType::get(shape, builder.getI64Type()),
      RankedTensorType::get(shape, builder.getF32Type()), logits, bias, routing.k, routing.score,
      routing.ties, routing.groups, routing.keptGroups, routing.groupTop, APFloat(routing.groupFill),
      routing.softmaxChosen, routing.normalize, APFloat(routing.epsilon), APFloat(routing.scale),
      DenseI64ArrayAttr(), APFloat(0.0f), routing.limitsWeights,
      routing.mixerThreshold ? builder.getF32FloatAttr(*routing.mixerThreshold) : FloatAttr());
}

Value raising::after(Stage &stage, Value part, Value indices) {
  auto type = RankedTensorType::get({1, 1}, stage.builder.getI64Type());
  Value zero =
      onnx::ConstantOp::create(stage.builder, stage.location(), DenseElementsAttr::get(type, int64_t(0)));
  Value nothing = onnx::MulOp::create(stage.builder, stage.location(), type, part, zero);
  return onnx::AddOp::create(stage.builder, stage.location(), indices.getType(), indices, nothing);
}
