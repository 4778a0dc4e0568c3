//===- Commands.h - The subcommands of the driver -----------------------------------===//
//
// Each subcommand is one file that defines one of these functions; Main.cpp calls them in the order of the
// help. Help, man pages and shell completion are all made from the CLI11 app that they fill: every option
// needs a description, and the footer (see examples()) an example of every long option.
//
//===--------------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_COMMANDS_H
#define TAMIS_TOOLS_COMMANDS_H

#include "ExitCode.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace tamis::tools {

// Each adds a subcommand to `driver`. Its callback runs the command: it writes how it ended to `exit`
// (Done, if it does not) or throws ToolError.
void addCompileCommand(CLI::App &driver, ExitCode &exit);
void addRunCommand(CLI::App &driver, ExitCode &exit);
void addGenerateCommand(CLI::App &driver, ExitCode &exit);
void addBenchCommand(CLI::App &driver, ExitCode &exit);
void addPeakCommand(CLI::App &driver, ExitCode &exit);
void addProfileCommand(CLI::App &driver, ExitCode &exit);
void addCalibrateCommand(CLI::App &driver, ExitCode &exit);
void addInspectCommand(CLI::App &driver, ExitCode &exit);
void addCompletionCommand(CLI::App &driver, ExitCode &exit);
/// Hidden: writes the man pages, at build time.
void addManCommand(CLI::App &driver, ExitCode &exit);

struct Example {
  const char *purpose; // "Compare with what another runtime computed"
  const char *command; // "tamis run model.tamis ..."
};

/// The footer that shows examples; the man page has it too.
inline std::string examples(std::initializer_list<Example> list) {
  std::string text = "Examples:";
  for (const Example &example : list)
    text += std::string("\n  # ") + example.purpose + "\n  " + example.command;
  return text;
}

/// A real number from `low` to `high`. CLI::Range alone lets NaN pass, with which nothing differs.
inline CLI::Validator numberWithin(double low, double high) {
  auto reason = [](std::string &text) {
    return std::isnan(std::strtod(text.c_str(), nullptr)) ? "Value " + text + " is no number" : std::string();
  };
  return (CLI::Range(low, high) & CLI::Validator(reason, "")).description("");
}

} // namespace tamis::tools

#endif // TAMIS_TOOLS_COMMANDS_H
