//===- OrderExperts.cpp - Weights of experts in the order of their use ---------------------------------===//
#include "Placement.h"
#include "Usage.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis::moe {
#define GEN_PASS_DEF_MOEORDEREXPERTS
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

namespace {
struct MoEOrderExperts : tamis::moe::impl::MoEOrderExpertsBase<MoEOrderExperts> {
  using MoEOrderExpertsBase::MoEOrderExpertsBase;

  void runOnOperation() override {
    getOperation().walk([&](ExpertsOp experts) {
      if (std::optional<ExpertUsage> usage = ExpertUsage::of(experts); usage && canPlace(experts))
        order(experts, *usage);
    });
  }

  void order(ExpertsOp experts, const ExpertUsage &usage) {
    SmallVector<int64_t> places = placesOf(experts);
    // Experts may share a place; its pairs are those of all of them.
    SmallVector<int64_t> pairs(cast<RankedTensorType>(experts.getWIn().getType()).getDimSize(0));
    for (auto [place, count] : llvm::zip(places, usage.pairs))
      if (place >= 0)
        pairs[place] += count;
    SmallVector<int64_t> sources = llvm::to_vector(llvm::seq(static_cast<int64_t>(pairs.size()))),
                         to(pairs.size());
    llvm::sort(sources,
               [&](int64_t a, int64_t b) { return pairs[a] != pairs[b] ? pairs[a] > pairs[b] : a < b; });
    if (llvm::is_sorted(sources))
      return;
    for (auto [at, source] : llvm::enumerate(sources))
      to[source] = static_cast<int64_t>(at);
    for (int64_t &place : places)
      place = place < 0 ? place : to[place];
    place(experts, sources, places);
    ++ordered;
  }
};
} // namespace
