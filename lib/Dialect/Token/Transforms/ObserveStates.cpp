//===- ObserveStates.cpp - Shows the hidden states in front of each layer -----------------------------===//
#include "RowCut.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"

namespace tamis::token {
#define GEN_PASS_DEF_TOKENOBSERVESTATES
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

namespace {
struct TokenObserveStates : tamis::token::impl::TokenObserveStatesBase<TokenObserveStates> {
  using TokenObserveStatesBase::TokenObserveStatesBase;

  void runOnOperation() override {
    auto [index, attentions] = layersOnRows(getOperation());
    if (!index || attentions.empty())
      return;
    for (auto [layer, attention] : llvm::enumerate(attentions))
      observe(cutBefore(attention, index.getRows()), static_cast<int64_t>(layer));
    observe(cutBehindLayers(attentions, index.getRows()), static_cast<int64_t>(attentions.size()));
  }

  void observe(const std::optional<RowCut> &cut, int64_t layer) {
    if (!cut)
      return;
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(cut->after);
    ObserveOp::create(builder, cut->after->getLoc(), cut->state, layer);
    ++observed;
  }
};
} // namespace
