//===- Prune.cpp - Leaves out the tokens that matter least --------------------------------------------===//
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
#define GEN_PASS_DEF_TOKENPRUNE
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
struct TokenPrune : tamis::token::impl::TokenPruneBase<TokenPrune> {
  using TokenPruneBase::TokenPruneBase;

  void runOnOperation() override {
    if (policy.empty())
      return;
    llvm::Expected<TokenPolicy> known = TokenPolicy::read(policy);
    if (!known) {
      getOperation().emitError() << llvm::toString(known.takeError());
      return signalPassFailure();
    }
    if (known->points.empty())
      return;
    if (failed(prune(*known)))
      signalPassFailure();
  }

  LogicalResult prune(const TokenPolicy &known) {
    auto [index, attentions] = layersOnRows(getOperation());
    if (!index || attentions.empty())
      return getOperation().emitError(
                 "the policy leaves tokens out, which needs a model whose padding is removed: ")
             << "'tamis inspect' says why it was kept; or take 'tokens' out of the policy";
    FailureOr<Value> flags = protectedRows(index, known);
    if (failed(flags))
      return failure();
    for (const PrunePoint &point : known.points) {
      if (point.layer >= static_cast<int64_t>(attentions.size()))
        return getOperation().emitError("the policy leaves tokens out in front of layer ")
               << point.layer << ", and the model has " << attentions.size() << "; layers count from 0";
      // Its distances are those of rows, of which some would be gone.
      for (nn::AttentionOp attention : ArrayRef(attentions).drop_front(point.layer))
        if (attention.getWindow() != 0)
          return attention.emitError(
              "the policy leaves tokens out in front of an attention with a window, which would "
              "reach farther then; take the layers up to it out of the policy");
      nn::AttentionOp before = point.layer ? attentions[point.layer - 1] : nn::AttentionOp();
      if (failed(pruneAt(attentions[point.layer], before, point, known.settingOf(point), index, *flags)))
        return failure();
      ++points;
    }
    if (failed(checkKeptReaders(getOperation(), known)))
      return failure();
    describePolicy(getOperation(), known);
    addRemark(getOperation(), getArgument(),
              "tokens are left out in front of " + Twine(known.points.size()) +
                  " layers, unless the step 'dense' is chosen at run time");
    return success();
  }

  LogicalResult pruneAt(nn::AttentionOp attention, nn::AttentionOp before, const PrunePoint &point,
                        int64_t setting, IndexOp index, Value flags) {
    Value rows = rowsAt(index.getRows(), attention), offsets = offsetsAt(index, attention);
    std::optional<RowCut> cut = cutBefore(attention, rows);
    if (!cut)
      return attention.emitError(
          "the policy leaves tokens out in front of this attention, and no one tensor of rows is "
          "all that goes on there; take its layer out of the policy");
    FailureOr<Value> scores = point.attention ? scoreByAttention(attention, before, offsets, point)
                                              : scoreByState(attention, *cut, offsets, point);
    if (failed(scores))
      return failure();
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(point.attention ? cut->after : scores->getDefiningOp());
    Location loc = attention.getLoc();
    auto vector = RankedTensorType::get({ShapedType::kDynamic}, builder.getI64Type());
    auto select = SelectOp::create(builder, loc, vector, offsets.getType(), *scores, offsets,
                                   index.getOffsets(), flags ? rowsAt(flags, attention) : Value(), setting,
                                   point.lengths, point.minimum, point.first, point.last, point.threshold);
    SmallVector<Value> living = cut->besides;
    living.append({cut->state, rows});
    gatherKept(select, select, std::move(living));
    return success();
  }

  /// [R] f32.
  Type scoresType() { return RankedTensorType::get({ShapedType::kDynamic}, Float32Type::get(&getContext())); }

  FailureOr<Value> scoreByState(nn::AttentionOp attention, const RowCut &cut, Value offsets,
                                const PrunePoint &point) {
    auto width = typeOf(cut.state).getDimSize(1);
    bool isLinear = point.rule == Rule::Linear;
    if (isLinear && static_cast<int64_t>(point.weights.size()) != width)
      return attention.emitError("the policy has ")
             << point.weights.size() << " weights to score tokens by, and the hidden states have " << width
             << " columns; is it that of another model?";
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(cut.after);
    Location loc = attention.getLoc();
    Value weights;
    if (isLinear)
      weights = onnx::ConstantOp::create(
          builder, loc,
          DenseElementsAttr::get(RankedTensorType::get({width}, builder.getF32Type()),
                                 ArrayRef(point.weights)));
    return ScoreOp::create(builder, loc, scoresType(), cut.state, weights, offsets, point.rule, point.seed)
        .getScores();
  }

  /// By the attention `before`, the last one in front of the cut.
  FailureOr<Value> scoreByAttention(nn::AttentionOp attention, nn::AttentionOp before, Value offsets,
                                    const PrunePoint &point) {
    if (!before)
      return attention.emitError("the policy scores tokens in front of layer 0 by the attention of the layer "
                                 "before, which there is not; take a later layer or another rule");
    if (before.getOffsets() != offsets)
      return before.emitError("the policy scores tokens by this attention, behind which it merges them; take "
                              "another layer or the rule linear");
    if (before.getBias() || before.getKeyBias() || before.getCausal() || before.getWindow() != 0 ||
        !before.getSoftcap().isZero())
      return before.emitError(
          "the policy scores tokens by this attention, which adds a bias to its scores or "
          "masks keys inside a sequence; take the rule linear");
    OpBuilder builder(&getContext());
    // Here, so that nothing of the attention is kept for longer.
    builder.setInsertionPointAfter(before);
    const AttentionRule &rule = *point.attention;
    return AttentionScoreOp::create(builder, attention.getLoc(), scoresType(), before.getQ(), before.getK(),
                                    rule.byValues ? before.getV() : Value(), before.getOffsets(),
                                    rule.queries, rule.count, before.getHeads(), before.getKvHeads(),
                                    before.getHeadDim(), before.getValueDim(), before.getScale(),
                                    before.getQColumn(), before.getKColumn(), before.getVColumn())
        .getScores();
  }
};
} // namespace
