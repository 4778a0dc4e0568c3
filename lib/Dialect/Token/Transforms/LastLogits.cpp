//===- LastLogits.cpp - Logits of the rows that are wanted --------------------------------------------===//
#include "tamis/Dialect/NN/IR/NNDecoding.h"
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace tamis::token {
#define GEN_PASS_DEF_TOKENLASTLOGITS
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A constant that is the same for every row.
static bool isScalar(Value value) {
  RankedTensorType type = typeOf(value);
  return value.getDefiningOp<onnx::ConstantOp>() && type.hasStaticShape() && type.getNumElements() == 1 &&
         type.getRank() <= 1;
}

/// The operand of `op` each row of which alone makes a row of the result; null when there is none.
static Value rowOperand(Operation *op) {
  if (auto linear = dyn_cast<nn::LinearOp>(op))
    return linear.getResidual() ? Value() : linear.getX();
  if (auto linear = dyn_cast<nn::QuantizedLinearOp>(op))
    return linear.getResidual() || !linear.getRange() ? Value() : linear.getX();
  if (auto norm = dyn_cast<nn::RMSNormOp>(op))
    return norm.getX();
  if (auto norm = dyn_cast<nn::LayerNormOp>(op))
    return norm.getX();
  if (isa<onnx::TanhOp, onnx::CastOp>(op))
    return op->getOperand(0);
  if (isa<onnx::QuantizeLinearOp, onnx::DequantizeLinearOp>(op) &&
      llvm::all_of(llvm::drop_begin(op->getOperands()), isScalar))
    return op->getOperand(0);
  if (isa<onnx::MulOp, onnx::DivOp, onnx::AddOp, onnx::SubOp>(op))
    for (unsigned i : {0u, 1u})
      if (isScalar(op->getOperand(1 - i)) && op->getOperand(i).getType() == op->getResult(0).getType())
        return op->getOperand(i);
  return {};
}

namespace {
struct TokenLastLogits : tamis::token::impl::TokenLastLogitsBase<TokenLastLogits> {
  using TokenLastLogitsBase::TokenLastLogitsBase;

  /// The host numbers rows as it does token ids: other ones, as of a model that keeps the last position only,
  /// are not for it to choose.
  static bool hasRowPerToken(func::FuncOp main, DictionaryAttr decoder, Value rows) {
    auto ids = decoder.getAs<IntegerAttr>("ids");
    if (!ids || ids.getInt() < 0)
      return false;
    onnx::SymbolicShapes shapes(main);
    ArrayRef<onnx::Polynomial> tokens = shapes.sizes(main.getArgument(ids.getInt())),
                               sizes = shapes.sizes(rows);
    return tokens.size() == 2 && sizes[0] == tokens[0] && sizes[1] == tokens[1];
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto decoder = module->getAttrOfType<DictionaryAttr>("tamis.decoder");
    auto main = module.lookupSymbol<func::FuncOp>("main");
    int64_t index = decoder ? decoder.getAs<IntegerAttr>("logits").getInt() : -1;
    if (!main || !main.getBody().hasOneBlock() || index < 0)
      return;
    OpOperand *use = &main.getBody().front().getTerminator()->getOpOperand(index);
    OpOperand *last = use; // that reads floats, which rows are cut from
    bool hasProduct = false;
    // Back from the logits, as long as nothing else reads what is on the way.
    while (Operation *op = use->get().getDefiningOp()) {
      Value operand = rowOperand(op);
      RankedTensorType type = typeOf(use->get());
      if (!operand || !use->get().hasOneUse() || type.getRank() < 2 || !type.isDynamicDim(1))
        break;
      hasProduct |= isa<nn::LinearOp, nn::QuantizedLinearOp>(op);
      use = llvm::find_if(op->getOpOperands(), [&](OpOperand &other) { return other.get() == operand; });
      if (isa<FloatType>(typeOf(operand).getElementType()))
        last = use;
    }
    use = last;
    RankedTensorType type = typeOf(use->get());
    if (!hasProduct || type.getRank() < 3 || !type.isDynamicDim(1) ||
        !hasRowPerToken(main, decoder, use->get()))
      return;
    OpBuilder builder(use->getOwner());
    use->set(nn::WantedRowsOp::create(builder, use->getOwner()->getLoc(), type, use->get()));
    NamedAttrList attributes(decoder);
    attributes.set("wanted_rows", builder.getBoolAttr(true));
    module->setAttr("tamis.decoder", attributes.getDictionary(&getContext()));
    ++sliced;
  }
};
} // namespace
