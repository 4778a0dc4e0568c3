//===- InputOptions.cpp - The options that choose a model's inputs -------------------===//

#include "InputOptions.h"

#include "ExitCode.h"
#include "InputText.h"

#include <fmt/format.h>
#include <set>

namespace tamis::tools {

void addSessionOptions(CLI::App &command, SessionOptions &session, InputOptions &inputs) {
  command.add_option("artifact", session.artifact, "The compiled model")->required()->type_name("FILE");
  command.add_option("--inputs", inputs.npz, "Take the inputs by name from an npz file")->type_name("FILE");
  command
      .add_option("--input", inputs.single,
                  "Give one input, as NAME=@F.npy, 'NAME=2x2xi64=[[1 2][3 4]]', NAME=2x2xi64=0 (all the "
                  "same) or NAME=2x2xi64=@F.bin (raw); may be repeated")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  addRunningOptions(command, session);
  addStepOption(command, session);
}

void addStepOption(CLI::App &command, SessionOptions &session) {
  command
      .add_option("--step", session.step,
                  "Leave out what this step of the artifact's policy says; 'dense' leaves out nothing")
      ->type_name("NAME");
}

void addRunningOptions(CLI::App &command, SessionOptions &session) {
  command.add_option("--threads", session.threads, "Run on this many threads; 0: one for each core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024).description(""))
      ->capture_default_str();
  command
      .add_option("--isa", session.isa,
                  "Run the code of this ISA level, such as x86-64-v3, rather than the best that the CPU has")
      ->type_name("LEVEL");
  command
      .add_option("--resident-budget", session.residentBudget,
                  "Keep no more than this of the experts' weights in memory, such as 512MiB, and read the "
                  "others when "
                  "a token is sent to them; 0: keep all")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true).description(""))
      ->capture_default_str();
}

TensorMap readInputs(const InputOptions &options) {
  TensorMap tensors;
  if (!options.npz.empty())
    tensors = readNpz(options.npz);
  std::set<std::string> seen;
  for (const std::string &text : options.single) {
    auto [name, tensor] = parseInputText(text);
    if (!seen.insert(name).second)
      throw ToolError(ExitCode::Usage, fmt::format("--input {}: is given twice", name));
    tensors.insert_or_assign(name, std::move(tensor));
  }
  return tensors;
}

} // namespace tamis::tools
