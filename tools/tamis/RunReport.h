//===- RunReport.h - What a run did beside its outputs -----------------------------------===//
#ifndef TAMIS_TOOLS_RUNREPORT_H
#define TAMIS_TOOLS_RUNREPORT_H

#include "Session.h"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tamis::tools {

/// The report of a session's last run as lines. `hasBudget`: its experts have a resident budget.
std::string reportText(const Session &session, bool hasBudget);

/// The same as JSON; `monitor` is that of the schema tamis.monitor.v1. Names of a model need not be UTF-8.
nlohmann::ordered_json reportJson(const Session &session, bool hasBudget);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_RUNREPORT_H
