//===- Precision.cpp - The precisions of products with weights ----------------------------------------===//
#include "tamis/Dialect/NN/Transforms/Precision.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace tamis::nn;

static constexpr llvm::StringLiteral known = "there are f32, split-f32, bf16 and int8";

std::optional<Precision> tamis::nn::symbolizePrecision(StringRef name) {
  return llvm::StringSwitch<std::optional<Precision>>(name)
      .Case("f32", Precision::F32)
      .Case("split-f32", Precision::SplitF32)
      .Case("bf16", Precision::BF16)
      .Case("int8", Precision::Int8)
      .Default(std::nullopt);
}

StringRef tamis::nn::stringifyPrecision(Precision precision) {
  switch (precision) {
  case Precision::F32:
    return "f32";
  case Precision::SplitF32:
    return "split-f32";
  case Precision::BF16:
    return "bf16";
  case Precision::Int8:
    return "int8";
  }
  return "";
}

FailureOr<Precision> tamis::nn::parsePrecision(Operation *op, StringRef name) {
  if (std::optional<Precision> precision = symbolizePrecision(name))
    return *precision;
  return op->emitError("there is no precision '") << name << "'; " << known;
}

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
    return ("there is no precision '" + name + "'; " + known).str();
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
