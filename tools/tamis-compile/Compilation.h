//===- Compilation.h - From an ONNX file to what was asked for
//--------------------------------------------------===//
#ifndef TAMIS_TOOLS_COMPILATION_H
#define TAMIS_TOOLS_COMPILATION_H

#include "CompileOptions.h"

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
  std::vector<std::pair<std::string, std::string>> remarks; // pass and text
};

/// Compiles. Errors and remarks go to stderr, one sentence each. Returns the exit code (ExitCode.h).
int compile(const CompileOptions &options, CompileSummary &summary);

/// Hands options that the tool does not know to MLIR and LLVM. False after an error was printed.
bool parseExtraOptions(const std::vector<std::string> &rest);

} // namespace tamis::tools

#endif
