//===- Main.cpp - The driver `tamis` ---------------------------------------------------===//

#include "Commands.h"
#include "CrashHandler.h"
#include "HelpFormatter.h"

#include "tamis/runtime.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>

using namespace tamis::tools;

namespace {

/// Prints the sentence; it opens the first line of stderr, where scripts look for it.
ExitCode fail(ExitCode code, const std::string &message) {
  fmt::print(stderr, "tamis: error: {}\n", message);
  if (code == ExitCode::Internal)
    fmt::print(stderr, "{}", howToReport);
  return code;
}

/// Parses the command line, which runs the subcommand.
ExitCode runDriver(CLI::App &app, ExitCode &exit, int argc, char **argv) {
  try {
    app.parse(argc, argv);
    return exit;
  } catch (const CLI::Success &request) { // --help, --version
    app.exit(request);
    return ExitCode::Done;
  } catch (const CLI::ParseError &error) {
    std::string name = app.get_name(), why = error.what();
    auto commands = app.get_subcommands();
    if (!commands.empty())
      name += " " + commands.front()->get_name();
    else if (auto rest = app.remaining(); !rest.empty())
      why = fmt::format("there is no command '{}'", rest.front());
    fail(ExitCode::Usage, why);
    fmt::print(stderr, "Run '{} --help' for the options.\n", name);
    return ExitCode::Usage;
  } catch (const ToolError &error) {
    return fail(error.code, error.what());
  } catch (const std::bad_alloc &) {
    return fail(ExitCode::System, "no memory is left");
  } catch (const std::length_error &) { // of a file larger than memory can be
    return fail(ExitCode::System, "no memory is left");
  } catch (const std::system_error &error) { // of printing
    return fail(ExitCode::System, error.what());
  } catch (const std::exception &error) {
    return fail(ExitCode::Internal, error.what());
  }
}

} // namespace

int main(int argc, char **argv) {
  // A file-size limit shall be an error of write(), like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  installCrashHandler();

  CLI::App app("Tamis compiles ONNX language models ahead of time and runs them.", "tamis");
  app.formatter(std::make_shared<HelpFormatter>()); // before the commands, which take it over
  app.set_version_flag("--version", std::string("tamis ") + tamis_version(), "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(1);
  app.footer("'tamis COMMAND --help' shows the options of a command.\n"
             "Exit status: 0 done; 1 outputs differ; 2 wrong usage; 3 model, artifact or input refused;\n"
             "4 the system failed (file, memory); 70 internal error.");
  ExitCode exit = ExitCode::Done;
  addCompileCommand(app, exit);
  addRunCommand(app, exit);
  addGenerateCommand(app, exit);
  addBenchCommand(app, exit);
  addPeakCommand(app, exit);
  addProfileCommand(app, exit);
  addCalibrateCommand(app, exit);
  addInspectCommand(app, exit);
  addCompletionCommand(app, exit);
  addManCommand(app, exit);

  exit = runDriver(app, exit, argc, argv);
  // Results that did not reach their reader are no success.
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) || !std::cout)
    return static_cast<int>(
        fail(ExitCode::System, fmt::format("cannot write to standard output: {}", std::strerror(errno))));
  return static_cast<int>(exit);
}
