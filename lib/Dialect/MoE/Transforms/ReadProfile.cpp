//===- ReadProfile.cpp - What experts did over many requests -------------------------------------------===//
#include "Usage.h"

#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>

namespace tamis::moe {
#define GEN_PASS_DEF_MOEREADPROFILE
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;
namespace json = llvm::json;

namespace {
struct LayerOfProfile {
  std::string name;
  int64_t experts = 0, slots = 0, tokens = 0;
  std::vector<int64_t> pairs;
  std::vector<double> normSums, weightedNormSums;
  bool isUsed = false;

  /// Whether it is that of an op.
  bool fits(ExpertsOp op) const {
    int64_t k = cast<RankedTensorType>(op.getIndices().getType()).getShape().back();
    return experts == op.getExpertCount() && slots == k;
  }
  ExpertUsage usage() const;
};

/// Found by llvm::json in the namespace of the type.
bool fromJSON(const json::Value &value, LayerOfProfile &layer, json::Path path) {
  json::ObjectMapper map(value, path);
  if (!map || !map.map("name", layer.name) || !map.map("experts", layer.experts) ||
      !map.map("slots", layer.slots) || !map.map("tokens", layer.tokens) || !map.map("pairs", layer.pairs) ||
      !map.map("norm_sum", layer.normSums) || !map.map("weighted_norm_sum", layer.weightedNormSums))
    return false;
  auto count = static_cast<size_t>(layer.experts);
  if (layer.experts < 1 || layer.pairs.size() != count || layer.normSums.size() != count ||
      layer.weightedNormSums.size() != count) {
    path.report("lists are not of the layer's number of experts");
    return false;
  }
  for (size_t e = 0; e < count; ++e)
    if (layer.pairs[e] < 0 || !(layer.normSums[e] >= 0) || !(layer.weightedNormSums[e] >= 0) ||
        !std::isfinite(layer.normSums[e]) || !std::isfinite(layer.weightedNormSums[e])) {
      path.report("a count or sum is negative or no number");
      return false;
    }
  return true;
}
} // namespace

ExpertUsage LayerOfProfile::usage() const {
  ExpertUsage usage;
  usage.tokens = tokens;
  for (auto [count, norms, weighted] : llvm::zip(pairs, normSums, weightedNormSums)) {
    double number = count ? static_cast<double>(count) : 1;
    usage.pairs.push_back(count);
    usage.lengths.push_back(norms / number);
    usage.scores.push_back(weighted / number);
  }
  return usage;
}

namespace {
struct MoEReadProfile : tamis::moe::impl::MoEReadProfileBase<MoEReadProfile> {
  using MoEReadProfileBase::MoEReadProfileBase;

  InFlightDiagnostic fail(const Twine &why) {
    signalPassFailure();
    return getOperation().emitError("the profile ")
           << profile << " " << why << "; make it with 'tamis profile' from the same ONNX file";
  }

  /// Reads the file; reports why it is no profile.
  std::optional<std::vector<LayerOfProfile>> read() {
    auto file = llvm::MemoryBuffer::getFile(profile);
    if (!file) {
      fail("cannot be read (" + file.getError().message() + ")");
      return std::nullopt;
    }
    llvm::Expected<json::Value> parsed = json::parse((*file)->getBuffer());
    if (!parsed) {
      llvm::consumeError(parsed.takeError());
      fail("is no JSON");
      return std::nullopt;
    }
    const json::Object *root = parsed->getAsObject();
    if (!root || root->getString("schema") != "tamis.profile.v1") {
      fail("is no profile of the schema tamis.profile.v1");
      return std::nullopt;
    }
    const json::Object *model = root->getObject("model");
    std::optional<StringRef> hash = model ? model->getString("source_hash") : std::nullopt;
    if (!modelHash.empty() && hash != StringRef(modelHash)) {
      fail("is of a model with the hash " + hash.value_or("?") + ", not of this one, " + modelHash);
      return std::nullopt;
    }
    std::vector<LayerOfProfile> layers;
    json::Path::Root path("profile");
    const json::Value *list = root->get("layers");
    if (!list || !fromJSON(*list, layers, path)) {
      fail("is damaged (" + llvm::toString(path.getError()) + ")");
      return std::nullopt;
    }
    return layers;
  }

  void runOnOperation() override {
    std::optional<std::vector<LayerOfProfile>> known = read();
    if (!known)
      return;
    getOperation().walk([&](ExpertsOp experts) {
      SmallVector<StringRef> names = nn::nodeNames(experts.getLoc());
      auto found = llvm::find_if(*known, [&](const LayerOfProfile &layer) {
        return !layer.isUsed && llvm::is_contained(names, layer.name) && layer.fits(experts);
      });
      if (found == known->end()) {
        addRemark(getOperation(), getArgument(),
                  "the profile knows nothing of the experts at " + layerName(experts));
        return;
      }
      found->isUsed = true;
      found->usage().attachTo(experts);
      ++layers;
    });
    for (const LayerOfProfile &layer : *known)
      if (!layer.isUsed) {
        fail("has a layer '" + layer.name + "' of " + Twine(layer.slots) + " of " + Twine(layer.experts) +
             " experts, which this model has not");
        return;
      }
  }
};
} // namespace
