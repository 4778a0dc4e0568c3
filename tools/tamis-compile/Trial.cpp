//===- Trial.cpp - A precision, compiled and run -------------------------------------------------------===//
#include "Trial.h"

#include "Compare.h"
#include "ExitCode.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>

namespace tamis::tools {

static std::string artifactOf(const TemporaryFolder &folder, const std::string &precision) {
  return folder.file(precision + ".tamis");
}

/// Compiles, and returns what a session needs.
static SessionOptions compileTrial(const CompileOptions &options, const std::string &precision,
                                   const TemporaryFolder &folder) {
  CompileOptions trial = options;
  trial.output = artifactOf(folder, precision);
  trial.emit = "tamis";
  trial.printRaising = false;
  CompileSummary summary;
  if (int code = compile(trial, Setting{precision, {}, /*isTrial=*/true}, summary))
    throw ToolError(static_cast<ExitCode>(code), "");
  SessionOptions session;
  session.artifact = trial.output;
  return session;
}

Trial::Trial(const CompileOptions &options, const std::string &precision, const TemporaryFolder &folder)
    : name(precision), session(compileTrial(options, precision, folder)) {
  // It is mapped; a program that is killed leaves no more than it must.
  std::error_code ignored;
  std::filesystem::remove(artifactOf(folder, precision), ignored);
  session.bind(readNpz(options.inputs));
  session.run();
}

double Trial::errorAgainst(const Trial &reference) const {
  // What is off by more than any number is not finite.
  constexpr Tolerance any{0, std::numeric_limits<double>::max()};
  std::vector<NamedValue> got = session.outputs(), expected = reference.session.outputs();
  double error = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    Comparison result = compare(got[i].value, expected[i].value, session.mask(), any);
    if (result.differs() && (!result.reason.empty() || isFloat(expected[i].value.type)))
      return std::numeric_limits<double>::infinity();
    error = std::max(error, result.maxAbsolute);
  }
  return error;
}

double Trial::milliseconds() {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t leastRuns = 5;
  constexpr std::chrono::milliseconds enough(300);
  Clock::duration least = Clock::duration::max();
  Clock::time_point start = Clock::now();
  for (int64_t runs = 0; runs < leastRuns || Clock::now() - start < enough; ++runs) {
    Clock::time_point begin = Clock::now();
    session.run();
    least = std::min(least, Clock::now() - begin);
  }
  return std::chrono::duration<double, std::milli>(least).count();
}

} // namespace tamis::tools
