//===- Main.cpp - tamis-compile: what `tamis compile` runs
//---------------------------------------------------===//

#include "Commands.h"
#include "Compilation.h"
#include "CrashHandler.h"
#include "ExitCode.h"
#include "ExpertProfile.h"
#include "HelpFormatter.h"
#include "PolicyCertificate.h"
#include "PrecisionChoice.h"

#include <csignal>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace tamis::tools;

static void print(const CompileSummary &summary, const CompileOptions &options) {
  if (options.json) {
    nlohmann::ordered_json object{{"schema", "tamis.compile.v1"},
                                  {"output", summary.output},
                                  {"bytes", summary.bytes},
                                  {"seconds", summary.seconds},
                                  {"peak_bytes", summary.peakBytes},
                                  {"isa_levels", summary.isas},
                                  {"precision", summary.precision},
                                  {"error", nullptr},
                                  {"remarks", nlohmann::json::array()}};
    if (summary.error)
      object["error"] = *summary.error;
    for (auto &[pass, text] : summary.remarks)
      object["remarks"].push_back({{"pass", pass}, {"text", text}});
    fmt::print("{}\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: {:.2f} MB, {}; compiled in {:.2f} s, peak memory {:.0f} MB\n", summary.output,
             summary.bytes / 1e6, fmt::join(summary.isas, " and "), summary.seconds, summary.peakBytes / 1e6);
  if (summary.error)
    fmt::print("precision: {}, error against f32 {:.3g}\n", summary.precision, *summary.error);
  else if (options.precision == "auto")
    fmt::print("precision: {}, since there are no --inputs to measure others on\n", summary.precision);
  for (auto &[pass, text] : summary.remarks)
    fmt::print("{}: {}\n", pass, text);
}

/// Reads the file of --policy. Throws ToolError, also when options do not go together.
static void readPolicy(CompileOptions &options) {
  if (!options.policy.empty())
    options.experts = ExpertPolicy::read(options.policy);
  if (!options.profile.empty())
    ExpertProfile::read(options.profile); // a damaged one is refused before anything is compiled
  if (options.experts.needsProfile() && options.profile.empty())
    throw ToolError(ExitCode::Usage,
                    fmt::format("{}: it leaves out what a profile says matters least; give that with "
                                "--profile",
                                options.policy));
  if (options.observeExperts && (!options.profile.empty() || !options.policy.empty()))
    throw ToolError(ExitCode::Usage,
                    "--observe-experts is about the model as it is; leave out --profile and --policy");
  if (options.observeStates && !options.policy.empty())
    throw ToolError(ExitCode::Usage, "--observe-states is about the model as it is; leave out --policy");
  if (!options.policy.empty())
    readCertificate(options);
}

int main(int argc, char **argv) {
  std::signal(SIGXFSZ, SIG_IGN); // a file-size limit shall be an error of write(), like a full disk
  installCrashHandler();
  CLI::App app("Compile an ONNX model.", "tamis compile");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Print this help and exit");
  CompileOptions options;
  addCompileOptions(app, options);
  try {
    app.parse(argc, argv);
    options.rest = app.remaining();
  } catch (const CLI::Success &request) {
    app.exit(request);
    return static_cast<int>(ExitCode::Done);
  } catch (const CLI::ParseError &error) {
    fmt::print(stderr, "tamis: error: {}\nRun 'tamis compile --help' for the options.\n", error.what());
    return static_cast<int>(ExitCode::Usage);
  }
  if (!parseExtraOptions(options.rest))
    return static_cast<int>(ExitCode::Usage);
  CompileSummary summary;
  int code;
  try {
    readPolicy(options);
    code = compile(options, choosePrecision(options), summary);
  } catch (const ToolError &error) {
    code = static_cast<int>(error.code);
    if (*error.what())
      fmt::print(stderr, "tamis: error: {}\n", error.what());
  }
  if (code == static_cast<int>(ExitCode::Internal))
    fmt::print(stderr, "{}", howToReport);
  if (code == 0 && !options.quiet && options.output != "-")
    print(summary, options);
  return code;
}
