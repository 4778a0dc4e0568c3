//===- SkipSettings.cpp - Settings of a run that say which experts are skipped -------------------------===//
#include "SkipSettings.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace tamis::moe;

static constexpr llvm::StringLiteral attributeName = "tamis.policy";

/// A step's own thresholds; null where it has none.
static DenseF32ArrayAttr thresholdsOf(DictionaryAttr step) { return step.getAs<DenseF32ArrayAttr>("skip"); }

SkipSettings::SkipSettings(ModuleOp module, double threshold) : module(module), threshold(threshold) {}

/// That of tokens or caches, or what stands for it where there are only experts.
DictionaryAttr SkipSettings::known() const {
  ModuleOp of = module; // its accessors are not const
  if (auto attribute = of->getAttrOfType<DictionaryAttr>(attributeName))
    return attribute;
  Builder builder(of.getContext());
  auto step = [&](StringRef name) -> Attribute {
    return builder.getDictionaryAttr({builder.getNamedAttr("name", builder.getStringAttr(name)),
                                      builder.getNamedAttr("values", builder.getDenseF32ArrayAttr({}))});
  };
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("settings", builder.getArrayAttr({})),
       builder.getNamedAttr("steps", builder.getArrayAttr({step("dense"), step("skip")})),
       builder.getNamedAttr("chosen", builder.getI64IntegerAttr(1))});
}

LogicalResult SkipSettings::check() const {
  DictionaryAttr attribute = known();
  auto settings = attribute.getAs<ArrayAttr>("settings"), steps = attribute.getAs<ArrayAttr>("steps");
  auto isStep = [&](Attribute each) {
    auto step = dyn_cast<DictionaryAttr>(each);
    return step && step.getAs<StringAttr>("name") && step.getAs<DenseF32ArrayAttr>("values") &&
           step.getAs<DenseF32ArrayAttr>("values").size() == static_cast<int64_t>(settings.size());
  };
  if (settings && steps && llvm::all_of(steps, isStep))
    return success();
  ModuleOp of = module;
  return of.emitError("the attribute '")
         << attributeName << "' has no settings, or no steps with a value for each";
}

bool SkipSettings::skips() const {
  return threshold > 0 ||
         llvm::any_of(known().getAs<ArrayAttr>("steps").getAsRange<DictionaryAttr>(), thresholdsOf);
}

int64_t SkipSettings::add(StringRef layer) {
  layers.push_back(layer.str());
  return static_cast<int64_t>(known().getAs<ArrayAttr>("settings").size() + layers.size()) - 1;
}

LogicalResult SkipSettings::describe() {
  DictionaryAttr attribute = known();
  Builder builder(module.getContext());
  auto number = [&](StringRef key, float value) {
    return builder.getNamedAttr(key, builder.getF32FloatAttr(value));
  };
  SmallVector<Attribute> settings(attribute.getAs<ArrayAttr>("settings").getValue()), steps;
  for (StringRef layer : layers)
    settings.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr(
             "name",
             builder.getStringAttr("share of a token's sum below which its experts are skipped at " + layer)),
         number("dense", 0), number("min", 0), number("max", std::nextafter(1.0F, 0.0F))}));
  for (auto [i, step] : llvm::enumerate(attribute.getAs<ArrayAttr>("steps").getAsRange<DictionaryAttr>())) {
    auto name = step.getAs<StringAttr>("name");
    SmallVector<float> own(layers.size(), i ? static_cast<float>(threshold) : 0);
    if (DenseF32ArrayAttr given = thresholdsOf(step)) {
      if (layers.empty())
        return module.emitError("the step '") << name.getValue()
                                              << "' of the policy skips experts, and no layer of experts has "
                                                 "a profile; give --profile of this model";
      if (given.size() == 1)
        own.assign(layers.size(), given[0]);
      else if (given.size() == static_cast<int64_t>(layers.size()))
        own.assign(given.asArrayRef().begin(), given.asArrayRef().end());
      else
        return module.emitError("the step '")
               << name.getValue() << "' of the policy has " << given.size() << " thresholds in 'skip' for "
               << layers.size() << " layers of experts; give one for each, or one for all";
    }
    SmallVector<float> values(step.getAs<DenseF32ArrayAttr>("values").asArrayRef());
    values.append(own);
    steps.push_back(
        builder.getDictionaryAttr({builder.getNamedAttr("name", name),
                                   builder.getNamedAttr("values", builder.getDenseF32ArrayAttr(values))}));
  }
  // What tells a run nothing is no policy.
  if (layers.empty() && settings.empty())
    return success();
  // What else tokens or caches say stays.
  NamedAttrList whole(attribute);
  whole.set("settings", builder.getArrayAttr(settings));
  whole.set("steps", builder.getArrayAttr(steps));
  module->setAttr(attributeName, whole.getDictionary(module.getContext()));
  return success();
}
