//===- CalibrationSearch.h - What shares of tokens lose on the searched half ----------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONSEARCH_H
#define TAMIS_TOOLS_CALIBRATIONSEARCH_H

#include "CalibrationState.h"
#include "CalibrationTrials.h"
#include "RequestSplit.h"

#include <string>
#include <vector>

namespace tamis::tools {

/// What the search saw.
struct CalibrationSearch {
  std::vector<CalibrationKnobs> candidates;
  /// By variant of the options, group of lengths and candidate. The cost is in operations; infinite where
  /// a candidate was not tried.
  std::vector<std::vector<std::vector<calibration::Measured>>> measured;

  /// Rows of all layers, likewise.
  std::vector<std::vector<std::vector<int64_t>>> rows;

  size_t possible = 0, untried = 0; // candidates of all variants, and those left when the time was over

  /// The number of the candidate that keeps all tokens: the last. It is not tried, for it gains nothing.
  size_t dense() const { return candidates.size() - 1; }
};

/// Tries shares of tokens, and thresholds for experts, on the searched half, with each variant, from a coarse
/// grid to a fine one, until all are tried or the options' budget would not do for the next; the first is
/// tried in any case. A precision whose dense answers break the promise there is not tried. What `state` has
/// is not tried again, and what is tried is put there. Throws ToolError.
CalibrationSearch searchShares(const CalibrationOptions &options, const std::vector<Request> &requests,
                               const RequestSplit &split, CalibrationTrials &trials, CalibrationState &state,
                               Progress &progress);

/// A rule, at a share at the first layer.
struct Baseline {
  std::string rule;
  double share, meanLoss, medianLoss, p95Loss;
};

/// What the rules of the options lose at the reference precision, on some of the searched half, and where
/// tokens are left out the fitted score and rules that know nothing, too. Throws ToolError.
std::vector<Baseline> compareBaselines(const CalibrationOptions &options, const RequestSplit &split,
                                       CalibrationTrials &trials, Progress &progress);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONSEARCH_H
