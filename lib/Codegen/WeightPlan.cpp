//===- WeightPlan.cpp - Recipes and places for the weights that code reads --------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Iterators.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis {
#define GEN_PASS_DEF_WEIGHTPLAN
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

/// Alignment of a weight in its segment: a cache line, and what a kernel's vector loads like.
static constexpr int64_t weightAlignment = 64;

static int64_t bytesOf(RankedTensorType type) {
  return type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// The ops that make `value`, operands first.
static void collectChain(Operation *op, SetVector<Operation *> &chain) {
  for (Value operand : op->getOperands())
    collectChain(operand.getDefiningOp(), chain);
  chain.insert(op);
}

namespace {
struct WeightPlan : tamis::impl::WeightPlanBase<WeightPlan> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    OpBuilder builder(module.getContext());
    llvm::MapVector<Value, weight::RecipeOp> made;
    int64_t offset = 0;
    SmallVector<OpOperand *> uses;
    module.walk([&](Operation *op) {
      if (weight::isWeightOp(op) || weight::isWeightOp(op->getParentOp()))
        return;
      for (OpOperand &operand : op->getOpOperands())
        if (weight::isWeightOp(operand.get().getDefiningOp()))
          uses.push_back(&operand);
    });
    for (OpOperand *use : uses) {
      Value value = use->get();
      weight::RecipeOp &recipe = made[value];
      auto type = cast<RankedTensorType>(value.getType());
      if (!recipe) {
        SetVector<Operation *> chain;
        collectChain(value.getDefiningOp(), chain);
        auto first = cast<weight::LoadOp>(chain.front());
        builder.setInsertionPoint(module.getBody(), module.getBody()->end());
        recipe = weight::RecipeOp::create(builder, value.getLoc(), first.getSource(), type,
                                          builder.getI64IntegerAttr(offset));
        // The source has the name already: the table makes the recipe's unique.
        symbols.insert(recipe);
        builder.createBlock(&recipe.getBody());
        IRMapping mapping;
        for (Operation *op : chain)
          builder.clone(*op, mapping);
        weight::YieldOp::create(builder, value.getLoc(), mapping.lookup(value));
        offset = llvm::alignTo(offset + bytesOf(type), weightAlignment);
        ++recipes;
      }
      builder.setInsertionPointAfter(value.getDefiningOp());
      use->set(weight::GetOp::create(builder, value.getLoc(), type, recipe.getSymName()));
    }
    bytes += offset;
    dropUnused(module);
  }

  void dropUnused(ModuleOp module) {
    SmallVector<Operation *> dead;
    module.walk<WalkOrder::PostOrder, mlir::ReverseIterator>([&](Operation *op) {
      if (weight::isWeightOp(op) && !isa<weight::SourceOp, weight::RecipeOp, weight::YieldOp>(op) &&
          op->use_empty())
        op->erase();
    });
    llvm::DenseSet<StringAttr> named;
    module.walk([&](weight::LoadOp load) { named.insert(load.getSourceAttr().getAttr()); });
    module.walk([&](weight::SourceOp source) {
      if (!named.contains(source.getSymNameAttr()))
        dead.push_back(source);
    });
    for (Operation *op : dead)
      op->erase();
  }
};
} // namespace
