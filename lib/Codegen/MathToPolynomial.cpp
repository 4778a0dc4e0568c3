//===- MathToPolynomial.cpp - Math without a libm -----------------------------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Approximation.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace tamis {
#define GEN_PASS_DEF_MATHTOPOLYNOMIAL
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;

/// Ops that LLVM turns into instructions of every target; all others would be calls into a libm.
static bool isInstruction(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::FloorOp, math::FmaOp,
             math::RoundEvenOp, math::SqrtOp, math::TruncOp, math::CountLeadingZerosOp, math::CtPopOp,
             math::CountTrailingZerosOp, math::IsFiniteOp, math::IsInfOp, math::IsNaNOp, math::IsNormalOp>(
      op);
}

namespace {
/// f16, bf16 and f64 functions are computed in f32.
struct ComputeInF32 : RewritePattern {
  ComputeInF32(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/10, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (op->getDialect() != rewriter.getContext()->getLoadedDialect<math::MathDialect>() ||
        isInstruction(op) || op->getNumResults() != 1)
      return failure();
    Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
    if (!isa<FloatType>(element) || element.isF32())
      return failure();
    auto withElement = [&](Type of) -> Type {
      auto vector = dyn_cast<VectorType>(of);
      return vector ? Type(vector.clone(rewriter.getF32Type())) : Type(rewriter.getF32Type());
    };
    bool narrow = element.getIntOrFloatBitWidth() < 32;
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (getElementTypeOrSelf(operand.getType()) != element)
        operands.push_back(operand);
      else if (narrow)
        operands.push_back(arith::ExtFOp::create(rewriter, op->getLoc(), withElement(type), operand));
      else
        operands.push_back(arith::TruncFOp::create(rewriter, op->getLoc(), withElement(type), operand));
    }
    OperationState state(op->getLoc(), op->getName(), operands, withElement(type), op->getAttrs());
    Value result = rewriter.create(state)->getResult(0);
    if (narrow)
      rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, result);
    else
      rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, type, result);
    return success();
  }
};

/// f64 to f16 or bf16 goes through f32: a direct conversion is a call into a library.
struct TruncateInSteps : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType(), to = op.getType();
    if (!getElementTypeOrSelf(from).isF64() || getElementTypeOrSelf(to).getIntOrFloatBitWidth() >= 32)
      return failure();
    auto vector = dyn_cast<VectorType>(from);
    Type middle = vector ? Type(vector.clone(rewriter.getF32Type())) : Type(rewriter.getF32Type());
    Value narrow = arith::TruncFOp::create(rewriter, op.getLoc(), middle, op.getIn());
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, to, narrow);
    return success();
  }
};

struct MathToPolynomial : tamis::impl::MathToPolynomialBase<MathToPolynomial> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ComputeInF32, TruncateInSteps>(&getContext());
    math::populateExpansionPatterns(patterns, {"tan", "sinh", "cosh", "asinh", "acosh", "atanh", "powf",
                                               "fpowi", "exp2", "round", "rsqrt"});
    populateMathPolynomialApproximationPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
