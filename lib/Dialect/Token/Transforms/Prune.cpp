//===- Prune.cpp - Leaves out the tokens that matter least --------------------------------------------===//
#include "RowCut.h"
#include "TokenPolicy.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"

#include <limits>

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
    Value rows = index.getRows(), offsets = index.getOffsets();
    int64_t setting = 0;
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
      if (failed(pruneAt(attentions[point.layer], before, point, setting, index.getOffsets(), rows, offsets)))
        return failure();
      setting += static_cast<int64_t>(point.lengths.size()) + 1;
      ++points;
    }
    if (failed(checkReaders(known)))
      return failure();
    describe(known);
    return success();
  }

  LogicalResult pruneAt(nn::AttentionOp attention, nn::AttentionOp before, const PrunePoint &point,
                        int64_t setting, Value whole, Value &rows, Value &offsets) {
    std::optional<RowCut> cut = cutBefore(attention, rows);
    if (!cut)
      return attention.emitError(
          "the policy leaves tokens out in front of this attention, and no one tensor of rows is "
          "all that goes on there; take its layer out of the policy");
    FailureOr<Value> scores = point.attention ? scoreByAttention(attention, before, point)
                                              : scoreByState(attention, *cut, offsets, point);
    if (failed(scores))
      return failure();
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(point.attention ? cut->after : scores->getDefiningOp());
    Location loc = attention.getLoc();
    auto vector = RankedTensorType::get({ShapedType::kDynamic}, builder.getI64Type());
    auto select = SelectOp::create(builder, loc, vector, offsets.getType(), *scores, offsets, whole, Value(), setting,
                                   point.lengths, point.minimum, point.first, point.last, point.threshold);
    SmallVector<Value> living = cut->besides;
    living.append({cut->state, rows});
    // An order that does not depend on where values are in memory.
    llvm::sort(living,
               [](Value a, Value b) { return a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp()); });
    Operation *last = select;
    for (Value value : living) {
      SmallVector<int64_t> shape(typeOf(value).getShape());
      shape.front() = ShapedType::kDynamic;
      auto kept = GatherOp::create(builder, loc, typeOf(value).clone(shape), value, select.getKept());
      replaceBehind(value, kept, kept);
      last = kept;
      if (value == rows)
        rows = kept;
    }
    replaceBehind(offsets, select.getKeptOffsets(), last);
    offsets = select.getKeptOffsets();
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
  FailureOr<Value> scoreByAttention(nn::AttentionOp attention, nn::AttentionOp before,
                                    const PrunePoint &point) {
    if (!before)
      return attention.emitError("the policy scores tokens in front of layer 0 by the attention of the layer "
                                 "before, which there is not; take a later layer or another rule");
    if (before.getBias() || before.getCausal() || before.getWindow() != 0 || !before.getSoftcap().isZero())
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

  static void replaceBehind(Value before, Value after, Operation *place) {
    Block *block = place->getBlock();
    before.replaceUsesWithIf(after, [&](OpOperand &use) {
      return place->isBeforeInBlock(block->findAncestorOpInBlock(*use.getOwner()));
    });
  }

  /// Ops that read rows by their places must find what they read.
  LogicalResult checkReaders(const TokenPolicy &known) {
    LogicalResult result = success();
    getOperation().walk([&](Operation *op) {
      auto isPruned = [](Value rows) { return isa_and_nonnull<GatherOp>(rows.getDefiningOp()); };
      if (auto first = dyn_cast<FirstOp>(op); first && isPruned(first.getRows())) {
        for (const PrunePoint &point : known.points)
          if (static_cast<int64_t>(first.getPosition()) >= point.first)
            result = first.emitError("the model reads the token at place ")
                     << first.getPosition()
                     << " of each sequence, which the policy does not protect; set 'first' to "
                     << first.getPosition() + 1 << " at least";
      }
      if (auto unpack = dyn_cast<UnpackOp>(op);
          unpack && isPruned(unpack.getRows()) && known.dropped == Dropped::Refuse)
        result = unpack.emitError(
            "an output has a row for each token, also for those that the policy leaves out; set "
            "'dropped' to \"zeros\" if nobody reads those rows, or make a policy that restores them with "
            "'tamis calibrate --restore'");
    });
    return result;
  }

  /// What the artifact says of its settings and steps.
  void describe(const TokenPolicy &known) {
    Builder builder(&getContext());
    SmallVector<Attribute> settings, steps;
    SmallVector<float> dense;
    // Of a score, below which no row is; of a share, all.
    constexpr float lowest = std::numeric_limits<float>::lowest();
    for (auto [i, point] : llvm::enumerate(known.points))
      for (size_t group = 0; group <= point.lengths.size(); ++group) {
        std::string upTo = group < point.lengths.size()
                               ? "up to " + std::to_string(point.lengths[group]) + " tokens"
                           : group ? "longer"
                                   : "all lengths";
        auto name =
            builder.getStringAttr((point.threshold ? "least score" : "share") +
                                  Twine(" kept in front of layer ") + Twine(point.layer) + ", " + upTo);
        dense.push_back(point.threshold ? lowest : 1);
        auto number = [&](StringRef key, float value) {
          return builder.getNamedAttr(key, builder.getF32FloatAttr(value));
        };
        settings.push_back(builder.getDictionaryAttr(
            {builder.getNamedAttr("name", name), number("dense", dense.back()),
             number("min", point.threshold ? lowest : 0), number("max", point.threshold ? -lowest : 1)}));
      }
    auto add = [&](StringRef name, ArrayRef<float> values) {
      steps.push_back(
          builder.getDictionaryAttr({builder.getNamedAttr("name", builder.getStringAttr(name)),
                                     builder.getNamedAttr("values", builder.getDenseF32ArrayAttr(values))}));
    };
    add("dense", dense);
    for (const PolicyStep &step : known.steps) {
      SmallVector<float> values;
      for (const std::vector<double> &shares : step.keep)
        values.append(shares.begin(), shares.end());
      add(step.name, values);
    }
    getOperation()->setAttr(
        "tamis.policy",
        builder.getDictionaryAttr({builder.getNamedAttr("settings", builder.getArrayAttr(settings)),
                                   builder.getNamedAttr("steps", builder.getArrayAttr(steps)),
                                   builder.getNamedAttr("chosen", builder.getI64IntegerAttr(known.chosen))}));
    addRemark(getOperation(), getArgument(),
              "tokens are left out in front of " + Twine(known.points.size()) +
                  " layers, unless the step 'dense' is chosen at run time");
  }
};
} // namespace
