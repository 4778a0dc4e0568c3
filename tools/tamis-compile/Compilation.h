//===- Compilation.h - From an ONNX file to what was asked for
//--------------------------------------------------===//
#ifndef TAMIS_TOOLS_COMPILATION_H
#define TAMIS_TOOLS_COMPILATION_H

#include "CompileOptions.h"

#include "tamis/Target/MeasuredError.h"

#include <cstdint>
#include <utility>

namespace tamis::tools {

/// What a user wants to know of a compilation.
struct CompileSummary {
  std::string output;
  uint64_t bytes = 0; // of the main output file
  double seconds = 0;
  uint64_t peakBytes = 0; // of this process' memory
  std::vector<std::string> isas;
  std::string precision;
  std::optional<double> error;                              // against f32, if it was measured
  std::vector<std::pair<std::string, std::string>> remarks; // pass and text
};

/// What the command line leaves to be found out.
struct Setting {
  std::string precision;                 // that of --precision, or what 'auto' comes to
  std::optional<MeasuredError> measured; // to be stored in the artifact
  bool isTrial = false; // code for the best level that this machine runs; errors alone are reported
};

/// Compiles. Errors and remarks go to stderr, one sentence each. Returns the exit code (ExitCode.h).
int compile(const CompileOptions &options, const Setting &setting, CompileSummary &summary);

/// Hands options that the tool does not know to MLIR and LLVM. False after an error was printed.
bool parseExtraOptions(const std::vector<std::string> &rest);

/// The hash of a file that could be read a moment ago, in pieces, so that it does not count as memory; 0 when
/// it is gone.
uint64_t hashFile(const std::string &path);

} // namespace tamis::tools

#endif
