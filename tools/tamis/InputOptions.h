//===- InputOptions.h - The options that choose a model's inputs ---------------------===//
#ifndef TAMIS_TOOLS_INPUTOPTIONS_H
#define TAMIS_TOOLS_INPUTOPTIONS_H

#include "Session.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tamis::tools {

struct InputOptions {
  std::string npz;
  std::vector<std::string> single;
};

/// Adds the artifact's name and --inputs, --input, --threads and --isa.
void addSessionOptions(CLI::App &command, SessionOptions &session, InputOptions &inputs);

/// Reads the inputs. One given with --input takes the place of one of the same name in the npz file.
/// Throws ToolError.
TensorMap readInputs(const InputOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_INPUTOPTIONS_H
