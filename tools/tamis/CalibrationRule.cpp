//===- CalibrationRule.cpp - By what a calibration chooses tokens ---------------------------===//

#include "CalibrationRule.h"

#include "Calibration.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace tamis::tools {

const std::vector<CalibrationRule> &CalibrationRule::all() {
  static const std::vector<CalibrationRule> rules = {
      {"linear", "linear", "", false},
      {"attention-first", "attention", "first", false},
      {"attention-last", "attention", "last", false},
      {"attention-spread", "attention", "spread", false},
      {"attention-first-values", "attention", "first", true},
      {"attention-last-values", "attention", "last", true},
      {"attention-spread-values", "attention", "spread", true},
      {"random", "random", "", false},
      {"stride", "stride", "", false},
      {"merge", "", "", false},
  };
  return rules;
}

const CalibrationRule &CalibrationRule::named(const std::string &name) {
  return *std::ranges::find(all(), name, &CalibrationRule::name);
}

std::string problemOfRules(const CalibrationOptions &options) {
  if (std::set(options.rules.begin(), options.rules.end()).size() != options.rules.size())
    return "--rule names one twice";
  bool readsAttention = std::ranges::any_of(
      options.rules, [](const std::string &name) { return CalibrationRule::named(name).readsAttention(); });
  if (options.queryCount != 1 && !readsAttention)
    return "--query-count is of the rules attention-*; name one of them with --rule, or do without it";
  for (const std::string &name : options.rules) {
    const CalibrationRule &rule = CalibrationRule::named(name);
    if (rule.readsAttention() && !options.layers.empty() && options.layers.front() == 0)
      return fmt::format(
          "--rule {} scores tokens by the attention of the layer before, and in front of layer 0 "
          "there is none; give --layers from 1 on",
          name);
    if (rule.merges() && options.restoresDropped)
      return "--rule merge leaves no token out, so that --restore has none to put back; do without one of "
             "both";
  }
  return "";
}

} // namespace tamis::tools
