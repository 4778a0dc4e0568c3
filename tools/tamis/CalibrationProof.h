//===- CalibrationProof.h - What is proved on the tested half --------------------------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONPROOF_H
#define TAMIS_TOOLS_CALIBRATIONPROOF_H

#include "CalibrationSearch.h"
#include "CalibrationTrials.h"
#include "RequestSplit.h"

#include <string>
#include <vector>

namespace tamis::tools {

/// What is proved of a variant.
struct VariantProof {
  CalibrationVariant variant;
  /// By group of lengths, from the safest to the fastest; the last of a group may have failed.
  std::vector<std::vector<calibration::Tested>> tests;
  /// Whether the first test of each group is that of all tokens: a precision other than the reference has a
  /// dense step that loses something itself.
  bool startsDense = false;
  size_t steps = 0;                     // behind the dense one; 0: nothing is certified
  double denseTime = 0, chosenTime = 0; // milliseconds for the tested half, one request after the other

  /// The knobs of a group at a step: of the last that passed, if there are no more; all before the first.
  CalibrationKnobs knobsAt(const CalibrationSearch &search, size_t group, size_t step) const;
};

/// Tests the ladder of each variant on the tested half. Each group of each variant has its part of delta, so
/// that all that passes holds together. What proves nothing is closed. Throws ToolError.
std::vector<VariantProof> certifyVariants(const CalibrationOptions &options,
                                          const std::vector<Request> &requests, const RequestSplit &split,
                                          const CalibrationSearch &search, CalibrationTrials &trials,
                                          Progress &progress);

/// Measures the dense and the last step of what is certified, in turns, and returns the number of the fastest
/// variant. There must be one. Throws ToolError.
size_t chooseFastest(std::vector<VariantProof> &proofs, const std::vector<Request> &requests,
                     const RequestSplit &split, const CalibrationSearch &search, CalibrationTrials &trials,
                     Progress &progress);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONPROOF_H
