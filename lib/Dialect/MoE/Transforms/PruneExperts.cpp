//===- PruneExperts.cpp - Leave out the experts that matter least --------------------------------------===//
#include "Placement.h"
#include "Usage.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include <cmath>

namespace tamis::moe {
#define GEN_PASS_DEF_MOEPRUNEEXPERTS
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

/// The experts behind the best `kept`, in their order.
static SmallVector<int64_t> leastOf(const ExpertUsage &usage, int64_t kept) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(static_cast<int64_t>(usage.scores.size())));
  llvm::sort(order, [&](int64_t a, int64_t b) {
    if (usage.scores[a] != usage.scores[b])
      return usage.scores[a] > usage.scores[b];
    return usage.pairs[a] != usage.pairs[b] ? usage.pairs[a] > usage.pairs[b] : a < b;
  });
  SmallVector<int64_t> least(ArrayRef(order).drop_front(kept));
  llvm::sort(least);
  return least;
}

/// Takes the weights of experts that are never chosen away.
static void dropWeights(ExpertsOp experts, ArrayRef<int64_t> leftOut) {
  SmallVector<int64_t> places = placesOf(experts), sources, newPlaces;
  for (auto [expert, place] : llvm::enumerate(places)) {
    if (llvm::is_contained(leftOut, static_cast<int64_t>(expert)) || place < 0) {
      newPlaces.push_back(-1);
      continue;
    }
    // Experts may share a place.
    auto known = llvm::find(sources, place);
    newPlaces.push_back(known - sources.begin());
    if (known == sources.end())
      sources.push_back(place);
  }
  place(experts, sources, newPlaces);
}

namespace {
struct MoEPruneExperts : tamis::moe::impl::MoEPruneExpertsBase<MoEPruneExperts> {
  using MoEPruneExpertsBase::MoEPruneExpertsBase;

  void runOnOperation() override {
    if (!(keep > 0 && keep <= 1) || !(fallback >= 0 && fallback <= 1)) {
      getOperation().emitError(
          "moe-prune-experts keeps a share of the experts above 0 and up to 1, and falls back below a "
          "share of the router's mass from 0 to 1");
      return signalPassFailure();
    }
    getOperation().walk([&](ExpertsOp experts) {
      if (std::optional<ExpertUsage> usage = ExpertUsage::of(experts))
        prune(experts, *usage);
    });
  }

  void prune(ExpertsOp experts, const ExpertUsage &usage) {
    auto remark = [&](const Twine &text) {
      addRemark(getOperation(), getArgument(), "the experts at " + layerName(experts) + " " + text);
    };
    auto route = experts.getIndices().getDefiningOp<RouteOp>();
    int64_t count = experts.getExpertCount();
    if (!route || route.getGroups() > 1 || route.getLeftOut() ||
        cast<RankedTensorType>(route.getLogits().getType()).getShape().back() != count)
      return remark("are not pruned: their router is none that can leave experts out");
    if (fallback == 0 && !canPlace(experts))
      return remark("are not pruned: their weights are not known");
    auto wanted = static_cast<int64_t>(std::ceil(keep * static_cast<double>(count)));
    int64_t kept = std::max(wanted, static_cast<int64_t>(route.getK()));
    if (kept >= count)
      return;
    SmallVector<int64_t> leftOut = leastOf(usage, kept);
    route.setLeftOut(leftOut);
    route.setFallback(APFloat(static_cast<float>(fallback)));
    if (fallback == 0)
      dropWeights(experts, leftOut);
    pruned += static_cast<int64_t>(leftOut.size());
    remark("are pruned: " + Twine(kept) + " of " + Twine(count) + " stay" +
           (fallback == 0 ? "" : ", the others for tokens whose router wants them"));
  }
};
} // namespace
