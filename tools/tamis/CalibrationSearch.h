//===- CalibrationSearch.h - What shares of tokens lose on the searched half ----------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONSEARCH_H
#define TAMIS_TOOLS_CALIBRATIONSEARCH_H

#include "CalibrationTrials.h"
#include "RequestSplit.h"

#include <string>
#include <vector>

namespace tamis::tools {

/// What the search saw.
struct CalibrationSearch {
  std::vector<std::vector<float>> candidates;               // shares that are kept, one for each layer
  std::vector<std::vector<calibration::Measured>> measured; // by group of lengths and candidate; cost in rows
};

/// Tries shares on the searched half. Throws ToolError.
CalibrationSearch searchShares(const CalibrationOptions &options, const std::vector<Request> &requests,
                               const RequestSplit &split, CalibrationTrials &trials, Progress &progress);

/// A rule that chooses tokens, at a share in front of the first layer.
struct Baseline {
  std::string rule;
  double share, medianLoss, p95Loss;
};

/// What rules that know nothing lose beside the fitted score, on some of the searched half. Throws ToolError.
std::vector<Baseline> compareBaselines(const RequestSplit &split, CalibrationTrials &trials,
                                       Progress &progress);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONSEARCH_H
