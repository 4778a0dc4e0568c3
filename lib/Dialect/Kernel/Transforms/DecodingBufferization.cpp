//===- DecodingBufferization.cpp - What a decoder keeps, where the host wants it ---------------===//
#include "AllocatingOpModel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"
#include "tamis/Dialect/Kernel/Transforms/Bufferization.h"
#include "tamis/Dialect/NN/IR/NNDecoding.h"
#include "tamis/Dialect/RT/IR/RTDecoding.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace tamis;
using namespace tamis::kernel;

namespace {

/// A cache [batch, heads, rows, size] whose sequence b has its new rows from starts[b] on.
struct Rows {
  RewriterBase &rewriter;
  Location loc;
  Value place, starts;

  Value index(int64_t value) const { return arith::ConstantIndexOp::create(rewriter, loc, value); }
  static Value startOf(OpBuilder &b, Location loc, Value starts, Value sequence) {
    Value start = memref::LoadOp::create(b, loc, starts, sequence);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), start);
  }
  Value zero(OpBuilder &b) const {
    Type element = cast<MemRefType>(place.getType()).getElementType();
    return arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
  }
  /// Calls body(b, at) for each element of [batch, heads, count, size].
  void each(Value count, function_ref<void(OpBuilder &, ValueRange)> body) const {
    auto type = cast<MemRefType>(place.getType());
    Value batch = rewriter.createOrFold<memref::DimOp>(loc, place, 0);
    SmallVector<Value> lower(4, index(0)), steps(4, index(1));
    SmallVector<Value> upper{batch, index(type.getDimSize(1)), count, index(type.getDimSize(3))};
    scf::ParallelOp::create(rewriter, loc, lower, upper, steps,
                            [&](OpBuilder &b, Location, ValueRange at) { body(b, at); });
  }

  /// A sequence must not end behind the cache, or begin before it.
  void check(BufferBuilder &build, Value batch, Value count, Value rows) const {
    auto loop = scf::ForOp::create(rewriter, loc, index(0), batch, index(1));
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(loop.getBody());
    Value start = startOf(rewriter, loc, starts, loop.getInductionVar());
    Value end = arith::AddIOp::create(rewriter, loc, start, count);
    Value begins = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sge, start, index(0));
    Value ends = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sle, end, rows);
    build.check(arith::AndIOp::create(rewriter, loc, begins, ends),
                "the length of a sequence does not fit the past and the new tokens");
  }
  /// The past up to starts[b], zeros behind.
  void copyBefore(Value past) const {
    each(rewriter.createOrFold<memref::DimOp>(loc, past, 2), [&](OpBuilder &b, ValueRange at) {
      Value start = startOf(b, loc, starts, at[0]);
      Value isPast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, at[2], start);
      Value element = memref::LoadOp::create(b, loc, past, at);
      memref::StoreOp::create(b, loc, arith::SelectOp::create(b, loc, isPast, element, zero(b)), place, at);
    });
  }
  /// Zeros in `count` rows from `first` on.
  void clear(Value first, Value count) const {
    each(count, [&](OpBuilder &b, ValueRange at) {
      SmallVector<Value> to(at);
      to[2] = arith::AddIOp::create(b, loc, first, at[2]);
      memref::StoreOp::create(b, loc, zero(b), place, to);
    });
  }
  void copyFrom(Value added) const {
    each(rewriter.createOrFold<memref::DimOp>(loc, added, 2), [&](OpBuilder &b, ValueRange at) {
      SmallVector<Value> to(at);
      to[2] = arith::AddIOp::create(b, loc, startOf(b, loc, starts, at[0]), at[2]);
      memref::StoreOp::create(b, loc, memref::LoadOp::create(b, loc, added, at), place, to);
    });
  }
};

struct KVAppendModel : AllocatingOpModel<KVAppendModel, nn::KVAppendOp> {
  /// The rows from `first` on of each head of a place, as many as `like` has.
  static Value rowsFrom(RewriterBase &rewriter, Location loc, Value place, OpFoldResult first, Value like) {
    SmallVector<OpFoldResult> offsets(4, rewriter.getIndexAttr(0)), strides(4, rewriter.getIndexAttr(1));
    offsets[2] = first;
    return memref::SubViewOp::create(rewriter, loc, place, offsets,
                                     memref::getMixedSizes(rewriter, loc, like), strides);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto append = cast<nn::KVAppendOp>(op);
    Location loc = op->getLoc();
    auto type = cast<RankedTensorType>(append.getRows().getType());
    BufferBuilder build(rewriter, op, options, state);
    Value past = build.buffer(append.getPast()), added = build.buffer(append.getAdded());
    if (build.hasFailed())
      return failure();
    build.checkSame(past, 0, added, 0, "the past and the new rows differ in batch");
    Value before = build.dim(past, 2), extra = build.dim(added, 2);
    Value starts = build.buffer(append.getStarts()), extraRows = build.buffer(append.getExtra());
    if (build.hasFailed())
      return failure();
    if (starts) {
      build.checkSame(starts, 0, added, 0, "the lengths and the new rows differ in batch");
      starts = build.flat(starts);
      extra = arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                         memref::LoadOp::create(rewriter, loc, extraRows, ValueRange{}));
    }
    Value rows = arith::AddIOp::create(rewriter, loc, before, extra);
    constexpr int64_t any = ShapedType::kDynamic;
    int64_t heads = type.getDimSize(1), size = type.getDimSize(3);
    auto layout = StridedLayoutAttr::get(op->getContext(), 0, {any, any, size, 1});
    auto placeType = MemRefType::get({any, heads, any, size}, type.getElementType(), layout);
    Value batch = build.dim(added, 0);
    auto place = rt::CacheOp::create(rewriter, loc, placeType, rewriter.getI1Type(), append.getCacheAttr(),
                                     batch, rows);
    Value yes = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
    Value isMissing = arith::XOrIOp::create(rewriter, loc, place.getKept(), yes);
    if (starts) {
      Rows at{rewriter, loc, place.getPlace(), starts};
      at.check(build, batch, build.dim(added, 2), rows);
      scf::IfOp::create(rewriter, loc, isMissing, [&](OpBuilder &, Location) {
        at.copyBefore(past);
        scf::YieldOp::create(rewriter, loc);
      });
      at.clear(before, extra);
      at.copyFrom(added);
    } else {
      scf::IfOp::create(rewriter, loc, isMissing, [&](OpBuilder &, Location) {
        memref::CopyOp::create(rewriter, loc, past,
                               rowsFrom(rewriter, loc, place.getPlace(), rewriter.getIndexAttr(0), past));
        scf::YieldOp::create(rewriter, loc);
      });
      memref::CopyOp::create(rewriter, loc, added, rowsFrom(rewriter, loc, place.getPlace(), before, added));
    }

    // Where the host keeps the cache, what is returned is no tensor that anything reads.
    auto product = [&](Value a, int64_t b) -> Value {
      return arith::MulIOp::create(rewriter, loc, a, arith::ConstantIndexOp::create(rewriter, loc, b));
    };
    Value headStride = product(rows, size), strideOfBatch = product(headStride, heads);
    SmallVector<OpFoldResult> sizes{batch, rewriter.getIndexAttr(heads), rows, rewriter.getIndexAttr(size)};
    SmallVector<OpFoldResult> strides{strideOfBatch, headStride, rewriter.getIndexAttr(size),
                                      rewriter.getIndexAttr(1)};
    Value present = memref::ReinterpretCastOp::create(
        rewriter, loc, MemRefType::get({any, heads, any, size}, type.getElementType(), layout),
        place.getPlace(), rewriter.getIndexAttr(0), sizes, strides);
    auto cast = [&](Value from, MemRefType to) -> Value {
      return from.getType() == to ? from : memref::CastOp::create(rewriter, loc, to, from);
    };
    present = cast(present, MemRefType::get(type.getShape(), type.getElementType()));
    Value read = cast(place.getPlace(), MemRefType::get(type.getShape(), type.getElementType(), layout));
    replaceOpWithBufferizedValues(rewriter, op, {present, read});
    return success();
  }
};

struct WantedRowsModel : AllocatingOpModel<WantedRowsModel, nn::WantedRowsOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto wanted = cast<nn::WantedRowsOp>(op);
    Location loc = op->getLoc();
    auto type = cast<RankedTensorType>(wanted.getY().getType());
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(wanted.getX());
    if (build.hasFailed())
      return failure();
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0),
          one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    auto rows = rt::WantedRowsOp::create(rewriter, loc, rewriter.getI1Type(),
                                         MemRefType::get({ShapedType::kDynamic}, rewriter.getI64Type()),
                                         build.dim(x, 0));
    Value count = arith::SelectOp::create(rewriter, loc, rows.getSome(), one, build.dim(x, 1));
    SmallVector<Value> sizes, dynamicSizes, lower(type.getRank(), zero), steps(type.getRank(), one);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      sizes.push_back(i == 1 ? count
                      : type.isDynamicDim(i)
                          ? build.dim(x, i)
                          : arith::ConstantIndexOp::create(rewriter, loc, type.getDimSize(i)));
      if (type.isDynamicDim(i))
        dynamicSizes.push_back(sizes.back());
    }
    Value out = build.allocate(type, dynamicSizes);
    scf::ParallelOp::create(
        rewriter, loc, lower, sizes, steps, [&](OpBuilder &b, Location loc, ValueRange at) {
          auto row = scf::IfOp::create(
              b, loc, rows.getSome(),
              [&](OpBuilder &b, Location loc) {
                Value number = memref::LoadOp::create(b, loc, rows.getRows(), at[0]);
                scf::YieldOp::create(b, loc,
                                     Value(arith::IndexCastOp::create(b, loc, b.getIndexType(), number)));
              },
              [&](OpBuilder &b, Location loc) { scf::YieldOp::create(b, loc, at[1]); });
          SmallVector<Value> from(at);
          from[1] = row.getResult(0);
          memref::StoreOp::create(b, loc, memref::LoadOp::create(b, loc, x, from), out, at);
        });
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

} // namespace

void kernel::registerDecodingBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    context->loadDialect<rt::RTDialect, memref::MemRefDialect, arith::ArithDialect, scf::SCFDialect>();
    nn::KVAppendOp::attachInterface<KVAppendModel>(*context);
    nn::WantedRowsOp::attachInterface<WantedRowsModel>(*context);
  });
}
