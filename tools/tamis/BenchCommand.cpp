//===- BenchCommand.cpp - tamis bench: measure a model ---------------------------------===//

#include "Commands.h"
#include "ExpertReport.h"
#include "File.h"
#include "InputOptions.h"
#include "Profile.h"
#include "Progress.h"
#include "Statistics.h"

#include "artifact_generated.h"
#include "runtime/src/Clock.h"

#include <fmt/format.h>
#include <memory>

namespace tamis::tools {

namespace {

constexpr int64_t minRuns = 5;
constexpr int64_t maxRuns = 1000000;

struct BenchOptions {
  SessionOptions session;
  InputOptions inputs;
  double minSeconds = 1;
  bool profile = false;
  std::string trace;
  bool json = false;
};

/// Runs for `seconds`, at least `atLeast` times, and calls onRun(begin, end) after each.
template <typename Function>
void repeat(Session &session, const char *phase, double seconds, int64_t atLeast, Function onRun) {
  Progress progress;
  int64_t start = monotonicNanoseconds();
  int64_t length = static_cast<int64_t>(seconds * 1e9);
  for (int64_t runs = 0; runs < maxRuns && (runs < atLeast || monotonicNanoseconds() - start < length);
       ++runs) {
    int64_t begin = monotonicNanoseconds();
    session.run();
    onRun(begin, monotonicNanoseconds());
    if (progress.isDue())
      progress.show(fmt::format("{}: {} runs, {:.1f} s", phase, runs + 1, progress.seconds()));
  }
}

/// Runs with a context that records events; a separate pass, since recording takes time.
Profile measureProfile(Session &session, const BenchOptions &options) {
  Profile profile;
  session.createContext(/*profile=*/true);
  repeat(session, "warm-up", 0, 2, [](int64_t, int64_t) {});
  std::vector<TamisEvent> events;
  int64_t runBegin = 0, runEnd = 0; // of the last run
  repeat(session, "profile", options.minSeconds / 2, minRuns, [&](int64_t begin, int64_t end) {
    events = session.events();
    profile.add(events, end - begin);
    runBegin = begin;
    runEnd = end;
  });
  if (!options.trace.empty()) {
    AtomicFile file(options.trace);
    nlohmann::ordered_json trace = traceOf(events, runBegin, runEnd);
    file.write(trace.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    file.commit();
  }
  return profile;
}

/// What the weights of the model are multiplied with.
std::string precisionOf(const TamisModel *model) {
  size_t bytes;
  const schema::Precision *precision = schema::GetArtifact(tamis_model_header(model, &bytes))->precision();
  return precision ? precision->name()->str() : "f32";
}

void bench(const BenchOptions &options) {
  Session session(options.session);
  session.bind(readInputs(options.inputs));
  // The first runs allocate, and touch weights that are not in memory yet.
  repeat(session, "warm-up", std::min(options.minSeconds / 10, 1.0), 3, [](int64_t, int64_t) {});
  std::vector<double> samples;
  repeat(session, "bench", options.minSeconds, minRuns,
         [&](int64_t begin, int64_t end) { samples.push_back(static_cast<double>(end - begin) / 1e6); });
  Statistics times = summarize(samples);
  TamisReport report = session.report();

  nlohmann::ordered_json json;
  json["schema"] = "tamis.bench.v1";
  json["version"] = tamis_version();
  json["model"] = options.session.artifact;
  json["precision"] = precisionOf(session.model());
  json["isa"] = tamis_model_isa(session.model());
  json["threads"] = report.threads;
  json["min_ms"] = times.min;
  json["median_ms"] = times.median;
  json["p90_ms"] = times.p90;
  json["mean_ms"] = times.mean;
  json["stddev_ms"] = times.deviation;
  json["runs"] = samples.size();
  json["tokens_in"] = report.tokens_in;
  json["tokens_computed"] = report.tokens_computed;
  if (int32_t step = tamis_context_step(session.handle()); step >= 0)
    json["step"] = tamis_model_step_name(session.model(), step);
  auto tokenLayers = nlohmann::ordered_json::array();
  for (const TamisTokenLayer &layer : session.tokens())
    tokenLayers.push_back({{"name", layer.name}, {"rows", layer.rows}, {"kept", layer.kept}});
  if (!tokenLayers.empty())
    json["tokens"] = std::move(tokenLayers);
  json["arena_bytes"] = report.arena_bytes;
  json["arena_peak_bytes"] = report.arena_peak_bytes;
  if (std::vector<TamisExpertLayer> layers = session.experts(); !layers.empty())
    json["experts"] = expertsJson(layers);
  ExpertResidence residence;
  residence.add(report);
  if (options.session.residentBudget)
    json["resident_experts"] = residence.json();

  std::string table;
  if (options.profile || !options.trace.empty()) {
    Profile profile = measureProfile(session, options);
    if (options.profile) {
      Roofline roofline = Roofline::measure(precisionOf(session.model()), tamis_model_isa(session.model()),
                                            report.threads, profile.kinds());
      json["profile"] = profile.json(roofline);
      table = "\n" + profile.table(roofline);
    }
  }
  if (options.json) {
    // A file name or a node's name need not be UTF-8.
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("min {:.4f} ms, median {:.4f} ms, p90 {:.4f} ms, mean {:.4f} +- {:.4f} ms ({} runs)\n",
             times.min, times.median, times.p90, times.mean, times.deviation, samples.size());
  fmt::print("{} threads, {}, {} tokens in, {} computed, arena {} bytes\n", report.threads,
             tamis_model_isa(session.model()), report.tokens_in, report.tokens_computed, report.arena_bytes);
  if (options.session.residentBudget)
    fmt::print("in the last run, {}", residence.text());
  fmt::print("{}", table);
}

} // namespace

void addBenchCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand("bench", "Measure how long a compiled model takes");
  auto options = std::make_shared<BenchOptions>();
  addSessionOptions(*command, options->session, options->inputs);
  command->add_option("--min-time", options->minSeconds, "Measure for at least this many seconds")
      ->type_name("S")
      ->check(numberWithin(0, 86400))
      ->capture_default_str();
  command->add_flag(
      "--profile", options->profile,
      "Add tables of the time per operation, with calls a run, GFLOP/s, GB/s and the part reached "
      "of this machine's peak");
  command->add_option("--trace", options->trace, "Write a trace of one run that Perfetto or Chrome opens")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print one JSON object (schema tamis.bench.v1)");
  command->footer(examples({
      {"Time a batch on two threads for five seconds",
       "tamis bench model.tamis --inputs batch.npz --threads 2 --min-time 5"},
      {"Time one shape without a file",
       "tamis bench model.tamis --input input_ids=1x128xi64=7 --input attention_mask=1x128xi64=1"},
      {"See where the time goes, and look at one run in Perfetto",
       "tamis bench model.tamis --inputs batch.npz --profile --trace run.json"},
      {"Time a step of its policy beside the dense one",
       "tamis bench model.tamis --inputs batch.npz --step step-1; tamis bench model.tamis --inputs batch.npz "
       "--step dense"},
      {"Time it with few of its experts in memory",
       "tamis bench moe.tamis --inputs batch.npz --resident-budget 512MiB"},
      {"Measure the code for AVX2, for a script",
       "tamis bench model.tamis --inputs batch.npz --isa x86-64-v3 "
       "--json"},
  }));
  command->callback([options] { bench(*options); });
}

} // namespace tamis::tools
