//===- TokenBufferization.cpp - token ops become kernel ops --------------------------------------===//
#include "AllocatingOpModel.h"

#include "tamis/Dialect/Kernel/IR/KernelDialect.h"
#include "tamis/Dialect/Kernel/Transforms/Bufferization.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"
#include "tamis/Dialect/Token/IR/TokenDialect.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace tamis;
using namespace tamis::kernel;

namespace {

/// Sizes of [R, ...] or [B, S, ...]: those of `leading`, then those of `x` from dimension `from` on.
SmallVector<Value> joinSizes(BufferBuilder &build, RankedTensorType type, ArrayRef<Value> leading, Value x,
                             int64_t from) {
  SmallVector<Value> sizes;
  int64_t count = leading.size();
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(i < count ? leading[i] : build.dim(x, i - count + from));
  return sizes;
}

/// An element of a vector of i64, as an index.
Value loadIndex(RewriterBase &rewriter, Location loc, Value vector, Value at) {
  Value element = memref::LoadOp::create(rewriter, loc, vector, at);
  return arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(), element);
}

/// The first `count` elements of a vector.
Value firstOf(RewriterBase &rewriter, Location loc, Value vector, Value count) {
  return memref::ReinterpretCastOp::create(
      rewriter, loc, MemRefType::get({ShapedType::kDynamic}, rewriter.getI64Type()), vector,
      /*offset=*/OpFoldResult(rewriter.getIndexAttr(0)), /*sizes=*/ArrayRef<OpFoldResult>{count},
      /*strides=*/ArrayRef<OpFoldResult>{rewriter.getIndexAttr(1)});
}

/// The number of rows is known only after the index was made: the buffer is as large as the padded batch
/// and a view of its first part is used.
struct IndexModel : AllocatingOpModel<IndexModel, token::IndexOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto index = cast<token::IndexOp>(op);
    Location loc = op->getLoc();
    BufferBuilder build(rewriter, op, options, state);
    Value mask = build.buffer(index.getMask());
    if (build.hasFailed())
      return failure();
    Value batch = build.dim(mask, 0), length = build.dim(mask, 1);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value capacity = arith::MulIOp::create(rewriter, loc, batch, length);
    Value boundaries = arith::AddIOp::create(rewriter, loc, batch, one);
    Type vector = RankedTensorType::get({ShapedType::kDynamic}, rewriter.getI64Type());
    Value allRows = build.allocate(vector, capacity), offsets = build.allocate(vector, boundaries);
    TokenIndexOp::create(rewriter, loc, mask, allRows, offsets, index.getBinaryAttr());
    Value count = loadIndex(rewriter, loc, offsets, batch);
    replaceOpWithBufferizedValues(rewriter, op, {firstOf(rewriter, loc, allRows, count), offsets});
    return success();
  }
};

struct PackModel : AllocatingOpModel<PackModel, token::PackOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto pack = cast<token::PackOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(pack.getX()), rows = build.buffer(pack.getRows()),
          mask = build.buffer(pack.getMask());
    if (build.hasFailed())
      return failure();
    build.checkSame(x, 1, mask, 1, "the sequence is longer than the model has positions for");
    if (cast<MemRefType>(x.getType()).getDimSize(0) != 1)
      build.checkSame(x, 0, mask, 0, "the batch is not that of the mask");
    auto type = cast<RankedTensorType>(pack.getType());
    Value out = build.allocate(type, joinSizes(build, type, {build.dim(rows, 0)}, x, 2));
    TokenPackOp::create(rewriter, op->getLoc(), x, rows, out);
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct UnpackModel : AllocatingOpModel<UnpackModel, token::UnpackOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto unpack = cast<token::UnpackOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(unpack.getX()), rows = build.buffer(unpack.getRows()),
          mask = build.buffer(unpack.getMask());
    if (build.hasFailed())
      return failure();
    auto type = cast<RankedTensorType>(unpack.getType());
    Value out = build.allocate(type, joinSizes(build, type, {build.dim(mask, 0), build.dim(mask, 1)}, x, 1));
    TokenUnpackOp::create(rewriter, op->getLoc(), x, rows, out);
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct PositionsModel : AllocatingOpModel<PositionsModel, token::PositionsOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto positions = cast<token::PositionsOp>(op);
    Location loc = op->getLoc();
    BufferBuilder build(rewriter, op, options, state);
    Value rows = build.buffer(positions.getRows()), mask = build.buffer(positions.getMask());
    if (build.hasFailed())
      return failure();
    Value out = build.allocateLike(positions.getType(), rows);
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0),
          one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value length = arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(), build.dim(mask, 1));
    scf::ForOp::create(rewriter, loc, zero, build.dim(rows, 0), one, ValueRange{},
                       [&](OpBuilder &b, Location loc, Value i, ValueRange) {
                         Value row = memref::LoadOp::create(b, loc, rows, i);
                         Value position = arith::RemUIOp::create(b, loc, row, length);
                         memref::StoreOp::create(b, loc, position, out, i);
                         scf::YieldOp::create(b, loc);
                       });
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct FirstModel : AllocatingOpModel<FirstModel, token::FirstOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto first = cast<token::FirstOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(first.getX()), rows = build.buffer(first.getRows()),
          offsets = build.buffer(first.getOffsets()), mask = build.buffer(first.getMask());
    if (build.hasFailed())
      return failure();
    auto type = cast<RankedTensorType>(first.getType());
    Value out = build.allocate(type, joinSizes(build, type, {build.dim(mask, 0)}, x, 1));
    TokenFirstOp::create(rewriter, op->getLoc(), x, rows, offsets, build.dim(mask, 1), out,
                         first.getPositionAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct ScoreModel : AllocatingOpModel<ScoreModel, token::ScoreOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto score = cast<token::ScoreOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(score.getX()), weights = build.buffer(score.getWeights()),
          offsets = build.buffer(score.getOffsets());
    if (build.hasFailed())
      return failure();
    Value out = build.allocateLike(score.getType(), x);
    TokenScoreOp::create(rewriter, op->getLoc(), x, weights, offsets, out, score.getRule(), score.getSeed());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct AttentionScoreModel : AllocatingOpModel<AttentionScoreModel, token::AttentionScoreOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto score = cast<token::AttentionScoreOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value q = build.buffer(score.getQ()), k = build.buffer(score.getK()), v = build.buffer(score.getV()),
          offsets = build.buffer(score.getOffsets());
    if (build.hasFailed())
      return failure();
    Value out = build.allocateLike(score.getType(), q);
    TokenAttentionScoreOp::create(rewriter, op->getLoc(), q, k, v, offsets, out, score.getQueries(),
                                  score.getCount(), score.getHeads(), score.getKvHeads(), score.getHeadDim(),
                                  score.getValueDim(), score.getScale(), score.getQColumn(),
                                  score.getKColumn(), score.getVColumn());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

/// As of token.index: the number of rows is known afterwards.
struct SelectModel : AllocatingOpModel<SelectModel, token::SelectOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto select = cast<token::SelectOp>(op);
    Location loc = op->getLoc();
    BufferBuilder build(rewriter, op, options, state);
    Value scores = build.buffer(select.getScores()), offsets = build.buffer(select.getOffsets()),
          whole = build.buffer(select.getWhole()), flags = build.buffer(select.getFixed());
    if (build.hasFailed())
      return failure();
    Type vector = RankedTensorType::get({ShapedType::kDynamic}, rewriter.getI64Type());
    Value all = build.allocate(vector, build.dim(scores, 0)),
          keptOffsets = build.allocateLike(select.getKeptOffsets().getType(), offsets);
    TokenSelectOp::create(rewriter, loc, scores, offsets, whole, flags, all, keptOffsets, select.getSetting(),
                          select.getLengths(), select.getMinimum(), select.getFirst(), select.getLast(),
                          select.getByScore());
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value last = arith::SubIOp::create(rewriter, loc, build.dim(keptOffsets, 0), one);
    Value count = loadIndex(rewriter, loc, keptOffsets, last);
    replaceOpWithBufferizedValues(rewriter, op, {firstOf(rewriter, loc, all, count), keptOffsets});
    return success();
  }
};

struct ProtectModel : AllocatingOpModel<ProtectModel, token::ProtectOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto protect = cast<token::ProtectOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value ids = build.buffer(protect.getIds());
    if (build.hasFailed())
      return failure();
    Value flags = build.allocateLike(protect.getType(), ids);
    TokenProtectOp::create(rewriter, op->getLoc(), ids, flags, protect.getValues());
    replaceOpWithBufferizedValues(rewriter, op, flags);
    return success();
  }
};

struct MatchModel : AllocatingOpModel<MatchModel, token::MatchOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto match = cast<token::MatchOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value k = build.buffer(match.getK()), offsets = build.buffer(match.getOffsets()),
          whole = build.buffer(match.getWhole()), flags = build.buffer(match.getFixed());
    if (build.hasFailed())
      return failure();
    Value scores = build.allocateLike(match.getScores().getType(), k),
          partners = build.allocateLike(match.getPartners().getType(), k),
          stays = build.allocateLike(match.getStays().getType(), k);
    TokenMatchOp::create(rewriter, op->getLoc(), k, offsets, whole, flags, scores, partners, stays,
                         match.getSetting(), match.getLengths(), match.getFirst(), match.getLast(),
                         match.getKvHeads(), match.getHeadDim(), match.getKColumn());
    replaceOpWithBufferizedValues(rewriter, op, {scores, partners, stays});
    return success();
  }
};

struct MergeModel : AllocatingOpModel<MergeModel, token::MergeOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto merge = cast<token::MergeOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(merge.getX()), sizes = build.buffer(merge.getSizes()),
          offsets = build.buffer(merge.getOffsets()), kept = build.buffer(merge.getKept()),
          keptOffsets = build.buffer(merge.getKeptOffsets()), partners = build.buffer(merge.getPartners());
    if (build.hasFailed())
      return failure();
    auto type = cast<RankedTensorType>(merge.getY().getType());
    Value out = build.allocate(type, joinSizes(build, type, {build.dim(kept, 0)}, x, 1)),
          mergedSizes = build.allocateLike(merge.getMergedSizes().getType(), kept),
          into = build.allocateLike(merge.getInto().getType(), x);
    TokenMergeOp::create(rewriter, op->getLoc(), x, sizes, offsets, kept, keptOffsets, partners, out,
                         mergedSizes, into);
    replaceOpWithBufferizedValues(rewriter, op, {out, mergedSizes, into});
    return success();
  }
};

/// Has no result, so that there is no kernel: the host looks at the buffer as it is.
struct ObserveModel : AllocatingOpModel<ObserveModel, token::ObserveOp> {
  bool bufferizesToAllocation(Operation *, Value) const { return false; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto observe = cast<token::ObserveOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(observe.getX());
    if (build.hasFailed())
      return failure();
    rt::ObserveStatesOp::create(rewriter, op->getLoc(), build.rows(x), observe.getLayer());
    rewriter.eraseOp(op);
    return success();
  }
};

struct GatherModel : AllocatingOpModel<GatherModel, token::GatherOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto gather = cast<token::GatherOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(gather.getX()), kept = build.buffer(gather.getKept());
    if (build.hasFailed())
      return failure();
    auto type = cast<RankedTensorType>(gather.getType());
    Value out = build.allocate(type, joinSizes(build, type, {build.dim(kept, 0)}, x, 1));
    TokenGatherOp::create(rewriter, op->getLoc(), x, kept, out);
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

/// As of token.index, but it is known beforehand how many rows there will be.
struct DroppedModel : AllocatingOpModel<DroppedModel, token::DroppedOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto dropped = cast<token::DroppedOp>(op);
    Location loc = op->getLoc();
    BufferBuilder build(rewriter, op, options, state);
    Value kept = build.buffer(dropped.getKept()), rows = build.buffer(dropped.getRows());
    if (build.hasFailed())
      return failure();
    Type vector = RankedTensorType::get({ShapedType::kDynamic}, rewriter.getI64Type());
    Value whole = build.dim(rows, 0), all = build.allocate(vector, whole);
    TokenDroppedOp::create(rewriter, loc, kept, all);
    Value count = arith::SubIOp::create(rewriter, loc, whole, build.dim(kept, 0));
    replaceOpWithBufferizedValues(rewriter, op, firstOf(rewriter, loc, all, count));
    return success();
  }
};

struct RestoreModel : AllocatingOpModel<RestoreModel, token::RestoreOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto restore = cast<token::RestoreOp>(op);
    Location loc = op->getLoc();
    BufferBuilder build(rewriter, op, options, state);
    Value y = build.buffer(restore.getY()), kept = build.buffer(restore.getKept()),
          mapped = build.buffer(restore.getMapped()), dropped = build.buffer(restore.getDropped());
    if (build.hasFailed())
      return failure();
    auto type = cast<RankedTensorType>(restore.getType());
    Value rows = arith::AddIOp::create(rewriter, loc, build.dim(kept, 0), build.dim(dropped, 0));
    Value out = build.allocate(type, joinSizes(build, type, {rows}, y, 1));
    TokenRestoreOp::create(rewriter, loc, y, kept, mapped, dropped, out);
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

} // namespace

void kernel::registerTokenBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, token::TokenDialect *) {
    context->loadDialect<KernelDialect, rt::RTDialect, memref::MemRefDialect, arith::ArithDialect,
                         scf::SCFDialect>();
    token::IndexOp::attachInterface<IndexModel>(*context);
    token::PackOp::attachInterface<PackModel>(*context);
    token::UnpackOp::attachInterface<UnpackModel>(*context);
    token::PositionsOp::attachInterface<PositionsModel>(*context);
    token::FirstOp::attachInterface<FirstModel>(*context);
    token::ScoreOp::attachInterface<ScoreModel>(*context);
    token::AttentionScoreOp::attachInterface<AttentionScoreModel>(*context);
    token::SelectOp::attachInterface<SelectModel>(*context);
    token::ProtectOp::attachInterface<ProtectModel>(*context);
    token::MatchOp::attachInterface<MatchModel>(*context);
    token::MergeOp::attachInterface<MergeModel>(*context);
    token::GatherOp::attachInterface<GatherModel>(*context);
    token::DroppedOp::attachInterface<DroppedModel>(*context);
    token::RestoreOp::attachInterface<RestoreModel>(*context);
    token::ObserveOp::attachInterface<ObserveModel>(*context);
  });
}
