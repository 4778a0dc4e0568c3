//===- Usage.cpp - What a profile says of a layer of experts -------------------------------------------===//
#include "Usage.h"

#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"

using namespace mlir;
using namespace tamis::moe;

static constexpr llvm::StringLiteral attributeName = "tamis.usage";

std::optional<ExpertUsage> ExpertUsage::of(ExpertsOp experts) {
  auto attribute = experts->getAttrOfType<DictionaryAttr>(attributeName);
  if (!attribute)
    return std::nullopt;
  auto tokens = attribute.getAs<IntegerAttr>("tokens");
  auto pairs = attribute.getAs<DenseI64ArrayAttr>("pairs");
  auto lengths = attribute.getAs<DenseF64ArrayAttr>("lengths"),
       scores = attribute.getAs<DenseF64ArrayAttr>("scores");
  int64_t count = experts.getExpertCount();
  if (!tokens || !pairs || !lengths || !scores || pairs.size() != count || lengths.size() != count ||
      scores.size() != count)
    return std::nullopt;
  ExpertUsage usage;
  usage.tokens = tokens.getInt();
  usage.pairs.assign(pairs.asArrayRef().begin(), pairs.asArrayRef().end());
  usage.lengths.assign(lengths.asArrayRef().begin(), lengths.asArrayRef().end());
  usage.scores.assign(scores.asArrayRef().begin(), scores.asArrayRef().end());
  return usage;
}

void ExpertUsage::attachTo(ExpertsOp experts) const {
  Builder builder(experts.getContext());
  experts->setAttr(
      attributeName,
      builder.getDictionaryAttr({builder.getNamedAttr("tokens", builder.getI64IntegerAttr(tokens)),
                                 builder.getNamedAttr("pairs", builder.getDenseI64ArrayAttr(pairs)),
                                 builder.getNamedAttr("lengths", builder.getDenseF64ArrayAttr(lengths)),
                                 builder.getNamedAttr("scores", builder.getDenseF64ArrayAttr(scores))}));
}

StringRef tamis::moe::layerName(ExpertsOp experts) {
  SmallVector<StringRef> names = nn::nodeNames(experts.getLoc());
  return names.empty() ? "experts" : names.front();
}
