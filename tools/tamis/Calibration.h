//===- Calibration.h - Which tokens may be left out, and how surely -------------------===//
#ifndef TAMIS_TOOLS_CALIBRATION_H
#define TAMIS_TOOLS_CALIBRATION_H

#include "CalibrationReport.h"
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
  std::string precision = "f32";
  std::string
      measured; // name of the output that losses are measured on; empty: the one of the fewest dimensions
  Loss loss = Loss::Cosine;
  std::string lossName = "cosine";
  calibration::Promise promise{0.1, 0.05, 0.05};
  std::vector<int64_t> layers{0};
  int64_t groups = 3; // of lengths, at most
  int64_t minimum = 8, first = 1, last = 1;
  bool zerosForDropped = false;
  uint64_t seed = 1;
  int32_t threads = 0;
};

/// What came of it.
struct CalibrationResult {
  std::string policy;  // JSON (tamis.policy.v1), as it is to be written
  std::string summary; // for a person
  std::optional<CalibrationReport> report;
};

/// Fits, searches and certifies. Shows progress. Throws ToolError.
CalibrationResult calibrate(const CalibrationOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATION_H
