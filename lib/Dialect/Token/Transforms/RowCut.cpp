//===- RowCut.cpp - Places at which the hidden states are all that goes on ----------------------------===//
#include "RowCut.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

LayersOnRows tamis::token::layersOnRows(ModuleOp module) {
  LayersOnRows found;
  module.walk([&](Operation *op) {
    if (auto attention = dyn_cast<nn::AttentionOp>(op); attention && attention.getOffsets())
      found.attentions.push_back(attention);
    if (auto index = dyn_cast<IndexOp>(op))
      found.index = index;
  });
  return found;
}

/// Values with a row for each token: what is packed, and all that is computed of it until it is a value of
/// sequences again.
static DenseSet<Value> rowValues(Block &block) {
  DenseSet<Value> rows;
  for (Operation &op : block) {
    bool fromRows = isa<PackOp, PositionsOp, GatherOp>(op) ||
                    llvm::any_of(op.getOperands(), [&](Value value) { return rows.contains(value); });
    if (fromRows && !isa<UnpackOp, FirstOp, nn::MeanPoolOp, ScoreOp, AttentionScoreOp, MatchOp, SelectOp>(op))
      rows.insert_range(op.getResults());
  }
  return rows;
}

bool tamis::token::isPacked(Value value) {
  if (auto gather = value.getDefiningOp<GatherOp>())
    return isPacked(gather.getX());
  if (auto merge = value.getDefiningOp<MergeOp>())
    return value != merge.getY();
  return isa<PackOp, PositionsOp, ProtectOp>(value.getDefiningOp());
}

Value tamis::token::rowsAt(Value whole, Operation *place) {
  Value rows = whole;
  for (Operation &op : *place->getBlock()) {
    auto select = dyn_cast<SelectOp>(op);
    if (!select)
      continue;
    if (place->isBeforeInBlock(select))
      break;
    GatherOp kept;
    for (Operation *user : rows.getUsers())
      if (auto gather = dyn_cast<GatherOp>(user); gather && gather.getKept() == select.getKept())
        kept = gather;
    if (!kept) {
      OpBuilder builder(select->getContext());
      builder.setInsertionPointAfter(select);
      SmallVector<int64_t> shape(typeOf(rows).getShape());
      shape.front() = ShapedType::kDynamic;
      kept = GatherOp::create(builder, select.getLoc(), typeOf(rows).clone(shape), rows, select.getKept());
    }
    rows = kept;
  }
  return rows;
}

Value tamis::token::offsetsAt(IndexOp index, Operation *place) {
  Value offsets = index.getOffsets();
  for (Operation *op = index; op && op != place; op = op->getNextNode())
    if (auto select = dyn_cast<SelectOp>(op))
      offsets = select.getKeptOffsets();
  return offsets;
}

/// Says of which group a sequence is.
static bool isOfWholeSequences(OpOperand &use) {
  if (auto select = dyn_cast<SelectOp>(use.getOwner()))
    return &use == &select.getWholeMutable();
  auto match = dyn_cast<MatchOp>(use.getOwner());
  return match && &use == &match.getWholeMutable();
}

void tamis::token::replaceBehind(Value before, Value after, Operation *place) {
  Block *block = place->getBlock();
  before.replaceUsesWithIf(after, [&](OpOperand &use) {
    return !isOfWholeSequences(use) && place->isBeforeInBlock(block->findAncestorOpInBlock(*use.getOwner()));
  });
}

void tamis::token::gatherKept(SelectOp select, Operation *place, SmallVector<Value> living) {
  // An order that does not depend on where values are in memory.
  llvm::sort(living, [](Value a, Value b) { return a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp()); });
  OpBuilder builder(select->getContext());
  builder.setInsertionPointAfter(place);
  for (Value value : living) {
    SmallVector<int64_t> shape(typeOf(value).getShape());
    shape.front() = ShapedType::kDynamic;
    auto kept =
        GatherOp::create(builder, select.getLoc(), typeOf(value).clone(shape), value, select.getKept());
    replaceBehind(value, kept, kept);
    place = kept;
  }
  replaceBehind(select.getOffsets(), select.getKeptOffsets(), place);
}

/// The cut behind `after`, if the hidden states are all that lives on there.
static std::optional<RowCut> cutAt(Operation *after, const DenseSet<Value> &ofRows, Value rows) {
  Block &block = *after->getBlock();
  RowCut cut{after, {}, {}};
  unsigned states = 0;
  for (Value value : ofRows) {
    Operation *owner = value.getDefiningOp();
    bool lives = !after->isBeforeInBlock(owner) && llvm::any_of(value.getUsers(), [&](Operation *user) {
      return after->isBeforeInBlock(block.findAncestorOpInBlock(*user));
    });
    if (!lives || value == rows)
      continue;
    if (isPacked(value)) {
      cut.besides.push_back(value);
      continue;
    }
    cut.state = value;
    ++states;
  }
  // A product that only the attention reads is part of it.
  bool isOperand =
      states == 1 && isa<nn::LinearOp, nn::QuantizedLinearOp>(cut.state.getDefiningOp()) &&
      llvm::all_of(cut.state.getUsers(), llvm::IsaPred<nn::AttentionOp, AttentionScoreOp, MatchOp>);
  if (states == 1 && !isOperand && typeOf(cut.state).getRank() == 2 &&
      typeOf(cut.state).getElementType().isF32() && !typeOf(cut.state).isDynamicDim(1))
    return cut;
  return std::nullopt;
}

std::optional<RowCut> tamis::token::cutBefore(Operation *end, Value rows) {
  DenseSet<Value> ofRows = rowValues(*end->getBlock());
  for (Operation *after = end->getPrevNode(); after && !isa<nn::AttentionOp, IndexOp>(after);
       after = after->getPrevNode()) {
    if (std::optional<RowCut> cut = cutAt(after, ofRows, rows))
      return cut;
    // In front of it there are other rows.
    if (isa<MergeOp>(after))
      break;
  }
  return std::nullopt;
}

std::optional<RowCut> tamis::token::cutBehind(nn::AttentionOp attention, Value rows) {
  DenseSet<Value> ofRows = rowValues(*attention->getBlock());
  Operation *after = attention;
  do {
    if (std::optional<RowCut> cut = cutAt(after, ofRows, rows))
      return cut;
    after = after->getNextNode();
  } while (!isa<nn::AttentionOp>(after) && !after->hasTrait<OpTrait::IsTerminator>());
  return std::nullopt;
}

/// The first op behind the last attention that makes something else of rows.
static Operation *endOfRows(nn::AttentionOp last) {
  for (Operation *op = last->getNextNode(); op; op = op->getNextNode())
    if (isa<nn::MeanPoolOp, UnpackOp, FirstOp>(op) || op->hasTrait<OpTrait::IsTerminator>())
      return op;
  llvm_unreachable("a block of a function has a terminator");
}

std::optional<RowCut> tamis::token::cutBehindLayers(ArrayRef<nn::AttentionOp> attentions, Value rows) {
  std::optional<RowCut> front = cutBefore(attentions.back(), rows),
                        cut = cutBefore(endOfRows(attentions.back()), rows);
  while (front && cut && typeOf(cut->state).getDimSize(1) != typeOf(front->state).getDimSize(1))
    cut = cutBefore(cut->state.getDefiningOp(), rows);
  return cut;
}
