//===- CalibrationRule.h - By what a calibration chooses tokens -----------------------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONRULE_H
#define TAMIS_TOOLS_CALIBRATIONRULE_H

#include <compare>
#include <string>
#include <vector>

namespace tamis::tools {

struct CalibrationOptions;

/// One of --rule: which tokens are left out in front of layers, or that they are merged in these.
struct CalibrationRule {
  std::string name;    // as it is given
  std::string rule;    // of an element of a policy's `prune`; empty: tokens are merged
  std::string queries; // of the rule attention
  bool values = false; // likewise

  bool merges() const { return rule.empty(); }
  bool readsAttention() const { return !queries.empty(); }

  /// All that there are.
  static const std::vector<CalibrationRule> &all();
  /// There must be one of that name.
  static const CalibrationRule &named(const std::string &name);
};

/// An artifact that a calibration makes, and that has a ladder of its own.
struct CalibrationVariant {
  std::string precision, rule;

  auto operator<=>(const CalibrationVariant &) const = default;
};

/// Why these rules cannot be searched with the other options, and what to do; "" if they can.
std::string problemOfRules(const CalibrationOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONRULE_H
