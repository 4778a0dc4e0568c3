//===- CalibrationPage.h - The report of a calibration as an HTML page ------------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONPAGE_H
#define TAMIS_TOOLS_CALIBRATIONPAGE_H

#include <string>

namespace tamis::tools {

struct CalibrationReport;

/// One page that needs no other file and no script. It is well-formed XML, too.
std::string pageOf(const CalibrationReport &report);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONPAGE_H
