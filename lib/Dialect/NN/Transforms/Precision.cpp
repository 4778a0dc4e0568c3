//===- Precision.cpp - The precisions of products with weights ----------------------------------------===//
#include "tamis/Dialect/NN/Transforms/Precision.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace tamis::nn;

SmallVector<StringRef> tamis::nn::nodeNames(Location location) {
  SmallVector<StringRef> names;
  location->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part); name && !llvm::is_contained(names, name.getName().getValue()))
      names.push_back(name.getName());
    return WalkResult::advance();
  });
  return names;
}

std::optional<std::string> LayerPrecisions::add(StringRef text) {
  auto [pattern, name] = text.rsplit('=');
  std::optional<Precision> precision = symbolizePrecision(name);
  if (pattern.empty() || pattern == text)
    return ("'" + text + "' is not REGEX=PRECISION").str();
  if (!precision)
    return ("there is no precision '" + name + "'; " + knownPrecisions()).str();
  llvm::Regex regex(pattern);
  std::string error;
  if (!regex.isValid(error))
    return ("'" + pattern + "' is no regular expression: " + error).str();
  entries.push_back({text.str(), std::move(regex), *precision});
  return std::nullopt;
}

std::optional<Precision> LayerPrecisions::of(Operation *layer) {
  std::optional<Precision> found;
  for (Entry &entry : entries)
    if (llvm::any_of(nodeNames(layer->getLoc()), [&](StringRef name) { return entry.regex.match(name); })) {
      entry.isUsed = true;
      found = entry.precision;
    }
  return found;
}

std::optional<std::string> LayerPrecisions::unused() const {
  for (const Entry &entry : entries)
    if (!entry.isUsed)
      return entry.text;
  return std::nullopt;
}
