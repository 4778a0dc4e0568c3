//===- RemovePadding.cpp - Computes with the rows of real tokens only ---------------------------------===//
#include "RowRewriter.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"

namespace tamis::token {
#define GEN_PASS_DEF_TOKENREMOVEPADDING
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

/// The ONNX node's name, or the op's.
static std::string nameOf(Operation *op) {
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>(); name && !name.getName().empty())
    return ("node '" + name.getName().getValue() + "'").str();
  return ("a node " + op->getName().getStringRef()).str();
}

/// Rows of padding are computed: where the model gives weights to a row without keys, so does the attention.
static void weighEmptyRows(ModuleOp module) {
  module.walk([](nn::AttentionOp op) {
    if (!op.getEmptyRowBias())
      return;
    op.getBiasMutable().assign(op.getEmptyRowBias());
    op.getKeyMaskMutable().clear();
    op.getEmptyRowBiasMutable().clear();
    op.setCausal(false);
    op.setWindow(0);
  });
}

static void eraseDead(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops)
    if (isOpTriviallyDead(op))
      op->erase();
}

namespace {
struct TokenRemovePadding : tamis::token::impl::TokenRemovePaddingBase<TokenRemovePadding> {
  using TokenRemovePaddingBase::TokenRemovePaddingBase;

  void runOnOperation() override {
    removePadding();
    weighEmptyRows(getOperation());
  }

  void removePadding() {
    ModuleOp module = getOperation();
    if (keepPadding)
      return remark("padding is kept because that was asked for");
    func::FuncOp function;
    SmallVector<nn::AttentionOp> attentions;
    module.walk([&](nn::AttentionOp op) {
      if (op.getOffsets())
        return;
      attentions.push_back(op);
      function = op->getParentOfType<func::FuncOp>();
    });
    if (attentions.empty())
      return remark("padding is kept: the model has no attention with a mask that was recognised");
    BlockArgument mask;
    for (nn::AttentionOp op : attentions) {
      auto own = dyn_cast_or_null<BlockArgument>(op.getKeyMask());
      if (!own)
        return remark("padding is kept: the attention at " + nameOf(op) +
                      " has no mask that is proven to exclude padding");
      if ((mask && own != mask) || op->getParentOfType<func::FuncOp>() != function ||
          own.getOwner() != &function.getBody().front() || op->getBlock() != own.getOwner())
        return remark("padding is kept: the attention at " + nameOf(op) +
                      " has another mask than those before it");
      mask = own;
    }
    removePadding(function, mask);
  }

  void removePadding(func::FuncOp function, BlockArgument mask) {
    bool weights = false; // A mean multiplies by the mask's elements.
    function.walk([&](nn::MeanPoolOp op) { weights |= op.getMask() == mask; });
    auto element = cast<RankedTensorType>(mask.getType()).getElementType();
    bool binary =
        !element.isInteger(1) && (weights || function.getArgAttr(mask.getArgNumber(), "tamis.binary_mask"));
    RowRewriter rewriter(function, mask, binary);
    LogicalResult done = rewriter.run();
    if (succeeded(done))
      rewriter.commit();
    std::string obstacle = rewriter.obstacle ? nameOf(rewriter.obstacle) : "";
    eraseDead(function);
    if (failed(done))
      return remark("padding is kept because of " + obstacle + ": " + rewriter.reason);
    rowwiseOps += rewriter.rowwise;
    packedInputs += rewriter.packed;
    unpackedOutputs += rewriter.unpacked;
    auto name = function.getArgAttrOfType<StringAttr>(mask.getArgNumber(), "onnx.name");
    if (!name)
      name = StringAttr::get(&getContext(), "input " + Twine(mask.getArgNumber()));
    getOperation()->setAttr("tamis.mask_input", name);
    remark("padding is removed by the mask '" + name.getValue() + "': " + Twine(rewriter.rowwise) +
           " operations work on real tokens only");
  }

  void remark(const Twine &text) { addRemark(getOperation(), getArgument(), text); }
};
} // namespace
