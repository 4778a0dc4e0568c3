//===- CalibrationFit.h - What is fitted to hidden states before the search -----------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONFIT_H
#define TAMIS_TOOLS_CALIBRATIONFIT_H

#include "Requests.h"
#include "tamis/Calibration/RestoreMap.h"
#include "tamis/Calibration/Sieve.h"

#include <vector>

namespace tamis::tools {

struct CalibrationOptions;
class Progress;
class Session;

struct CalibrationFit {
  std::vector<calibration::Sieve> sieves;    // for each of the layers that tokens are left out in front of
  std::vector<calibration::RestoreMap> maps; // likewise; none where nothing is restored
  int64_t layerCount = 0;                    // of the model
};

/// Reads the hidden states of requests and fits a score in front of each layer of the options, and a
/// map where what is dropped is restored. `observed` is
/// a model that shows its states (--observe-states). Throws ToolError: Refused where there are no states in
/// front of a layer, and where what is fitted is not finite.
CalibrationFit fitStates(const CalibrationOptions &options, Session &observed,
                         const std::vector<Request> &requests, const std::vector<size_t> &searched,
                         Progress &progress);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONFIT_H
