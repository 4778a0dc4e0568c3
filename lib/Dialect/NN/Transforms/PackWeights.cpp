//===- PackWeights.cpp - Weights of linear layers in the microkernels' layout -------------------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
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
  void runOnOperation() override {
    getOperation().walk([&](LinearOp linear) {
      auto type = cast<RankedTensorType>(linear.getW().getType());
      Operation *weight = linear.getW().getDefiningOp();
      if (type.getRank() != 2 || !weight || !isa<weight::WeightDialect>(weight->getDialect()))
        return;
      OpBuilder builder(linear);
      int64_t panels = llvm::divideCeil(type.getDimSize(1), 16);
      auto packed = RankedTensorType::get({panels, type.getDimSize(0), 16}, type.getElementType());
      linear.getWMutable().assign(
          weight::PackPanelsOp::create(builder, linear.getLoc(), packed, linear.getW()));
      ++packedWeights;
    });
    getOperation().walk([&](QuantizedLinearOp linear) {
      if (linear.getColumnSums())
        return;
      OpBuilder builder(linear);
      auto type = RankedTensorType::get(cast<RankedTensorType>(linear.getScale().getType()).getShape(),
                                        builder.getI32Type());
      linear.getColumnSumsMutable().assign(
          weight::ColumnSumsOp::create(builder, linear.getLoc(), type, linear.getW(), linear.getZeroPoint()));
      ++packedWeights;
    });
  }
};
} // namespace
