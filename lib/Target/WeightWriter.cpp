//===- WeightWriter.cpp - Evaluates recipes in a stream ------------------------------------------------===//
#include "tamis/Target/WeightWriter.h"

#include "tamis/Dialect/Weight/Evaluation/Evaluator.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;
using namespace tamis;

static SmallVector<weight::RecipeOp> recipesInOrder(ModuleOp module) {
  SmallVector<weight::RecipeOp> recipes(module.getOps<weight::RecipeOp>());
  llvm::sort(recipes, [](weight::RecipeOp a, weight::RecipeOp b) { return *a.getOffset() < *b.getOffset(); });
  return recipes;
}

WeightLayout tamis::layOutWeights(ModuleOp module) {
  WeightLayout layout;
  for (weight::RecipeOp recipe : recipesInOrder(module)) {
    uint64_t length = weight::bytesOf(cast<RankedTensorType>(recipe.getType()));
    std::string transforms;
    for (Operation &op : recipe.getBody().front())
      if (!isa<weight::LoadOp, weight::YieldOp>(op))
        transforms += (transforms.empty() ? "" : ", ") + op.getName().stripDialect().str();
    layout.weights.push_back(
        {recipe.getSymName().str(), static_cast<uint64_t>(*recipe.getOffset()), length, transforms});
    layout.bytes = *recipe.getOffset() + length;
  }
  return layout;
}

LogicalResult tamis::writeWeights(ModuleOp module, function_ref<LogicalResult(ArrayRef<char>)> sink) {
  SymbolTable symbols(module);
  uint64_t at = 0;
  static constexpr char zeros[4096] = {};
  for (weight::RecipeOp recipe : recipesInOrder(module)) {
    for (uint64_t offset = *recipe.getOffset(); at < offset;) {
      uint64_t count = std::min<uint64_t>(offset - at, sizeof(zeros));
      if (failed(sink(ArrayRef(zeros, count))))
        return failure();
      at += count;
    }
    auto yield = cast<weight::YieldOp>(recipe.getBody().front().getTerminator());
    if (failed(weight::streamBytes(symbols, yield.getResult(), sink)))
      return failure();
    at += weight::bytesOf(cast<RankedTensorType>(recipe.getType()));
  }
  return success();
}
