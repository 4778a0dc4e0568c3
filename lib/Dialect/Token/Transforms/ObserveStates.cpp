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

/// In front of what ends the work on rows: the first op behind the last attention that makes something else
/// of them.
static Operation *endOfRows(nn::AttentionOp last) {
  for (Operation *op = last->getNextNode(); op; op = op->getNextNode())
    if (isa<nn::MeanPoolOp, UnpackOp, FirstOp>(op) || op->hasTrait<OpTrait::IsTerminator>())
      return op;
  return nullptr;
}

namespace {
struct TokenObserveStates : tamis::token::impl::TokenObserveStatesBase<TokenObserveStates> {
  using TokenObserveStatesBase::TokenObserveStatesBase;

  void runOnOperation() override {
    auto [index, attentions] = layersOnRows(getOperation());
    if (!index || attentions.empty())
      return;
    SmallVector<Operation *> ends(attentions.begin(), attentions.end());
    ends.push_back(endOfRows(attentions.back()));
    for (auto [layer, end] : llvm::enumerate(ends)) {
      std::optional<RowCut> cut = cutBefore(end, index.getRows());
      if (!cut)
        continue;
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfter(cut->after);
      ObserveOp::create(builder, end->getLoc(), cut->state, static_cast<int64_t>(layer));
      ++observed;
    }
  }
};
} // namespace
