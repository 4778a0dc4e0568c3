//===- Precision.cpp - The precisions of products with weights ----------------------------------------===//
#include "tamis/Dialect/NN/Transforms/Precision.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
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

Precision tamis::nn::precisionOf(Operation *layer, Precision common) {
  auto own = layer->getAttrOfType<StringAttr>("tamis.precision");
  return own ? symbolizePrecision(own.getValue()).value_or(common) : common;
}

void tamis::nn::listPrecision(Operation *layer, StringRef precision) {
  constexpr StringLiteral name = "tamis.layer_precisions";
  auto module = layer->getParentOfType<ModuleOp>();
  SmallVector<Attribute> listed;
  if (auto before = module->getAttrOfType<ArrayAttr>(name))
    llvm::append_range(listed, before);
  Builder builder(layer->getContext());
  for (StringRef node : nodeNames(layer->getLoc()))
    listed.push_back(builder.getStrArrayAttr({node, precision}));
  module->setAttr(name, builder.getArrayAttr(listed));
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
