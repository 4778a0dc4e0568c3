//===- ExternalTool.h - Commands that are programs of their own ------------------------===//
//
// The driver links neither LLVM nor MLIR: loading them takes longer than many a model runs. A command that
// needs them adds its options here, for help, completion and man pages, and its callback hands over to a
// program beside the driver that parses the same options.
//
//===----------------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_EXTERNALTOOL_H
#define TAMIS_TOOLS_EXTERNALTOOL_H

#include <string>
#include <vector>

namespace tamis::tools {

/// Replaces this process by `program`, which lies in the driver's folder, with the arguments that followed
/// the command's name. Throws ToolError(System) if it cannot be started.
[[noreturn]] void runExternalTool(const std::string &program);

/// Runs `program`, which lies in the driver's folder, and waits for it. What it prints on standard output is
/// dropped. Returns its exit status; 70 when a signal ended it. Throws ToolError(System) if it cannot be
/// started.
int callExternalTool(const std::string &program, const std::vector<std::string> &arguments);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_EXTERNALTOOL_H
