//===- BF16ToBits.cpp - Numbers of bf16 as integers in LLVM -------------------------------------------===//
#include "BF16ToBits.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace {
/// A constant of bf16 as its bits.
struct BF16ConstantLowering : ConvertOpToLLVMPattern<arith::ConstantOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getType()), i16 = rewriter.getI16Type();
    if (!getElementTypeOrSelf(op.getType()).isBF16())
      return failure();
    TypedAttr bits;
    if (auto number = dyn_cast<FloatAttr>(op.getValue()))
      bits = rewriter.getIntegerAttr(i16, number.getValue().bitcastToAPInt());
    else if (auto dense = dyn_cast<DenseElementsAttr>(op.getValue()); dense && isa<VectorType>(type))
      bits = dense.bitcast(i16);
    else
      return failure();
    rewriter.replaceOpWithNewOp<LLVM::ConstantOp>(op, type, bits);
    return success();
  }
};
} // namespace

void tamis::populateBF16ToBits(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  converter.addConversion([](BFloat16Type type) { return IntegerType::get(type.getContext(), 16); });
  converter.addConversion([&converter](VectorType type) -> std::optional<Type> {
    if (!type.getElementType().isBF16())
      return std::nullopt;
    return converter.convertType(type.clone(IntegerType::get(type.getContext(), 16)));
  });
  auto reinterpret = [](OpBuilder &builder, VectorType type, ValueRange inputs, Location loc) -> Value {
    auto from = inputs.size() == 1 ? dyn_cast<VectorType>(inputs[0].getType()) : VectorType();
    if (!from || from.getShape() != type.getShape() ||
        (!from.getElementType().isBF16() && !type.getElementType().isBF16()))
      return {};
    return LLVM::BitcastOp::create(builder, loc, type, inputs[0]);
  };
  converter.addSourceMaterialization(reinterpret);
  converter.addTargetMaterialization(reinterpret);
  // Before upstream's, which keeps the attribute.
  patterns.add<BF16ConstantLowering>(converter, /*benefit=*/10);
}
