//===- PackWeights.cpp - Weights of linear layers in the microkernels' layout -------------------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNPACKWEIGHTS
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

namespace {
struct NNPackWeights : tamis::nn::impl::NNPackWeightsBase<NNPackWeights> {
  using NNPackWeightsBase::NNPackWeightsBase;

  void runOnOperation() override {
    FailureOr<Precision> known = parsePrecision(getOperation(), precision);
    if (failed(known))
      return signalPassFailure();
    LayerPrecisions layers;
    for (const std::string &text : layerPrecisions)
      if (std::optional<std::string> error = layers.add(text)) {
        getOperation().emitError("layer-precision: ") << *error;
        return signalPassFailure();
      }
    getOperation().walk([&](LinearOp linear) {
      auto type = cast<RankedTensorType>(linear.getW().getType());
      Operation *weight = linear.getW().getDefiningOp();
      if (type.getRank() != 2 || !weight || !isa<weight::WeightDialect>(weight->getDialect()))
        return;
      Precision asked = layers.of(linear).value_or(*known), taken = pack(linear, type, asked);
      if (taken != *known)
        record(linear, taken);
      ++packedWeights;
    });
    if (std::optional<std::string> text = layers.unused()) {
      getOperation().emitError(
          "layer-precision: no linear layer with a weight of f32 has a node whose name fits '")
          << *text << "'; --emit=mlir shows the names";
      return signalPassFailure();
    }
    if (!recorded.empty())
      getOperation()->setAttr("tamis.layer_precisions", ArrayAttr::get(&getContext(), recorded));
    getOperation().walk([&](QuantizedLinearOp linear) {
      if (linear.getColumnSums())
        return;
      OpBuilder builder(linear);
      auto type = RankedTensorType::get(cast<RankedTensorType>(linear.getScale().getType()).getShape(),
                                        builder.getI32Type());
      linear.getColumnSumsMutable().assign(
          weight::ColumnSumsOp::create(builder, linear.getLoc(), type, linear.getW(), linear.getZeroPoint()));
      linear.getWMutable().assign(packPanels(builder, linear.getLoc(), linear.getW(), builder.getI8Type()));
      ++packedWeights;
    });
  }

  /// Notes that the nodes of a layer have a precision that others have not.
  void record(LinearOp linear, Precision precision) {
    Builder builder(&getContext());
    for (StringRef node : nodeNames(linear.getLoc()))
      recorded.push_back(builder.getStrArrayAttr({node, stringifyPrecision(precision)}));
  }

  /// Returns the precision that the layer has then.
  static Precision pack(LinearOp linear, RankedTensorType type, Precision precision) {
    OpBuilder builder(linear);
    Location loc = linear.getLoc();
    int64_t k = type.getDimSize(0), n = type.getDimSize(1);
    Value w = linear.getW();
    if (k % 2 && (precision == Precision::BF16 || precision == Precision::SplitF32))
      precision = Precision::F32;
    if (precision == Precision::Int8) {
      auto scales = RankedTensorType::get({n}, builder.getF32Type()),
           sums = RankedTensorType::get({n}, builder.getI32Type());
      linear.getScaleMutable().assign(weight::ColumnScalesOp::create(builder, loc, scales, w));
      w = weight::QuantizeColumnsOp::create(builder, loc, type.clone(builder.getI8Type()), w);
      linear.getSumsMutable().assign(weight::ColumnSumsOp::create(builder, loc, sums, w, Value()));
    }
    Type element = precision == Precision::F32    ? Type(builder.getF32Type())
                   : precision == Precision::Int8 ? Type(builder.getI8Type())
                                                  : Type(builder.getBF16Type());
    linear.getWMutable().assign(packPanels(builder, loc, w, element, precision == Precision::SplitF32));
    return precision;
  }

  static Value packPanels(OpBuilder &builder, Location loc, Value w, Type element, bool split = false) {
    auto type = cast<RankedTensorType>(w.getType());
    int64_t k = type.getDimSize(0), panels = llvm::divideCeil(type.getDimSize(1), 16),
            perWord = 32 / element.getIntOrFloatBitWidth();
    SmallVector<int64_t> shape{panels, k, 16};
    if (perWord > 1) {
      shape[1] = llvm::alignTo(llvm::divideCeil(k, perWord), 16);
      shape.push_back(perWord);
    }
    if (split)
      shape = {panels, shape[1] / 16, 32, 16, 2};
    return weight::PackPanelsOp::create(builder, loc, RankedTensorType::get(shape, element), w);
  }

  SmallVector<Attribute> recorded;
};
} // namespace
