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

/// Adds the artifact's name, --inputs, --input and --step, and what addRunningOptions does.
void addSessionOptions(CLI::App &command, SessionOptions &session, InputOptions &inputs);

/// Adds --threads, --isa and --resident-budget, which every command that runs a model has.
void addRunningOptions(CLI::App &command, SessionOptions &session);

/// Adds --step.
void addStepOption(CLI::App &command, SessionOptions &session);

/// Reads the inputs. One given with --input takes the place of one of the same name in the npz file.
/// Throws ToolError.
TensorMap readInputs(const InputOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_INPUTOPTIONS_H
