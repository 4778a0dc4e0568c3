//===- CompileOptions.h - The options of `tamis compile` ------------------------------------------===//
//
// Shared by the driver, which shows help, completion and man pages, and by tamis-compile, which does the
// work: the driver links neither LLVM nor MLIR.
//
//===---------------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_COMPILEOPTIONS_H
#define TAMIS_TOOLS_COMPILEOPTIONS_H

#include "ExpertPolicy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace tamis::tools {

struct CompileOptions {
  std::string model;
  std::string output;
  std::string emit = "tamis";
  std::string level = "model";              // of --emit=mlir
  std::vector<std::string> targets;         // "native" or ISA levels; empty: all that Tamis knows
  std::string precision = "f32";            // or "auto"
  std::vector<std::string> layerPrecisions; // REGEX=PRECISION
  std::optional<int64_t> int4Group;         // elements of a column with one scale
  std::string inputs;                       // npz file to measure errors on; empty: none
  std::optional<double> maxError;           // what is allowed there
  std::vector<std::string> dims;            // NAME=N or NAME=MIN..MAX
  std::string weights = "inside";           // of --emit=object and shared
  std::string prefix;                       // of symbols; empty: from the output's name
  std::string profile;                      // of experts; empty: none
  std::string policy;                       // a file; empty: none
  ExpertPolicy experts;                     // what that file says
  std::string certificate;                  // of the tokens that it leaves out, as JSON; empty: none
  std::string certifiedHash;                // of the model that the certificate is about
  bool allowUncertified = false;
  int64_t maxLength = 0; // tokens that a decoder's caches may hold; 0: no bound
  bool keepPadding = false;
  bool observeExperts = false;
  bool observeStates = false;
  bool printRaising = false;
  bool quiet = false;
  bool json = false;
  std::vector<std::string> rest; // for MLIR and LLVM
};

/// Adds the options and their examples to `command`.
void addCompileOptions(CLI::App &command, CompileOptions &options);

} // namespace tamis::tools

#endif
