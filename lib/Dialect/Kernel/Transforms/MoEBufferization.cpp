//===- MoEBufferization.cpp - moe ops become kernel ops -----------------------------------------===//
#include "AllocatingOpModel.h"

#include "tamis/Dialect/Kernel/IR/KernelDialect.h"
#include "tamis/Dialect/Kernel/Transforms/Bufferization.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace tamis;
using namespace tamis::kernel;

/// Ends the run when two buffers [..., X] and [..., Y] are not of the same tokens.
static void checkTokens(BufferBuilder &build, Value a, Value b, int64_t leading) {
  for (int64_t i = 0; i < leading; ++i)
    build.checkSame(a, i, b, i, "the router and the experts differ in the number of tokens");
}

namespace {
struct RouteModel : AllocatingOpModel<RouteModel, moe::RouteOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto route = cast<moe::RouteOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value logits = build.buffer(route.getLogits()), bias = build.buffer(route.getBias());
    if (build.hasFailed())
      return failure();
    Value indices = build.allocateLike(route.getIndices().getType(), logits),
          weights = build.allocateLike(route.getWeights().getType(), logits);
    RouteOp::create(rewriter, op->getLoc(), build.rows(logits), bias, build.rows(indices),
                    build.rows(weights), route.getScoreAttr(), route.getTiesAttr(), route.getGroupsAttr(),
                    route.getKeptGroupsAttr(), route.getGroupTopAttr(), route.getGroupFillAttr(),
                    route.getSoftmaxChosenAttr(), route.getNormalizeAttr(), route.getEpsilonAttr(),
                    route.getScaleAttr(), route.getLeftOutAttr(), route.getFallbackAttr(),
                    route.getLimitsWeightsAttr(), route.getMixerThresholdAttr());
    replaceOpWithBufferizedValues(rewriter, op, {indices, weights});
    return success();
  }
};

struct ExpertsModel : AllocatingOpModel<ExpertsModel, moe::ExpertsOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto experts = cast<moe::ExpertsOp>(op);
    for (Value w : {experts.getWIn(), experts.getWOut()})
      if (cast<RankedTensorType>(w.getType()).getRank() < 4)
        return op->emitOpError("has a weight that is not packed (moe-pack-weights)");
    BufferBuilder build(rewriter, op, options, state);
    Value x = build.buffer(experts.getX()), indices = build.buffer(experts.getIndices()),
          weights = build.buffer(experts.getWeights()), wIn = build.buffer(experts.getWIn()),
          bIn = build.buffer(experts.getBIn()), sIn = build.buffer(experts.getSIn()),
          tIn = build.buffer(experts.getTIn()), wOut = build.buffer(experts.getWOut()),
          bOut = build.buffer(experts.getBOut()), sOut = build.buffer(experts.getSOut()),
          tOut = build.buffer(experts.getTOut()), places = build.buffer(experts.getPlaces());
    if (build.hasFailed())
      return failure();
    int64_t leading = cast<MemRefType>(x.getType()).getRank() - 1;
    checkTokens(build, x, indices, leading);
    if (weights)
      checkTokens(build, x, weights, leading);
    Value out = build.allocateLike(experts.getType(), x);
    ExpertsOp::create(rewriter, op->getLoc(), build.rows(x), build.rows(indices),
                      weights ? build.rows(weights) : Value(), wIn, bIn, sIn, tIn, wOut, bOut, sOut, tOut,
                      places, build.rows(out), experts.getSkipsAttr(), experts.getActivationAttr(),
                      experts.getGatedAttr(), experts.getAlphaAttr(), experts.getBetaAttr(),
                      experts.getLimitAttr());
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

struct CombineModel : AllocatingOpModel<CombineModel, moe::CombineOp> {
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto combine = cast<moe::CombineOp>(op);
    auto type = cast<RankedTensorType>(combine.getType());
    BufferBuilder build(rewriter, op, options, state);
    Value y = build.buffer(combine.getY()), weights = build.buffer(combine.getWeights());
    if (build.hasFailed())
      return failure();
    int64_t rank = cast<MemRefType>(y.getType()).getRank();
    checkTokens(build, y, weights, rank - 1);
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (type.isDynamicDim(i))
        sizes.push_back(build.dim(y, i + 1 < type.getRank() ? i : rank - 1));
    Value out = build.allocate(type, sizes);
    CombineOp::create(rewriter, op->getLoc(), build.rows(y), build.rows(weights), build.rows(out));
    replaceOpWithBufferizedValues(rewriter, op, out);
    return success();
  }
};

/// Has no result, so that there is no kernel: the host looks at the buffers as they are.
struct ObserveModel : AllocatingOpModel<ObserveModel, moe::ObserveOp> {
  bool bufferizesToAllocation(Operation *, Value) const { return false; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto observe = cast<moe::ObserveOp>(op);
    BufferBuilder build(rewriter, op, options, state);
    Value indices = build.buffer(observe.getIndices()), weights = build.buffer(observe.getWeights()),
          y = build.buffer(observe.getY()), logits = build.buffer(observe.getLogits());
    if (build.hasFailed())
      return failure();
    int64_t leading = cast<MemRefType>(indices.getType()).getRank() - 1;
    for (Value other : {weights, y, logits})
      if (other)
        checkTokens(build, indices, other, leading);
    rt::ObserveOp::create(rewriter, op->getLoc(), build.rows(indices), build.rows(weights), build.rows(y),
                          logits ? build.rows(logits) : Value(), observe.getExpertsAttr());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void kernel::registerMoEBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, moe::MoEDialect *) {
    context->loadDialect<KernelDialect, rt::RTDialect, memref::MemRefDialect, arith::ArithDialect>();
    moe::RouteOp::attachInterface<RouteModel>(*context);
    moe::ExpertsOp::attachInterface<ExpertsModel>(*context);
    moe::CombineOp::attachInterface<CombineModel>(*context);
    moe::ObserveOp::attachInterface<ObserveModel>(*context);
  });
}
