//===- Merge.cpp - Merges tokens that are alike -------------------------------------------------------===//
#include "KeptReaders.h"
#include "PolicySettings.h"
#include "ProtectedRows.h"
#include "RowCut.h"
#include "TokenPolicy.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"

namespace tamis::token {
#define GEN_PASS_DEF_TOKENMERGE
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

namespace {
struct TokenMerge : tamis::token::impl::TokenMergeBase<TokenMerge> {
  using TokenMergeBase::TokenMergeBase;

  void runOnOperation() override {
    if (policy.empty())
      return;
    llvm::Expected<TokenPolicy> known = TokenPolicy::read(policy);
    if (!known) {
      getOperation().emitError() << llvm::toString(known.takeError());
      return signalPassFailure();
    }
    if (!known->merges.empty() && failed(merge(*known)))
      signalPassFailure();
  }

  LogicalResult merge(const TokenPolicy &known) {
    auto [index, attentions] = layersOnRows(getOperation());
    if (!index || attentions.empty())
      return getOperation().emitError(
                 "the policy merges tokens, which needs a model whose padding is removed: ")
             << "'tamis inspect' says why it was kept; or take 'merge' out of the policy";
    FailureOr<Value> flags = protectedRows(index, known);
    if (failed(flags))
      return failure();
    SmallVector<MergeOp> merges;
    for (const MergePoint &point : known.merges) {
      if (point.layer >= static_cast<int64_t>(attentions.size()))
        return getOperation().emitError("the policy merges tokens in layer ")
               << point.layer << ", and the model has " << attentions.size() << "; layers count from 0";
      Value sizes = merges.empty() ? Value() : merges.back().getMergedSizes();
      if (failed(checkBehind(ArrayRef(attentions).drop_front(point.layer + 1))))
        return failure();
      FailureOr<MergeOp> done =
          mergeBehind(attentions[point.layer], index, point, known.settingOf(point), *flags, sizes);
      if (failed(done))
        return failure();
      merges.push_back(*done);
      ++points;
    }
    for (nn::AttentionOp attention : ArrayRef(attentions).drop_front(known.merges.front().layer + 1))
      biasBySizes(attention, merges);
    if (known.pool == Pool::Weighted)
      weighPools(merges);
    if (known.dropped == Dropped::Merged)
      copyMerged(index, merges);
    if (failed(checkKeptReaders(getOperation(), known)))
      return failure();
    describePolicy(getOperation(), known);
    addRemark(getOperation(), getArgument(),
              "tokens are merged in " + Twine(known.merges.size()) +
                  " layers, unless the step 'dense' is chosen at run time");
    return success();
  }

  /// Attentions that would see what a row has of others.
  static LogicalResult checkBehind(ArrayRef<nn::AttentionOp> attentions) {
    for (nn::AttentionOp attention : attentions) {
      if (attention.getCausal())
        return attention.emitError(
            "the policy merges tokens in front of a causal attention, where a row would see "
            "tokens behind it; take 'merge' out of the policy");
      if (attention.getWindow() != 0)
        return attention.emitError(
            "the policy merges tokens in front of an attention with a window, which would "
            "reach farther then; take the layers up to it out of the policy");
    }
    return success();
  }

  FailureOr<MergeOp> mergeBehind(nn::AttentionOp attention, IndexOp index, const MergePoint &point,
                                 int64_t setting, Value flags, Value sizes) {
    Value rows = rowsAt(index.getRows(), attention), offsets = offsetsAt(index, attention);
    std::optional<RowCut> cut = cutBehind(attention, rows);
    if (!cut)
      return attention.emitError(
          "the policy merges tokens behind this attention, and no one tensor of rows is all that goes on "
          "there; take its layer out of the policy");
    OpBuilder builder(&getContext());
    Location loc = attention.getLoc();
    auto vectorOf = [&](Type type) { return RankedTensorType::get({ShapedType::kDynamic}, type); };
    Type numbers = vectorOf(builder.getI64Type()), floats = vectorOf(builder.getF32Type());
    // Here, so that the keys are kept for no longer.
    builder.setInsertionPointAfter(attention);
    auto match = MatchOp::create(
        builder, loc, floats, numbers, vectorOf(builder.getI1Type()), attention.getK(), offsets,
        index.getOffsets(), flags ? rowsAt(flags, attention) : Value(), setting, point.lengths, point.first,
        point.last, attention.getKvHeads(), attention.getHeadDim(), attention.getKColumn());
    builder.setInsertionPointAfter(cut->after == attention ? match : cut->after);
    auto select = SelectOp::create(builder, loc, numbers, offsets.getType(), match.getScores(), offsets,
                                   index.getOffsets(), match.getStays(), setting, point.lengths,
                                   point.minimum, point.first, point.last, /*by_score=*/false);
    auto type = cast<RankedTensorType>(cut->state.getType());
    auto merge = MergeOp::create(
        builder, loc,
        RankedTensorType::get({ShapedType::kDynamic, type.getDimSize(1)}, type.getElementType()), floats,
        numbers, cut->state, sizes, offsets, select.getKept(), select.getKeptOffsets(), match.getPartners());
    replaceBehind(cut->state, merge.getY(), merge);
    SmallVector<Value> living = cut->besides;
    living.push_back(rows);
    gatherKept(select, merge, std::move(living));
    return merge;
  }

  /// The logarithm stands in front of each attention: so the sizes alone go on from layer to layer.
  static void biasBySizes(nn::AttentionOp attention, ArrayRef<MergeOp> merges) {
    OpBuilder builder(attention);
    MergeOp last = *llvm::find_if(llvm::reverse(merges),
                                  [&](MergeOp merge) { return merge->isBeforeInBlock(attention); });
    Value sizes = last.getMergedSizes();
    attention.getKeyBiasMutable().assign(
        onnx::LogOp::create(builder, attention.getLoc(), sizes.getType(), sizes));
  }

  void weighPools(ArrayRef<MergeOp> merges) {
    getOperation().walk([&](nn::MeanPoolOp pool) {
      for (MergeOp merge : merges)
        if (pool.getOffsets() && merge->isBeforeInBlock(pool))
          pool.getWeightsMutable().assign(merge.getMergedSizes());
    });
  }

  /// Outputs with a row for each token have the rows that tokens were merged into.
  void copyMerged(IndexOp index, ArrayRef<MergeOp> merges) {
    getOperation().walk([&](UnpackOp unpack) {
      OpBuilder builder(unpack);
      for (MergeOp merge : llvm::reverse(merges)) {
        if (!merge->isBeforeInBlock(unpack))
          continue;
        auto type = cast<RankedTensorType>(unpack.getX().getType());
        SmallVector<int64_t> shape(type.getShape());
        shape.front() = ShapedType::kDynamic;
        unpack.getXMutable().assign(
            GatherOp::create(builder, unpack.getLoc(), type.clone(shape), unpack.getX(), merge.getInto()));
        unpack.getRowsMutable().assign(index.getRows());
      }
    });
  }
};
} // namespace
