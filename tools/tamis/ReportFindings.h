//===- ReportFindings.h - A report of what a calibration found ------------------------------===//
#ifndef TAMIS_TOOLS_REPORTFINDINGS_H
#define TAMIS_TOOLS_REPORTFINDINGS_H

#include "CalibrationPolicy.h"
#include "CalibrationReport.h"

namespace tamis::tools {

/// Runs the chosen step on the tested half, with the tokens that stay, and puts what came of it beside the
/// findings. The time of ONNX Runtime and the texts of tokens are left to the caller. Throws ToolError.
CalibrationReport reportFindings(const CalibrationOptions &options, const CalibrationFindings &findings,
                                 const std::vector<Request> &requests, CalibrationTrials &trials,
                                 Progress &progress);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_REPORTFINDINGS_H
