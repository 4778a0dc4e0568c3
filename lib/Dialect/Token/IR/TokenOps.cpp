//===- TokenOps.cpp - Verifiers and canonicalisers of the token ops -------------------------------===//
#include "tamis/Dialect/Token/IR/TokenDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static bool compatible(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

LogicalResult IndexOp::verify() {
  if (typeOf(getMask()).getRank() != 2 || typeOf(getRows()).getRank() != 1 ||
      typeOf(getOffsets()).getRank() != 1)
    return emitOpError("makes two vectors from a mask of rank 2");
  return success();
}

/// `padded` is [B, S, ...] and `packed` [R, ...] with the same trailing sizes.
static LogicalResult verifyRows(Operation *op, RankedTensorType padded, RankedTensorType packed, Value rows,
                                Value mask) {
  if (typeOf(rows).getRank() != 1 || typeOf(mask).getRank() != 2)
    return op->emitOpError("needs rows of rank 1 and a mask of rank 2");
  if (padded.getRank() < 2 || packed.getRank() != padded.getRank() - 1 ||
      padded.getElementType() != packed.getElementType())
    return op->emitOpError("relates [B, S, ...] and [R, ...] of one element type");
  for (int64_t i = 2; i < padded.getRank(); ++i)
    if (!compatible(padded.getDimSize(i), packed.getDimSize(i - 1)))
      return op->emitOpError("changes the size of dimension ") << i;
  return success();
}

LogicalResult PackOp::verify() {
  return verifyRows(*this, typeOf(getX()), typeOf(getY()), getRows(), getMask());
}

LogicalResult UnpackOp::verify() {
  return verifyRows(*this, typeOf(getY()), typeOf(getX()), getRows(), getMask());
}

LogicalResult FirstOp::verify() {
  if (typeOf(getX()).getRank() < 1 || typeOf(getX()).getRank() != typeOf(getY()).getRank())
    return emitOpError("makes [B, ...] of [R, ...]");
  if (getPosition() < 0)
    return emitOpError("needs a position that is not negative");
  return success();
}

LogicalResult ScoreOp::verify() {
  auto x = typeOf(getX());
  if (typeOf(getScores()).getRank() != 1 || x.getRank() != 2 || typeOf(getOffsets()).getRank() != 1)
    return emitOpError("makes a vector of rows [R, H] and offsets");
  if ((getRule() == Rule::Linear) != bool(getWeights()))
    return emitOpError("has weights for the linear rule, and for no other");
  if (getWeights() && (typeOf(getWeights()).getRank() != 1 ||
                       !compatible(typeOf(getWeights()).getDimSize(0), x.getDimSize(1))))
    return emitOpError("needs a weight for each column of x");
  return success();
}

LogicalResult AttentionScoreOp::verify() {
  if (typeOf(getScores()).getRank() != 1 || typeOf(getOffsets()).getRank() != 1)
    return emitOpError("makes a vector of rows and offsets");
  if (getCount() < 1)
    return emitOpError("asks one row at least");
  if (getHeads() < 1 || getKvHeads() < 1 || getHeads() % getKvHeads() || getHeadDim() < 1 ||
      getValueDim() < 1 || getQColumn() < 0 || getKColumn() < 0 || getVColumn() < 0)
    return emitOpError("needs heads that are a multiple of the key heads, and dimensions above 0");
  auto holds = [](Value rows, int64_t columns) {
    auto type = typeOf(rows);
    return type.getRank() == 2 && (type.isDynamicDim(1) || type.getDimSize(1) >= columns);
  };
  if (!holds(getQ(), getQColumn() + getHeads() * getHeadDim()) ||
      !holds(getK(), getKColumn() + getKvHeads() * getHeadDim()) ||
      (getV() && !holds(getV(), getVColumn() + getKvHeads() * getValueDim())))
    return emitOpError("needs rows that hold the columns of all heads");
  return success();
}

/// Lengths of groups of sequences.
static bool ascends(ArrayRef<int64_t> lengths) {
  int64_t before = 0;
  return llvm::all_of(lengths, [&](int64_t length) { return length > std::exchange(before, length); });
}

LogicalResult SelectOp::verify() {
  if (typeOf(getScores()).getRank() != 1 || typeOf(getOffsets()).getRank() != 1 ||
      typeOf(getKept()).getRank() != 1 || getOffsets().getType() != getKeptOffsets().getType() ||
      getOffsets().getType() != getWhole().getType())
    return emitOpError("makes a vector of rows, and offsets of the type of those it gets");
  if (getSetting() < 0 || getMinimum() < 1 || getFirst() < 0 || getLast() < 0)
    return emitOpError("needs a setting, keeps at least one row, and protects no fewer than none");
  if (getFixed() && typeOf(getFixed()).getRank() != 1)
    return emitOpError("needs a flag for each row where rows are fixed");
  if (!ascends(getLengths()))
    return emitOpError("needs lengths that ascend from 1");
  return success();
}

LogicalResult ProtectOp::verify() {
  if (typeOf(getIds()).getRank() != 1 || typeOf(getFlags()).getRank() != 1)
    return emitOpError("makes a vector from one of ids");
  if (getValues().empty())
    return emitOpError("needs one id at least");
  return success();
}

LogicalResult MatchOp::verify() {
  for (Value vector : {getOffsets(), getWhole(), getScores(), getPartners(), getStays()})
    if (typeOf(vector).getRank() != 1)
      return emitOpError("makes three vectors of keys and offsets");
  if (getFixed() && typeOf(getFixed()).getRank() != 1)
    return emitOpError("needs a flag for each row where rows are fixed");
  auto k = typeOf(getK());
  auto columns = static_cast<int64_t>(getKColumn() + getKvHeads() * getHeadDim());
  if (getKvHeads() < 1 || getHeadDim() < 1 || getKColumn() < 0 || k.getRank() != 2 ||
      (!k.isDynamicDim(1) && columns > k.getDimSize(1)))
    return emitOpError("needs keys of one head at least, and rows that hold them");
  if (getSetting() < 0 || getFirst() < 0 || getLast() < 0)
    return emitOpError("needs a setting, and protects no fewer rows than none");
  if (!ascends(getLengths()))
    return emitOpError("needs lengths that ascend from 1");
  return success();
}

LogicalResult MergeOp::verify() {
  auto x = typeOf(getX()), y = typeOf(getY());
  if (x.getRank() != 2 || y.getRank() != 2 || x.getDimSize(1) != y.getDimSize(1))
    return emitOpError("makes [K, H] of [R, H]");
  for (Value vector :
       {getOffsets(), getKept(), getKeptOffsets(), getPartners(), getMergedSizes(), getInto(), getSizes()})
    if (vector && typeOf(vector).getRank() != 1)
      return emitOpError("has vectors of rows and of offsets beside them");
  return success();
}

LogicalResult GatherOp::verify() {
  auto x = typeOf(getX()), y = typeOf(getY());
  if (x.getRank() < 1 || x.getRank() != y.getRank() || x.getElementType() != y.getElementType() ||
      x.getShape().drop_front() != y.getShape().drop_front())
    return emitOpError("takes rows as they are");
  return success();
}

LogicalResult DroppedOp::verify() {
  if (typeOf(getKept()).getRank() != 1 || typeOf(getRows()).getRank() != 1 ||
      typeOf(getDropped()).getRank() != 1)
    return emitOpError("makes a vector from two");
  return success();
}

LogicalResult RestoreOp::verify() {
  auto y = typeOf(getY()), mapped = typeOf(getMapped()), restored = typeOf(getRestored());
  if (typeOf(getKept()).getRank() != 1 || typeOf(getDropped()).getRank() != 1)
    return emitOpError("needs vectors of the rows that are kept and of those that are dropped");
  for (RankedTensorType part : {y, mapped})
    if (part.getRank() < 1 || part.getRank() != restored.getRank() ||
        part.getElementType() != restored.getElementType() ||
        part.getShape().drop_front() != restored.getShape().drop_front())
      return emitOpError("puts rows of one type together");
  return success();
}

namespace {
/// pack(unpack(x)) is x: the rows and their order are the same.
struct PackOfUnpack : OpRewritePattern<PackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PackOp op, PatternRewriter &rewriter) const override {
    auto unpack = op.getX().getDefiningOp<UnpackOp>();
    if (!unpack || unpack.getRows() != op.getRows() || unpack.getX().getType() != op.getY().getType())
      return failure();
    rewriter.replaceOp(op, unpack.getX());
    return success();
  }
};

/// unpack(pack(x)) is not x (padded places become zeros), but a second pair over it is idle.
struct UnpackOfPackOfUnpack : OpRewritePattern<UnpackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UnpackOp op, PatternRewriter &rewriter) const override {
    auto pack = op.getX().getDefiningOp<PackOp>();
    auto inner = pack ? pack.getX().getDefiningOp<UnpackOp>() : UnpackOp();
    if (!inner || inner.getRows() != op.getRows() || pack.getRows() != op.getRows() ||
        inner.getY().getType() != op.getY().getType())
      return failure();
    rewriter.replaceOp(op, inner.getY());
    return success();
  }
};
} // namespace

void PackOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<PackOfUnpack>(context);
}

void UnpackOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<UnpackOfPackOfUnpack>(context);
}

#define GET_OP_CLASSES
#include "tamis/Dialect/Token/IR/TokenOps.cpp.inc"
