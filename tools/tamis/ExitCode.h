//===- ExitCode.h - How the tools end, and the error that ends them ----------===//
//
// The numbers are a contract that scripts rely on; docs/cli.md lists them.
//
//===-------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_EXITCODE_H
#define TAMIS_TOOLS_EXITCODE_H

#include "tamis/runtime.h"

#include <stdexcept>
#include <string>

namespace tamis::tools {

enum class ExitCode : int {
  Done = 0,
  Differs = 1,  // the outputs are not those expected
  Usage = 2,    // wrong command line
  Refused = 3,  // a model, artifact or input is not acceptable
  System = 4,   // a file or memory could not be had
  Internal = 70 // a defect of Tamis
};

/// Ends a command: one sentence for the user and the code to exit with.
class ToolError : public std::runtime_error {
public:
  ToolError(ExitCode code, const std::string &message) : std::runtime_error(message), code(code) {}
  ExitCode code;
};

/// The exit code for a failure of the runtime. TAMIS_ERROR_USAGE is Internal: a tool broke the interface.
inline ExitCode exitCodeOf(TamisStatus status) {
  switch (status) {
  case TAMIS_OK:
    return ExitCode::Done;
  case TAMIS_ERROR_ARTIFACT:
  case TAMIS_ERROR_CPU:
  case TAMIS_ERROR_INPUT:
    return ExitCode::Refused;
  case TAMIS_ERROR_MEMORY:
  case TAMIS_ERROR_SYSTEM:
  case TAMIS_ERROR_CANCELLED:
  case TAMIS_ERROR_DEADLINE:
    return ExitCode::System;
  case TAMIS_ERROR_USAGE:
    break;
  }
  return ExitCode::Internal;
}

/// Throws the ToolError of a failed call of the runtime.
inline void check(TamisStatus status, const TamisError &error) {
  if (status != TAMIS_OK)
    throw ToolError(exitCodeOf(status), error.message);
}

} // namespace tamis::tools

#endif // TAMIS_TOOLS_EXITCODE_H
