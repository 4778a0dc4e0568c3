//===- AssignPrecisions.cpp - Precisions of single layers, by the names of their nodes ----------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNASSIGNPRECISIONS
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

/// An attention multiplies what it is given; of other layers the precision is that of constants.
static bool canChoose(Operation *op) {
  return op->hasTrait<HasPrecision>() &&
         (isa<AttentionOp>(op) || llvm::any_of(op->getOperands(), [](Value operand) {
            auto type = dyn_cast<RankedTensorType>(operand.getType());
            return type && type.getRank() > 1 && weight::isWeight(operand);
          }));
}

namespace {
struct NNAssignPrecisions : tamis::nn::impl::NNAssignPrecisionsBase<NNAssignPrecisions> {
  using NNAssignPrecisionsBase::NNAssignPrecisionsBase;

  void runOnOperation() override {
    LayerPrecisions known;
    for (const std::string &text : layerPrecisions)
      if (std::optional<std::string> error = known.add(text)) {
        getOperation().emitError("layer-precision: ") << *error;
        return signalPassFailure();
      }
    Builder builder(&getContext());
    getOperation().walk([&](Operation *op) {
      if (!canChoose(op))
        return;
      if (std::optional<Precision> precision = known.of(op)) {
        op->setAttr("tamis.precision", builder.getStringAttr(stringifyPrecision(*precision)));
        ++layers;
      }
    });
    if (std::optional<std::string> text = known.unused()) {
      getOperation().emitError("layer-precision: no linear layer, attention, table or layer of experts has a "
                               "node whose name fits '")
          << *text << "'; --emit=mlir shows the names";
      signalPassFailure();
    }
  }
};
} // namespace
