//===- CacheBufferization.cpp - What chooses rows of a cache, on buffers ------------------------===//
#include "AllocatingOpModel.h"

#include "tamis/Dialect/Kernel/IR/KernelCache.h"
#include "tamis/Dialect/Kernel/Transforms/Bufferization.h"
#include "tamis/Dialect/RT/IR/RTDecoding.h"
#include "tamis/Dialect/Token/IR/TokenCache.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace tamis;
using namespace tamis::kernel;

namespace {

/// The operands of such an op, and what all rules have in common.
class CacheRows {
public:
  template <typename Op>
  CacheRows(RewriterBase &rewriter, Op op, const BufferizationOptions &options, BufferizationState &state)
      : rewriter(rewriter), loc(op.getLoc()), build(rewriter, op, options, state), q(build.buffer(op.getQ())),
        k(build.strided(op.getK())), mask(build.buffer(op.getMask())), starts(build.buffer(op.getStarts())) {}

  bool hasFailed() const { return build.hasFailed(); }
  Value dim(Value buffer, int64_t i) { return build.dim(buffer, i); }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(rewriter, loc, value); }
  Value add(Value a, Value b) { return arith::AddIOp::create(rewriter, loc, a, b); }
  Value mul(Value a, Value b) { return arith::MulIOp::create(rewriter, loc, a, b); }

  /// [batch, 3]: kernel.cache_spans.
  Value spans();
  /// A whole number that the run is told, no more than the cache has rows.
  Value setting(int64_t number);
  /// Lists [batch, groups, 1 + most] where a step reads a part, and without room for a row where all are
  /// read.
  Value lists(RankedTensorType type, Value most, Value isPart);
  Value isLess(Value a, Value b) {
    return arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt, a, b);
  }

private:
  RewriterBase &rewriter;
  Location loc;
  BufferBuilder build;

public:
  Value q, k, mask, starts;
};

Value CacheRows::spans() {
  build.checkSame(q, 0, k, 0, "the queries and the cache differ in batch");
  if (mask) {
    build.checkSame(mask, 0, k, 0, "the mask and the cache differ in batch");
    build.checkSame(mask, 1, k, 2, "the mask is not of the size of the keys");
  }
  if (starts) {
    build.checkSame(starts, 0, k, 0, "the lengths and the cache differ in batch");
    starts = build.flat(starts);
  }
  Value spans = build.allocate(RankedTensorType::get({ShapedType::kDynamic, 3}, rewriter.getI64Type()),
                               build.dim(k, 0));
  CacheSpansOp::create(rewriter, loc, k, mask, starts, build.dim(q, 1), spans);
  return spans;
}

Value CacheRows::setting(int64_t number) {
  Value value = rt::SettingOp::create(rewriter, loc, rewriter.getF32Type(), number);
  Value whole = arith::FPToSIOp::create(rewriter, loc, rewriter.getI64Type(), value);
  Value count = arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(), whole);
  return arith::MinSIOp::create(rewriter, loc, count, dim(k, 2));
}

Value CacheRows::lists(RankedTensorType type, Value most, Value isPart) {
  Value isStep = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, dim(q, 1), index(1));
  Value chooses = arith::AndIOp::create(rewriter, loc, isStep, isPart);
  Value some = arith::MinSIOp::create(rewriter, loc, most, dim(k, 2));
  Value room = arith::SelectOp::create(rewriter, loc, chooses, some, index(0));
  SmallVector<Value> sizes;
  if (type.isDynamicDim(0))
    sizes.push_back(dim(k, 0));
  sizes.push_back(add(room, index(1)));
  return build.allocate(type, sizes);
}

struct WindowModel : AllocatingOpModel<WindowModel, token::CacheWindowOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto window = cast<token::CacheWindowOp>(op);
    CacheRows rows(rewriter, window, options, state);
    if (rows.hasFailed())
      return failure();
    auto sinks = static_cast<int64_t>(window.getSinks());
    Value spans = rows.spans(), most = rows.add(rows.setting(window.getSetting()), rows.index(sinks));
    Value kept = rows.lists(cast<RankedTensorType>(window.getKept().getType()), most,
                            rows.isLess(most, rows.dim(rows.k, 2)));
    CacheWindowOp::create(rewriter, op->getLoc(), spans, kept, sinks);
    replaceOpWithBufferizedValues(rewriter, op, kept);
    return success();
  }
};

struct PagesModel : AllocatingOpModel<PagesModel, token::CachePagesOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto pages = cast<token::CachePagesOp>(op);
    Location loc = op->getLoc();
    CacheRows rows(rewriter, pages, options, state);
    if (rows.hasFailed())
      return failure();
    auto type = cast<MemRefType>(rows.k.getType());
    auto page = static_cast<int64_t>(pages.getPage()), sinks = static_cast<int64_t>(pages.getSinks()),
         window = static_cast<int64_t>(pages.getWindow());
    int64_t heads = type.getDimSize(1), depth = type.getDimSize(3);
    Value spans = rows.spans();

    // Room for the pages of all rows that the cache has room for, so that it grows when the cache does.
    Value headStride = memref::ExtractStridedMetadataOp::create(rewriter, loc, rows.k).getStrides()[1];
    Value capacity = arith::DivUIOp::create(rewriter, loc, headStride, rows.index(depth));
    Value room = arith::CeilDivUIOp::create(rewriter, loc, capacity, rows.index(page));
    Value columns = rows.mul(rows.dim(rows.k, 0), rows.index(heads * 2 * depth));
    constexpr int64_t any = ShapedType::kDynamic;
    auto bounds = rt::KeepOp::create(rewriter, loc, MemRefType::get({any, any}, rewriter.getF32Type()),
                                     rewriter.getI1Type(), pages.getMemoryAttr(),
                                     rows.add(room, rows.index(1)), columns);
    CacheBoundsOp::create(rewriter, loc, rows.k, spans, bounds.getMemory(), bounds.getKept(), page);

    // The last rows begin in the midst of a page, and end there.
    int64_t ends = static_cast<int64_t>(llvm::divideCeil(sinks, page)) + (window + page - 2) / page + 1;
    Value count = rows.setting(pages.getSetting());
    Value most = rows.mul(rows.add(count, rows.index(ends)), rows.index(page));
    // What a sequence reads must not depend on others: only a setting of all pages there are reads all.
    Value isPart = rows.isLess(rows.mul(count, rows.index(page)), rows.dim(rows.k, 2));
    Value kept = rows.lists(cast<RankedTensorType>(pages.getKept().getType()), most, isPart);
    CachePagesOp::create(rewriter, loc, rows.q, bounds.getMemory(), spans, count, kept, page, sinks, window,
                         pages.getHeads(), depth, pages.getQColumn());
    replaceOpWithBufferizedValues(rewriter, op, kept);
    return success();
  }
};

/// The memory of a decision: the number of rows that it was made of, the sequences, the room of a list; then
/// the lists.
struct SnapModel : AllocatingOpModel<SnapModel, token::CacheSnapOp> {
  static constexpr int64_t header = 4;

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto snap = cast<token::CacheSnapOp>(op);
    Location loc = op->getLoc();
    CacheRows rows(rewriter, snap, options, state);
    if (rows.hasFailed())
      return failure();
    Value spans = rows.spans(), zero = rows.index(0), one = rows.index(1);
    Value batch = rows.dim(rows.k, 0), total = rows.dim(rows.k, 2), queries = rows.dim(rows.q, 1);
    int64_t heads = cast<MemRefType>(rows.k.getType()).getDimSize(1);
    auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) -> Value {
      return arith::CmpIOp::create(rewriter, loc, predicate, a, b);
    };
    auto all = [&](Value a, Value b) -> Value { return arith::AndIOp::create(rewriter, loc, a, b); };
    auto select = [&](Value condition, Value a, Value b) -> Value {
      return arith::SelectOp::create(rewriter, loc, condition, a, b);
    };
    constexpr int64_t any = ShapedType::kDynamic;
    auto keep = [&](Value count) {
      return rt::KeepOp::create(rewriter, loc, MemRefType::get({any, any}, rewriter.getI64Type()),
                                rewriter.getI1Type(), snap.getMemoryAttr(), count, one);
    };
    rt::KeepOp known = keep(rows.index(header));
    auto read = [&](int64_t i) -> Value {
      Value number =
          memref::LoadOp::create(rewriter, loc, known.getMemory(), ValueRange{rows.index(i), zero});
      return arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(), number);
    };
    Value past = arith::SubIOp::create(rewriter, loc, total, queries), since = read(0), room = read(2);
    Value holds = all(known.getKept(), all(compare(arith::CmpIPredicate::sgt, since, zero),
                                           all(compare(arith::CmpIPredicate::sle, since, past),
                                               compare(arith::CmpIPredicate::eq, read(1), batch))));
    Value capacity = rows.setting(snap.getSetting());
    Value isPart = rows.isLess(capacity, total);
    // A few tokens at a time, as of a search, are no prompt: what one decided must stay.
    auto window = static_cast<int64_t>(snap.getWindow());
    Value least = select(holds, rows.index(std::max<int64_t>(window, 2)), rows.index(2));
    Value decides = all(known.getKept(), all(isPart, compare(arith::CmpIPredicate::sge, queries, least)));
    room = select(decides, capacity, select(holds, room, zero));
    since = select(decides, total, select(holds, since, zero));

    Value memory =
        keep(rows.add(rows.mul(rows.mul(batch, rows.index(heads)), rows.add(room, one)), rows.index(header)))
            .getMemory();
    Value numbers[] = {since, batch, room};
    for (int64_t i = 0; i < 3; ++i)
      memref::StoreOp::create(rewriter, loc,
                              arith::IndexCastOp::create(rewriter, loc, rewriter.getI64Type(), numbers[i]),
                              memory, ValueRange{rows.index(i), zero});
    CacheSnapOp::create(rewriter, loc, rows.q, rows.k, spans, room, decides, memory, window, snap.getPool(),
                        snap.getHeads(), snap.getScale(), snap.getQColumn());
    Value most = rows.add(room, arith::SubIOp::create(rewriter, loc, total, since));
    Value kept = rows.lists(cast<RankedTensorType>(snap.getKept().getType()), most, all(holds, isPart));
    CacheSnapRowsOp::create(rewriter, loc, memory, spans, room, since, kept);
    replaceOpWithBufferizedValues(rewriter, op, kept);
    return success();
  }
};

} // namespace

void kernel::registerCacheBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, token::TokenDialect *) {
    context->loadDialect<KernelDialect, rt::RTDialect, memref::MemRefDialect, arith::ArithDialect>();
    token::CacheWindowOp::attachInterface<WindowModel>(*context);
    token::CachePagesOp::attachInterface<PagesModel>(*context);
    token::CacheSnapOp::attachInterface<SnapModel>(*context);
  });
}
