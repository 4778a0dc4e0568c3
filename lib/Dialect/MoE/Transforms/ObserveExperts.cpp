//===- ObserveExperts.cpp - Show what each layer of experts computes ------------------------------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/MoE/IR/MoEDialect.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"

namespace tamis::moe {
#define GEN_PASS_DEF_MOEOBSERVEEXPERTS
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

/// Experts that add up their rows as experts and a moe.combine; their sum.
static CombineOp unfoldCombine(ExpertsOp experts) {
  OpBuilder builder(experts);
  Location loc = experts.getLoc();
  auto type = cast<RankedTensorType>(experts.getType());
  SmallVector<int64_t> shape(cast<RankedTensorType>(experts.getIndices().getType()).getShape());
  shape.push_back(type.getShape().back());
  Value weights = experts.getWeights();
  builder.setInsertionPointAfter(experts);
  auto combine = CombineOp::create(builder, loc, type, experts.getY(), weights);
  experts.getY().replaceAllUsesExcept(combine.getZ(), combine);
  experts.getWeightsMutable().clear();
  experts.getY().setType(type.clone(shape));
  return combine;
}

namespace {
struct MoEObserveExperts : tamis::moe::impl::MoEObserveExpertsBase<MoEObserveExperts> {
  using MoEObserveExpertsBase::MoEObserveExpertsBase;

  void runOnOperation() override {
    SmallVector<ExpertsOp> layers;
    getOperation().walk([&](ExpertsOp experts) { layers.push_back(experts); });
    for (ExpertsOp experts : layers) {
      CombineOp combine;
      if (experts.getWeights())
        combine = unfoldCombine(experts);
      else
        for (Operation *user : experts->getUsers())
          if (auto sum = dyn_cast<CombineOp>(user); sum && sum.getY() == experts.getY())
            combine = sum;
      if (!combine)
        continue;
      OpBuilder builder(combine);
      auto route = experts.getIndices().getDefiningOp<RouteOp>();
      int64_t count = experts.getExpertCount();
      Value logits = route ? route.getLogits() : Value();
      // There may be more experts than the router chooses among.
      if (logits && cast<RankedTensorType>(logits.getType()).getShape().back() != count)
        logits = {};
      ObserveOp::create(builder, experts.getLoc(), experts.getIndices(), combine.getWeights(), experts.getY(),
                        logits, count);
      ++observed;
    }
  }
};
} // namespace
