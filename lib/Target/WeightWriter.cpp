//===- WeightWriter.cpp - Evaluates recipes in a stream ------------------------------------------------===//
#include "tamis/Target/WeightWriter.h"

#include "runtime/src/SegmentHash.h"
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

/// Hands the pieces of the segment to `sink`.
static LogicalResult streamWeights(ModuleOp module, function_ref<LogicalResult(ArrayRef<char>)> sink) {
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

llvm::Expected<uint64_t> tamis::writeWeights(ModuleOp module, AtomicFile &file, uint64_t offset) {
  SegmentHash hash;
  llvm::Error error = llvm::Error::success();
  // Written by large pages: the system then caches the file in such pages, and maps it so.
  SmallVector<char, 0> pending;
  pending.reserve(TAMIS_ARTIFACT_LARGE_PAGE);
  auto flush = [&] {
    error = llvm::joinErrors(std::move(error), file.write(pending, offset));
    offset += pending.size();
    pending.clear();
  };
  LogicalResult done = streamWeights(module, [&](ArrayRef<char> bytes) -> LogicalResult {
    hash.update(bytes.data(), bytes.size());
    while (!bytes.empty() && !error) {
      size_t room = TAMIS_ARTIFACT_LARGE_PAGE - pending.size();
      llvm::append_range(pending, bytes.take_front(room));
      bytes = bytes.drop_front(std::min(room, bytes.size()));
      if (pending.size() == TAMIS_ARTIFACT_LARGE_PAGE)
        flush();
    }
    return failure(static_cast<bool>(error));
  });
  if (!error)
    flush();
  if (error)
    return error;
  if (failed(done))
    return llvm::createStringError(std::errc::io_error, "the weights cannot be read");
  return hash.finish();
}
