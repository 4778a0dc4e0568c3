//===- CalibrationPolicy.h - What a calibration found, as a policy and in words -------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONPOLICY_H
#define TAMIS_TOOLS_CALIBRATIONPOLICY_H

#include "Calibration.h"
#include "CalibrationFit.h"
#include "CalibrationProof.h"
#include "CalibrationSearch.h"
#include "RequestSplit.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tamis::tools {

/// What was found, from which the policy and the summary are written.
struct CalibrationFindings {
  std::string sourceName, sourceHash; // of the model
  size_t requestCount = 0;
  std::string requestsHash, labelsHash, profileHash; // the latter two empty where there are no such files
  RequestSplit split;
  CalibrationFit fit;
  CalibrationSearch search;
  std::vector<VariantProof> proofs; // by variant of the options
  size_t chosen = 0;                // of them: the one of the policy
  std::vector<std::string> outputs; // that losses were measured on
  std::vector<Baseline> baselines;
  std::optional<Accuracy> accuracy;

  const VariantProof &proof() const { return proofs[chosen]; }
};

/// Shares as a person writes them, and no others than were tried.
double numberOf(float share);
std::vector<double> numbersOf(const std::vector<float> &shares);

/// A policy with one step, whose shares are to be set, for the name of a rule.
nlohmann::ordered_json trialPolicy(const CalibrationOptions &options, const CalibrationFit &fit,
                                   const std::string &name);

/// The policy with its certificate (tamis.policy.v1).
nlohmann::ordered_json certifiedPolicy(const CalibrationOptions &options,
                                       const CalibrationFindings &findings);

/// The findings for a person, some lines.
std::string calibrationSummary(const CalibrationOptions &options, const CalibrationFindings &findings);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONPOLICY_H
