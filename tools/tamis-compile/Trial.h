//===- Trial.h - A precision, compiled and run ---------------------------------------------------------===//
#ifndef TAMIS_TOOLS_TRIAL_H
#define TAMIS_TOOLS_TRIAL_H

#include "Compilation.h"
#include "Session.h"
#include "TemporaryFolder.h"

namespace tamis::tools {

/// A model at one precision, compiled for this machine, and run once on calibration inputs.
class Trial {
public:
  /// Throws ToolError; one without a message after errors of the compiler, which were printed.
  Trial(const CompileOptions &options, const std::string &precision, const TemporaryFolder &folder);

  /// The largest absolute difference of an output's elements from those of `reference`, rows of padding
  /// aside; infinity when one of them alone is infinite or no number, or the shapes differ.
  double errorAgainst(const Trial &reference) const;
  /// Milliseconds of a run, the least of several.
  double milliseconds();

  const std::string &precision() const { return name; }
  const char *isa() const { return tamis_model_isa(session.model()); }

private:
  std::string name;
  Session session;
};

} // namespace tamis::tools

#endif
