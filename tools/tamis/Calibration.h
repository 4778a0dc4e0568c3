//===- Calibration.h - Which tokens may be left out, and how surely -------------------===//
#ifndef TAMIS_TOOLS_CALIBRATION_H
#define TAMIS_TOOLS_CALIBRATION_H

#include "CalibrationReport.h"
#include "CalibrationRule.h"
#include "Losses.h"
#include "tamis/Calibration/Certificate.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tamis::tools {

struct CalibrationOptions {
  std::string model, requests, output; // paths
  std::string report;                  // path; empty: none is made
  std::string labels;                  // path; empty: there are none
  std::string metric;                  // "accuracy", "none"; empty: accuracy, if labels say what is right
  std::vector<std::string> precisions{"f32"}; // among which the fastest is chosen
  /// Names of the outputs that losses are measured on: two for spans, starts and ends. Empty: the two of rank
  /// 2 for spans, that of the fewest dimensions otherwise.
  std::vector<std::string> measured;
  Loss loss = Loss::Cosine;
  std::string lossName = "cosine";
  calibration::Promise promise{0.1, 0.05, 0.05};
  std::string cacheRule; // of a decoder: what chooses rows of its caches; empty: tokens are left out
  std::optional<int64_t> denseLayers;       // that read all rows; none: as many as the rule has by default
  int64_t continuation = 32;                // tokens of a text that are given one by one; of cacheRule alone
  std::vector<std::string> rules{"linear"}; // by which tokens are chosen; the fastest is taken
  int64_t queryCount = 1;                   // rows of a sequence whose attention rules by attention add up
  std::vector<int64_t> layers{0};
  std::string profile; // of experts, path; empty: none is skipped
  /// Shares of a token's sum below which its experts are skipped, of which one is taken. Ascending.
  std::vector<float> skips{0, 0.05F, 0.1F, 0.2F};
  int64_t groups = 3; // of lengths, at most
  int64_t minimum = 8, first = 1, last = 1;
  bool zerosForDropped = false, restoresDropped = false;
  std::string pool = "kept"; // what means run over where dropped tokens are restored: kept or mapped
  double budget = 0;         // seconds that the search may take; 0: as long as it takes
  uint64_t seed = 1;
  int32_t threads = 0;

  bool skipsExperts() const { return !profile.empty(); }

  /// All that are tried: each rule at each precision.
  std::vector<CalibrationVariant> variants() const {
    std::vector<CalibrationVariant> all;
    for (const std::string &precision : precisions)
      for (const std::string &rule : rules)
        all.push_back({precision, rule});
    return all;
  }

  /// The precision of the dense answers that losses are measured beside.
  std::string reference() const { return precisions.size() == 1 ? precisions.front() : "f32"; }
};

/// What came of it.
struct CalibrationResult {
  std::string policy;  // JSON (tamis.policy.v1), as it is to be written
  std::string summary; // for a person
  std::optional<CalibrationReport> report;
};

/// Fits, searches and certifies. Shows progress. What the search saw is kept beside the policy's path
/// (CalibrationState.h) until removeCalibrationState, and is where another call with the same options goes
/// on; it is removed where all was tried and nothing can be certified. Throws ToolError.
CalibrationResult calibrate(const CalibrationOptions &options);

/// To be called when the policy is written. Throws ToolError(System).
void removeCalibrationState(const CalibrationOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATION_H
