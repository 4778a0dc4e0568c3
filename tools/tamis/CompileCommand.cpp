//===- CompileCommand.cpp - `tamis compile`
//------------------------------------------------------------------===//

#include "Commands.h"
#include "CompileOptions.h"
#include "ExternalTool.h"

#include <memory>

namespace tamis::tools {

void addCompileCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand("compile", "Compile an ONNX model");
  auto options = std::make_shared<CompileOptions>();
  addCompileOptions(*command, *options);
  command->callback([options] { runExternalTool("tamis-compile"); });
}

} // namespace tamis::tools
