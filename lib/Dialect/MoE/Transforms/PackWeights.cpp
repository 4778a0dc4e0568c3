//===- PackWeights.cpp - Weights of experts in the microkernels' layout -------------------------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/MoE/IR/MoEDialect.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Pack.h"

namespace tamis::moe {
#define GEN_PASS_DEF_MOEPACKWEIGHTS
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

namespace {
struct MoEPackWeights : tamis::moe::impl::MoEPackWeightsBase<MoEPackWeights> {
  using MoEPackWeightsBase::MoEPackWeightsBase;

  void runOnOperation() override {
    FailureOr<weight::Precision> known = weight::parsePrecision(getOperation(), precision);
    if (failed(known))
      return signalPassFailure();
    getOperation().walk([&](ExpertsOp experts) {
      OpBuilder builder(experts);
      weight::Precision asked = nn::precisionOf(experts, *known);
      auto pack = [&](OpOperand &w) {
        weight::PackedWeight packed;
        if (cast<RankedTensorType>(w.get().getType()).getRank() != 3 || !weight::isWeight(w.get()))
          return packed;
        packed = weight::pack(builder, experts.getLoc(), w.get(), asked, int4Group);
        w.set(packed.w);
        ++packedWeights;
        return packed;
      };
      weight::PackedWeight in = pack(experts.getWInMutable()), out = pack(experts.getWOutMutable());
      // Each addition of an operand moves those behind it.
      if (in.scale) {
        experts.getSInMutable().assign(in.scale);
        experts.getTInMutable().assign(in.sums);
      }
      if (out.scale) {
        experts.getSOutMutable().assign(out.scale);
        experts.getTOutMutable().assign(out.sums);
      }
      if (in.w && in.precision != *known)
        nn::listPrecision(experts, weight::stringifyPrecision(in.precision));
    });
  }
};
} // namespace
