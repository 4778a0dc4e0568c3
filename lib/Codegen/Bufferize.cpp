//===- Bufferize.cpp - Tensors become buffers -----------------------------------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis {
#define GEN_PASS_DEF_RTBUFFERIZE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;

/// An expansion of one dimension to several of unknown sizes, which fusion makes, has no lowering upstream
/// once it is of buffers; a reshape has.
static void reshapeWhereUnknown(tensor::ExpandShapeOp op) {
  RankedTensorType type = op.getResultType();
  bool isKnown = llvm::all_of(op.getReassociationIndices(), [&](const ReassociationIndices &group) {
    return llvm::count_if(group, [&](int64_t dim) { return type.isDynamicDim(dim); }) <= 1;
  });
  if (isKnown)
    return;
  OpBuilder builder(op);
  SmallVector<Value> sizes = getValueOrCreateConstantIndexOp(builder, op.getLoc(), op.getMixedOutputShape());
  auto shape = tensor::FromElementsOp::create(builder, op.getLoc(), sizes);
  op.replaceAllUsesWith(
      tensor::ReshapeOp::create(builder, op.getLoc(), type, op.getSrc(), shape).getResult());
  op.erase();
}

namespace {
struct Bufferize : tamis::impl::RTBufferizeBase<Bufferize> {
  void runOnOperation() override {
    getOperation()->walk(reshapeWhereUnknown);
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    options.bufferAlignment = 64;
    // Recipes are for the artifact's writer, not for code.
    options.opFilter.denyOperation([](Operation *op) { return tamis::weight::isWeightOp(op); });
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options, state)))
      signalPassFailure();
  }
};
} // namespace
