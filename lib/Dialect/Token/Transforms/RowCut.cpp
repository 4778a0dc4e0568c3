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
    if (fromRows && !isa<UnpackOp, FirstOp, nn::MeanPoolOp, ScoreOp, AttentionScoreOp, SelectOp>(op))
      rows.insert_range(op.getResults());
  }
  return rows;
}

bool tamis::token::isPacked(Value value) {
  if (auto gather = value.getDefiningOp<GatherOp>())
    return isPacked(gather.getX());
  return isa<PackOp, PositionsOp>(value.getDefiningOp());
}

std::optional<RowCut> tamis::token::cutBefore(Operation *end, Value rows) {
  Block &block = *end->getBlock();
  DenseSet<Value> ofRows = rowValues(block);
  for (Operation *after = end->getPrevNode(); after && !isa<nn::AttentionOp, IndexOp>(after);
       after = after->getPrevNode()) {
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
    bool isOperand = states == 1 && isa<nn::LinearOp, nn::QuantizedLinearOp>(cut.state.getDefiningOp()) &&
                     llvm::all_of(cut.state.getUsers(), llvm::IsaPred<nn::AttentionOp, AttentionScoreOp>);
    if (states == 1 && !isOperand && typeOf(cut.state).getRank() == 2 &&
        typeOf(cut.state).getElementType().isF32() && !typeOf(cut.state).isDynamicDim(1))
      return cut;
  }
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
