//===- PolicySettings.cpp - What an artifact says of a policy's settings and steps --------------------===//
#include "PolicySettings.h"

#include "mlir/IR/Builders.h"

#include <limits>

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

namespace {
/// Adds up settings and the steps' values for them.
class PolicyDescription {
public:
  PolicyDescription(MLIRContext *context, const TokenPolicy &policy)
      : builder(context), policy(policy), values(policy.steps.size()) {}

  /// The settings of a point, from `dense` on either side; `shares(step)` are a step's values.
  void addPoint(const RowPoint &point, const Twine &what, float dense, float least, float greatest,
                llvm::function_ref<ArrayRef<double>(const PolicyStep &)> shares) {
    for (size_t group = 0; group <= point.lengths.size(); ++group) {
      std::string upTo = group < point.lengths.size()
                             ? "up to " + std::to_string(point.lengths[group]) + " tokens"
                         : group ? "longer"
                                 : "all lengths";
      auto number = [&](StringRef key, float value) {
        return builder.getNamedAttr(key, builder.getF32FloatAttr(value));
      };
      settings.push_back(builder.getDictionaryAttr(
          {builder.getNamedAttr("name", builder.getStringAttr(what + Twine(point.layer) + ", " + upTo)),
           number("dense", dense), number("min", least), number("max", greatest)}));
      denseValues.push_back(dense);
    }
    for (auto [step, known] : llvm::zip_equal(policy.steps, values))
      for (double share : shares(step))
        known.push_back(static_cast<float>(share));
  }

  DictionaryAttr attribute() {
    SmallVector<Attribute> steps;
    auto add = [&](StringRef name, ArrayRef<float> values, ArrayRef<double> skip) {
      SmallVector<NamedAttribute> step = {
          builder.getNamedAttr("name", builder.getStringAttr(name)),
          builder.getNamedAttr("values", builder.getDenseF32ArrayAttr(values))};
      if (!skip.empty())
        step.push_back(builder.getNamedAttr(
            "skip", builder.getDenseF32ArrayAttr(SmallVector<float>(skip.begin(), skip.end()))));
      steps.push_back(builder.getDictionaryAttr(step));
    };
    add("dense", denseValues, {});
    for (auto [step, known] : llvm::zip_equal(policy.steps, values))
      add(step.name, known, step.skip);
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("settings", builder.getArrayAttr(settings)),
         builder.getNamedAttr("steps", builder.getArrayAttr(steps)),
         builder.getNamedAttr("chosen", builder.getI64IntegerAttr(policy.chosen))});
  }

private:
  Builder builder;
  const TokenPolicy &policy;
  SmallVector<Attribute> settings;
  SmallVector<float> denseValues;
  std::vector<SmallVector<float>> values; ///< of each step
};
} // namespace

void tamis::token::describePolicy(ModuleOp module, const TokenPolicy &policy) {
  PolicyDescription description(module.getContext(), policy);
  // Of a score, below which no row is; of a share, all.
  constexpr float lowest = std::numeric_limits<float>::lowest();
  for (auto [i, point] : llvm::enumerate(policy.points)) {
    auto shares = [i = i](const PolicyStep &step) { return ArrayRef(step.keep[i]); };
    if (point.threshold)
      description.addPoint(point, "least score kept in front of layer ", lowest, lowest, -lowest, shares);
    else
      description.addPoint(point, "share kept in front of layer ", 1, 0, 1, shares);
  }
  for (auto [i, point] : llvm::enumerate(policy.merges))
    description.addPoint(point, "share that merging leaves in layer ", 1, 0, 1,
                         [i = i](const PolicyStep &step) { return ArrayRef(step.stay[i]); });
  module->setAttr("tamis.policy", description.attribute());
}
