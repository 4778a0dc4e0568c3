//===- ONNXToLinalg.cpp - The pass convert-onnx-to-linalg -----------------------------------------===//
#include "Lowering.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Pass/Pass.h"
#include "tamis/Conversion/Passes.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

namespace tamis {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "tamis/Conversion/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

namespace {

/// Any other op: the same with signless types.
struct ConvertTypes : ConversionPattern {
  ConvertTypes(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/0, context) {}
  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const override {
    if (op->getNumRegions() > 0 || isa<onnx::ONNXDialect>(op->getDialect()))
      return failure();
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return failure();
    Operation *converted =
        Operation::create(op->getLoc(), op->getName(), types, operands, op->getDiscardableAttrDictionary(),
                          op->getPropertiesStorage(), op->getSuccessors(), /*numRegions=*/0);
    rewriter.insert(converted);
    rewriter.replaceOp(op, converted->getResults());
    return success();
  }
};

/// Copies results that are parts of a larger tensor. Bufferisation would return the part with the larger
/// tensor's strides as if it were contiguous.
void copyReturnedSlices(func::ReturnOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    Operation *source = operand.get().getDefiningOp();
    while (isa_and_nonnull<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp>(source))
      source = source->getOperand(0).getDefiningOp();
    if (!isa_and_nonnull<tensor::ExtractSliceOp>(source))
      continue;
    ImplicitLocOpBuilder b(source->getLoc(), op);
    Value init = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), operand.get()),
                                         getElementTypeOrSelf(operand.get().getType()));
    if (init.getType() != operand.get().getType())
      init = tensor::CastOp::create(b, operand.get().getType(), init);
    operand.set(linalg::CopyOp::create(b, operand.get(), init).getResult(0));
  }
}

struct ConvertONNXToLinalg : tamis::impl::ConvertONNXToLinalgBase<ConvertONNXToLinalg> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    LoweringState state;
    module.walk(
        [&](func::FuncOp function) { state.shapes[function] = std::make_unique<SymbolicShapes>(function); });

    TypeConverter converter;
    converter.addConversion([](Type type) { return signless(type); });
    auto materialize = [](OpBuilder &builder, Type type, ValueRange inputs, Location loc) -> Value {
      return UnrealizedConversionCastOp::create(builder, loc, type, inputs).getResult(0);
    };
    converter.addSourceMaterialization(materialize);
    converter.addTargetMaterialization(materialize);

    RewritePatternSet patterns(context);
    LoweringPatterns lowerings(patterns, converter, state);
    addAttentionLowerings(lowerings);
    addContractionLowerings(lowerings);
    addDataMovementLowerings(lowerings);
    addEinsumLowering(lowerings);
    addElementwiseLowerings(lowerings);
    addIndexingLowerings(lowerings);
    addNormalizationLowerings(lowerings);
    addQuantizationLowerings(lowerings);
    addReductionLowerings(lowerings);
    addReshapeLowerings(lowerings);
    addScatterLowerings(lowerings);
    addShapeLowerings(lowerings);
    addTopKLowering(lowerings);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    patterns.add<ConvertTypes>(converter, context);

    ConversionTarget target(*context);
    target.addIllegalDialect<onnx::ONNXDialect>();
    target.addLegalDialect<BuiltinDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp function) {
      return converter.isSignatureLegal(function.getFunctionType()) && converter.isLegal(&function.getBody());
    });
    target.markUnknownOpDynamicallyLegal([&](Operation *op) { return converter.isLegal(op); });
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    module.walk(copyReturnedSlices);
    // Inputs are the caller's: what is updated in place is copied first.
    module.walk([](func::FuncOp function) {
      for (unsigned i = 0; function.isPublic() && i < function.getNumArguments(); ++i)
        if (isa<TensorType>(function.getArgument(i).getType()))
          function.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName,
                              BoolAttr::get(function.getContext(), false));
    });
    lowered = state.lowered;
    checks = state.checks;
    broadcasts = state.broadcasts;
  }
};

} // namespace
