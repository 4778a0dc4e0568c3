//===- NNBufferization.cpp - nn ops become kernel ops -------------------------------------------===//
#include "AllocatingOpModel.h"

#include "tamis/Dialect/Kernel/IR/KernelDialect.h"
#include "tamis/Dialect/Kernel/Transforms/Bufferization.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace tamis;
using namespace tamis::kernel;

namespace {

struct LinearModel : AllocatingOpModel<LinearModel, nn::LinearOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto linear = cast<nn::LinearOp>(op);
    if (cast<RankedTensorType>(linear.getW().getType()).getRank() < 3)
      return op->emitOpError("has a weight that is not packed (nn-pack-weights)");
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(linear.getX()), w = build.buffer(linear.getW()),
          bias = build.buffer(linear.getBias()), residual = build.buffer(linear.getResidual()),
          scale = build.buffer(linear.getScale()), sums = build.buffer(linear.getSums());
    if (build.hasFailed())
      return failure();
    for (int64_t i = 0; residual && i + 1 < cast<MemRefType>(x.getType()).getRank(); ++i)
      build.checkSame(x, i, residual, i, "the sizes to add differ");
    Value out = build.allocateLike(linear.getType(), x);
    LinearOp::create(rewriter, op->getLoc(), build.rows(x), w, bias,
                     residual ? build.rows(residual) : Value(), scale, sums, build.rows(out),
                     linear.getActivationAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct QuantizedLinearModel : AllocatingOpModel<QuantizedLinearModel, nn::QuantizedLinearOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto linear = cast<nn::QuantizedLinearOp>(op);
    if (!linear.getColumnSums() || cast<RankedTensorType>(linear.getW().getType()).getRank() != 4)
      return op->emitOpError("has a weight that is not packed (nn-pack-weights)");
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(linear.getX()), w = build.buffer(linear.getW()),
          scale = build.buffer(linear.getScale()), zeroPoint = build.buffer(linear.getZeroPoint()),
          sums = build.buffer(linear.getColumnSums()), bias = build.buffer(linear.getBias()),
          residual = build.buffer(linear.getResidual()), range = build.buffer(linear.getRange());
    if (build.hasFailed())
      return failure();
    for (int64_t i = 0; residual && i + 1 < cast<MemRefType>(x.getType()).getRank(); ++i)
      build.checkSame(x, i, residual, i, "the sizes to add differ");
    Location loc = op->getLoc();
    if (!range) {
      range = build.allocate(RankedTensorType::get({2}, rewriter.getF32Type()), {});
      DynamicRangeOp::create(rewriter, loc, build.rows(x), range);
    }
    Value out = build.allocateLike(linear.getType(), x);
    QuantizedLinearOp::create(rewriter, loc, build.rows(x), range, w, scale, sums, zeroPoint, bias,
                              residual ? build.rows(residual) : Value(), build.rows(out),
                              linear.getActivationAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct LayerNormModel : AllocatingOpModel<LayerNormModel, nn::LayerNormOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto norm = cast<nn::LayerNormOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(norm.getX()), scale = build.buffer(norm.getScale()),
          bias = build.buffer(norm.getBias());
    if (build.hasFailed())
      return failure();
    Value out = build.allocateLike(norm.getType(), x);
    LayerNormOp::create(rewriter, op->getLoc(), build.rows(x), scale, bias, build.rows(out),
                        norm.getEpsilonAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct RMSNormModel : AllocatingOpModel<RMSNormModel, nn::RMSNormOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto norm = cast<nn::RMSNormOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(norm.getX()), scale = build.buffer(norm.getScale());
    if (build.hasFailed())
      return failure();
    Value out = build.allocateLike(norm.getType(), x);
    RMSNormOp::create(rewriter, op->getLoc(), build.rows(x), scale, build.rows(out), norm.getEpsilonAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct EmbeddingModel : AllocatingOpModel<EmbeddingModel, nn::EmbeddingOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto embedding = cast<nn::EmbeddingOp>(op);
    auto type = cast<RankedTensorType>(embedding.getType());
    BufferBuilder build(rewriter, op, options, state);
    SmallVector<Value> tables, ids, sizes;
    Value whole; // ids of the result's rank, which give its leading sizes
    for (auto [table, id] : llvm::zip(embedding.getTables(), embedding.getIds())) {
      tables.push_back(build.buffer(table));
      ids.push_back(build.buffer(id));
      if (build.hasFailed())
        return failure();
      auto idType = cast<MemRefType>(ids.back().getType());
      bool broadcast = idType.getRank() != type.getRank() - 1 || llvm::is_contained(idType.getShape(), 1);
      if (!whole || (!broadcast && idType.getRank() == type.getRank() - 1))
        whole = ids.back();
    }
    if (cast<MemRefType>(whole.getType()).getRank() != type.getRank() - 1)
      return op->emitOpError("has no ids of the result's rank");
    for (int64_t i = 0; i + 1 < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        sizes.push_back(build.dim(whole, i));
    if (type.isDynamicDim(type.getRank() - 1))
      sizes.push_back(build.dim(tables[0], 1));
    Value out = build.allocate(type, sizes);
    Value rows = build.rows(out), zero = arith::ConstantIndexOp::create(rewriter, op->getLoc(), 0);
    for (Value &id : ids) {
      bool isWhole = id == whole;
      id = build.flat(id);
      if (isWhole)
        continue;
      // Ids of fewer rows are read again and again; the kernel divides by their number.
      Value count = build.dim(id, 0), total = build.dim(rows, 0);
      Value one = arith::ConstantIndexOp::create(rewriter, op->getLoc(), 1);
      Value divisor = arith::MaxUIOp::create(rewriter, op->getLoc(), count, one);
      Value rest = arith::RemUIOp::create(rewriter, op->getLoc(), total, divisor);
      Value fits = arith::CmpIOp::create(rewriter, op->getLoc(), arith::CmpIPredicate::eq, rest, zero);
      Value some = arith::CmpIOp::create(rewriter, op->getLoc(), arith::CmpIPredicate::ne, count, zero);
      Value none = arith::CmpIOp::create(rewriter, op->getLoc(), arith::CmpIPredicate::eq, total, zero);
      some = arith::OrIOp::create(rewriter, op->getLoc(), some, none);
      build.check(arith::AndIOp::create(rewriter, op->getLoc(), fits, some),
                  "the sequence is longer than the model has positions for");
    }
    EmbeddingOp::create(rewriter, op->getLoc(), tables, ids, rows);
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct AttentionModel : AllocatingOpModel<AttentionModel, nn::AttentionOp> {
  static void checkSizes(nn::AttentionOp op, BufferBuilder &build, Value q, Value k, Value v, Value keyMask) {
    if (op.getOffsets()) {
      build.checkSame(q, 0, k, 0, "queries and keys differ in number");
      build.checkSame(k, 0, v, 0, "keys and values differ in number");
      return;
    }
    build.checkSame(q, 0, k, 0, "queries and keys differ in batch");
    // Caches are [batch, heads, rows, size].
    bool cached = cast<MemRefType>(k.getType()).getRank() == 4;
    for (int64_t i = 0; i < 2; ++i) {
      int64_t dim = cached ? 2 * i : i;
      build.checkSame(k, dim, v, dim, "keys and values differ in number");
      if (keyMask)
        build.checkSame(k, dim, keyMask, i, "the mask is not of the size of the keys");
    }
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto attention = cast<nn::AttentionOp>(op);
    if (attention.getEmptyRowBias())
      return op->emitOpError("has a bias of empty rows, which token-remove-padding takes off");
    BufferBuilder build(rewriter, op, options, state);
    bool cached = cast<RankedTensorType>(attention.getK().getType()).getRank() == 4;
    auto rows = [&](Value x) { return cached ? build.strided(x) : build.buffer(x); };
    Value q = build.buffer(attention.getQ()), k = rows(attention.getK()), v = rows(attention.getV()),
          keyMask = build.buffer(attention.getKeyMask()), bias = build.buffer(attention.getBias()),
          offsets = build.buffer(attention.getOffsets()), positions = build.buffer(attention.getPositions()),
          keyBias = build.buffer(attention.getKeyBias()), kept = build.buffer(attention.getKept());
    if (build.hasFailed())
      return failure();
    checkSizes(attention, build, q, k, v, keyMask);
    if (keyBias)
      build.checkSame(k, 0, keyBias, 0, "the bias of keys is not of their number");
    // The last size is static: heads * value_dim.
    auto type = cast<RankedTensorType>(attention.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = attention.getHeads() * attention.getValueDim();
    Value out = build.allocateLike(RankedTensorType::get(shape, type.getElementType()), q);
    AttentionOp::create(rewriter, op->getLoc(), q, k, v, keyMask, bias, offsets, positions, keyBias, kept,
                        out, attention.getHeadsAttr(), attention.getKvHeadsAttr(), attention.getHeadDimAttr(),
                        attention.getValueDimAttr(), attention.getScaleAttr(), attention.getQColumnAttr(),
                        attention.getKColumnAttr(), attention.getVColumnAttr(), attention.getCausalAttr(),
                        attention.getWindowAttr(), attention.getSoftcapAttr(), attention.getPrecisionAttr());
    auto resultType = MemRefType::get(type.getShape(), type.getElementType());
    if (out.getType() != resultType)
      out = memref::CastOp::create(rewriter, op->getLoc(), resultType, out);
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct MeanPoolModel : AllocatingOpModel<MeanPoolModel, nn::MeanPoolOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto pool = cast<nn::MeanPoolOp>(op);
    auto type = cast<RankedTensorType>(pool.getType());
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(pool.getX()), mask = build.buffer(pool.getMask()),
          offsets = build.buffer(pool.getOffsets()), weights = build.buffer(pool.getWeights());
    if (build.hasFailed())
      return failure();
    for (int64_t i = 0; mask && i < 2; ++i)
      build.checkSame(x, i, mask, i, "the mask is not of the size of what is pooled");
    if (weights)
      build.checkSame(x, 0, weights, 0, "the weights are not of the number of rows");
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0)) {
      Value batch = build.dim(mask ? x : offsets, 0);
      if (offsets) {
        Value one = arith::ConstantIndexOp::create(rewriter, op->getLoc(), 1);
        batch = arith::SubIOp::create(rewriter, op->getLoc(), batch, one);
      }
      sizes.push_back(batch);
    }
    if (type.isDynamicDim(1))
      sizes.push_back(build.dim(x, mask ? 2 : 1));
    Value out = build.allocate(type, sizes);
    MeanPoolOp::create(rewriter, op->getLoc(), x, mask, offsets, weights, out, pool.getEpsilonAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

} // namespace

void kernel::registerNNBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    context->loadDialect<KernelDialect, rt::RTDialect, memref::MemRefDialect, arith::ArithDialect>();
    nn::LinearOp::attachInterface<LinearModel>(*context);
    nn::QuantizedLinearOp::attachInterface<QuantizedLinearModel>(*context);
    nn::LayerNormOp::attachInterface<LayerNormModel>(*context);
    nn::RMSNormOp::attachInterface<RMSNormModel>(*context);
    nn::EmbeddingOp::attachInterface<EmbeddingModel>(*context);
    nn::AttentionOp::attachInterface<AttentionModel>(*context);
    nn::MeanPoolOp::attachInterface<MeanPoolModel>(*context);
  });
}
