//===- FuseElementwise.cpp - Chains of elementwise ops become one loop --------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace tamis {
#define GEN_PASS_DEF_LINALGFUSEELEMENTWISE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;

/// A product would lose its name with its shape, and only products that are named become kernels.
static bool isProduct(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  return linalgOp && linalg::isaContractionOpInterface(linalgOp);
}

static bool hasOneUser(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  return producer && producer->hasOneUse();
}

/// Whether a reshape may move to the other side of the op that makes what it reads, or reads what it makes.
static bool mayMoveReshape(OpOperand *operand) {
  return hasOneUser(operand) && !isProduct(operand->getOwner()) && !isProduct(operand->get().getDefiningOp());
}

namespace {
struct FuseElementwise : tamis::impl::LinalgFuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateElementwiseOpsFusionPatterns(patterns, hasOneUser);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, mayMoveReshape);
    linalg::populateConstantFoldLinalgOperations(patterns, hasOneUser);
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, context);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    context->getLoadedDialect<linalg::LinalgDialect>()->getCanonicalizationPatterns(patterns);
    // Top down, each op is visited once in most cases.
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns),
                                     GreedyRewriteConfig().setUseTopDownTraversal())))
      signalPassFailure();
  }
};
} // namespace
