//===- MergeDuplicates.cpp - Experts of the same weights share them ------------------------------------===//
#include "Placement.h"
#include "Usage.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Weight/Evaluation/Evaluator.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SHA256.h"

namespace tamis::moe {
#define GEN_PASS_DEF_MOEMERGEDUPLICATES
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

/// Adds the bytes of each expert's part of a weight [E, ...] to its hash.
static LogicalResult hashExperts(const SymbolTable &symbols, Value w, MutableArrayRef<llvm::SHA256> hashes) {
  uint64_t part = weight::bytesOf(cast<RankedTensorType>(w.getType())) / hashes.size(), at = 0;
  if (part == 0)
    return success();
  return weight::streamBytes(symbols, w, [&](ArrayRef<char> bytes) {
    while (!bytes.empty()) {
      uint64_t here = std::min<uint64_t>(bytes.size(), part - at % part);
      hashes[at / part].update(
          ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), static_cast<size_t>(here)));
      at += here;
      bytes = bytes.drop_front(here);
    }
    return success();
  });
}

namespace {
struct MoEMergeDuplicates : tamis::moe::impl::MoEMergeDuplicatesBase<MoEMergeDuplicates> {
  using MoEMergeDuplicatesBase::MoEMergeDuplicatesBase;

  void runOnOperation() override {
    SmallVector<ExpertsOp> layers;
    getOperation().walk([&](ExpertsOp experts) {
      if (canPlace(experts))
        layers.push_back(experts);
    });
    for (ExpertsOp experts : layers)
      if (failed(merge(experts)))
        return signalPassFailure();
  }

  LogicalResult merge(ExpertsOp experts) {
    OpBuilder builder(experts);
    std::vector<llvm::SHA256> hashes(cast<RankedTensorType>(experts.getWIn().getType()).getDimSize(0));
    SymbolTable symbols(getOperation());
    for (Value w : {experts.getWIn(), experts.getBIn(), experts.getWOut(), experts.getBOut()})
      if (w && failed(hashExperts(symbols, weight::asWeight(builder, w), hashes)))
        return failure();
    llvm::StringMap<int64_t> known;
    SmallVector<int64_t> sources, newPlaces;
    for (auto [at, hash] : llvm::enumerate(hashes)) {
      auto digest = hash.final();
      StringRef key(reinterpret_cast<const char *>(digest.data()), digest.size());
      auto [entry, isNew] = known.try_emplace(key, static_cast<int64_t>(sources.size()));
      if (isNew)
        sources.push_back(static_cast<int64_t>(at));
      newPlaces.push_back(entry->second);
    }
    auto count = static_cast<int64_t>(hashes.size() - sources.size());
    if (count == 0)
      return success();
    SmallVector<int64_t> places = placesOf(experts);
    for (int64_t &place : places)
      place = place < 0 ? place : newPlaces[place];
    addRemark(getOperation(), getArgument(),
              "the experts at " + layerName(experts) + " share weights: " + Twine(sources.size()) + " of " +
                  Twine(hashes.size()) + " differ");
    moe::place(experts, sources, places);
    merged += count;
    return success();
  }
};
} // namespace
