//===- Restore.cpp - Puts rows back where outputs need a row for each token ---------------------------===//
#include "RowCut.h"
#include "TokenPolicy.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis::token {
#define GEN_PASS_DEF_TOKENRESTORE
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// A place where token-prune leaves rows out.
struct PrunedPlace {
  SelectOp select;
  Value states, rows; ///< in front of it
};

/// What stands for the rows that are left out at a place.
struct StandIns {
  Value mapped, dropped;
};

struct TokenRestore : tamis::token::impl::TokenRestoreBase<TokenRestore> {
  using TokenRestoreBase::TokenRestoreBase;

  void runOnOperation() override {
    if (policy.empty())
      return;
    llvm::Expected<TokenPolicy> known = TokenPolicy::read(policy);
    if (!known) {
      getOperation().emitError() << llvm::toString(known.takeError());
      return signalPassFailure();
    }
    if (known->dropped == Dropped::Restore && failed(restore(*known)))
      signalPassFailure();
  }

  LogicalResult restore(const TokenPolicy &known) {
    auto [index, attentions] = layersOnRows(getOperation());
    SmallVector<PrunedPlace> places;
    if (!index || attentions.empty() || failed(findPlaces(index, places)) ||
        places.size() != known.points.size())
      return getOperation().emitError("token-restore puts back what token-prune leaves out; run that pass "
                                      "in front of it, with the same policy");
    std::optional<RowCut> cut =
        cutBehindLayers(attentions, rowsBehind(places.back().select, places.back().rows));
    if (!cut)
      return attentions.back().emitError(
          "the policy restores rows behind this attention, and no one tensor of rows is all that goes on "
          "there; set 'dropped' to \"zeros\" if nobody reads the rows that are left out");
    SmallVector<StandIns> standIns;
    for (auto [place, point] : llvm::zip(places, known.points)) {
      if (failed(mapDropped(place, point, typeOf(cut->state).getDimSize(1), standIns)))
        return failure();
    }
    SmallVector<Operation *> behind;
    for (Operation *op = cut->after->getNextNode(); op; op = op->getNextNode())
      behind.push_back(op);

    // What there is for all rows in the place of what there is for kept ones.
    IRMapping whole;
    Value state = cut->state;
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(cut->after);
    for (auto [place, standIn] : llvm::reverse(llvm::zip(places, standIns)))
      state = RestoreOp::create(builder, cut->after->getLoc(), state.getType(), state, place.select.getKept(),
                                standIn.mapped, standIn.dropped);
    whole.map(cut->state, state);
    for (PrunedPlace &place : places) {
      for (Operation *user : place.select.getKept().getUsers())
        if (auto gather = dyn_cast<GatherOp>(user); gather && gather.getX() != place.states)
          whole.map(gather.getY(), whole.lookupOrDefault(gather.getX()));
      whole.map(place.select.getKeptOffsets(), index.getOffsets());
    }
    return computeWhole(behind, whole, known.pool == Pool::Mapped);
  }

  /// Where rows are left out, in order.
  LogicalResult findPlaces(IndexOp index, SmallVector<PrunedPlace> &places) {
    Value rows = index.getRows();
    for (Operation &op : *index->getBlock()) {
      auto select = dyn_cast<SelectOp>(op);
      if (!select)
        continue;
      places.push_back({select, statesBefore(select), rows});
      rows = rowsBehind(select, rows);
      if (!rows || !places.back().states)
        return failure();
    }
    return success();
  }

  /// The hidden states, which are the one tensor of floats that is cut down and no input.
  static Value statesBefore(SelectOp select) {
    for (Operation *user : select.getKept().getUsers())
      if (auto gather = dyn_cast<GatherOp>(user); gather && typeOf(gather.getX()).getRank() == 2 &&
                                                  typeOf(gather.getX()).getElementType().isF32() &&
                                                  !isPacked(gather.getX()))
        return gather.getX();
    return {};
  }

  static Value rowsBehind(SelectOp select, Value rows) {
    for (Operation *user : rows.getUsers())
      if (auto gather = dyn_cast<GatherOp>(user); gather && gather.getKept() == select.getKept())
        return gather;
    return {};
  }

  /// Maps the rows that are left out at a place to `columns` columns.
  LogicalResult mapDropped(PrunedPlace &place, const PrunePoint &point, int64_t columns,
                           SmallVector<StandIns> &standIns) {
    int64_t width = typeOf(place.states).getDimSize(1);
    const RestoreMap &map = point.restore;
    if (static_cast<int64_t>(map.bias.size()) != columns ||
        static_cast<int64_t>(map.weights.size()) != 2 * width * columns)
      return place.select->emitError("the policy restores rows in front of layer ")
             << point.layer << " by a map of " << map.weights.size() / 2 << " numbers and a bias of "
             << map.bias.size() << ", and the hidden states have " << width << " columns there and "
             << columns << " behind the last layer; is it that of another model?";
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(place.select);
    Location loc = NameLoc::get(builder.getStringAttr("token-restore/layer." + std::to_string(point.layer)));
    auto ofWeights = RankedTensorType::get({width, columns}, builder.getF16Type());
    Value weights =
        weight::CastOp::create(builder, loc, ofWeights.clone(builder.getF32Type()),
                               load(builder, loc, "token_restore.weight",
                                    DenseElementsAttr::getFromRawBuffer(
                                        ofWeights, ArrayRef(map.weights.data(), map.weights.size()))));
    Value bias = load(
        builder, loc, "token_restore.bias",
        DenseElementsAttr::get(RankedTensorType::get({columns}, builder.getF32Type()), ArrayRef(map.bias)));
    Value dropped = DroppedOp::create(builder, loc, place.rows.getType(), place.select.getKept(), place.rows);
    auto rows = [&](int64_t width) {
      return RankedTensorType::get({ShapedType::kDynamic, width}, builder.getF32Type());
    };
    Value states = GatherOp::create(builder, loc, rows(width), place.states, dropped);
    Value mapped = nn::LinearOp::create(builder, loc, rows(columns), states, weights, bias, Value());
    standIns.push_back({mapped, dropped});
    return success();
  }

  Value load(OpBuilder &builder, Location loc, StringRef name, DenseElementsAttr value) {
    auto source =
        weight::SourceOp::create(builder, loc, builder.getStringAttr(name), TypeAttr::get(value.getType()),
                                 StringAttr(), IntegerAttr(), value);
    source->remove();
    StringAttr symbol = SymbolTable(getOperation()).insert(source, getOperation().getBody()->begin());
    return weight::LoadOp::create(builder, loc, value.getType(), FlatSymbolRefAttr::get(symbol));
  }

  /// Builds what leads from the restored rows to outputs of all rows, and erases what led there from kept
  /// ones.
  LogicalResult computeWhole(ArrayRef<Operation *> behind, IRMapping &whole, bool poolsMapped) {
    auto isReader = [&](Operation *op) {
      return isa<UnpackOp>(op) || (poolsMapped && isa<nn::MeanPoolOp>(op));
    };
    DenseSet<Operation *> leads;
    bool hasReader = false;
    for (Operation *op : llvm::reverse(behind))
      if (isReader(op) ||
          (!isa<nn::MeanPoolOp, FirstOp>(op) &&
           llvm::any_of(op->getUsers(), [&](Operation *user) { return leads.contains(user); })))
        leads.insert(op);
    for (Operation *op : behind) {
      if (!leads.contains(op) ||
          llvm::none_of(op->getOperands(), [&](Value operand) { return whole.contains(operand); }))
        continue;
      Operation *copy = OpBuilder(op).clone(*op, whole);
      if (isReader(op)) {
        op->replaceAllUsesWith(copy);
        hasReader = true;
        ++restored;
      }
    }
    for (Operation *op : llvm::reverse(behind))
      if (isOpTriviallyDead(op))
        op->erase();
    return checkOutputs(hasReader);
  }

  LogicalResult checkOutputs(bool hasReader) {
    LogicalResult result = success();
    getOperation().walk([&](UnpackOp unpack) {
      if (unpack.getRows().getDefiningOp<GatherOp>())
        result =
            unpack.emitError("an output has a row for each token of states in front of the last layer, "
                             "which the policy cannot restore; set 'dropped' to \"zeros\" if nobody reads "
                             "the rows that are left out");
    });
    if (succeeded(result) && !hasReader)
      return getOperation().emitError("the policy restores rows, and the model has no output that they would "
                                      "be in; take 'restore' and 'dropped' out of the policy");
    if (succeeded(result))
      addRemark(getOperation(), getArgument(),
                "the rows of tokens that are left out are put back, by maps from the layers where they went");
    return result;
  }
};
} // namespace
