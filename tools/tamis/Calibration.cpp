//===- Calibration.cpp - Which tokens may be left out, and how surely -----------------===//

#include "Calibration.h"

#include "ArtifactHeader.h"
#include "CalibrationFit.h"
#include "CalibrationPolicy.h"
#include "CalibrationProof.h"
#include "CalibrationSearch.h"
#include "CalibrationState.h"
#include "CalibrationTrials.h"
#include "ExitCode.h"
#include "Labels.h"
#include "PolicyCertificate.h"
#include "ReportFindings.h"
#include "runtime/src/Hash.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace tamis::tools {

namespace {

void checkOptions(const CalibrationOptions &options) {
  if (options.layers.empty() || !std::ranges::is_sorted(options.layers) ||
      std::set(options.layers.begin(), options.layers.end()).size() != options.layers.size())
    throw ToolError(ExitCode::Usage, "--layers are to ascend, each once");
  if (options.layers.size() > 3)
    throw ToolError(ExitCode::Usage, "--layers has more than three layers, which is too many to search");
  if (std::set(options.precisions.begin(), options.precisions.end()).size() != options.precisions.size())
    throw ToolError(ExitCode::Usage, "--precision names one twice");
  if (options.skips.empty() || !std::ranges::is_sorted(options.skips) ||
      std::set(options.skips.begin(), options.skips.end()).size() != options.skips.size())
    throw ToolError(ExitCode::Usage, "--skip-experts are to ascend, each once");
  if (std::string problem = problemOfRules(options); !problem.empty())
    throw ToolError(ExitCode::Usage, problem);
  size_t most = options.loss == Loss::Span ? 2 : 1, least = options.loss == Loss::RelativeDistance ? 1 : 0;
  if (options.loss == Loss::Span && options.measured.size() == 1)
    least = 2;
  if (options.measured.size() > most || options.measured.size() < least)
    throw ToolError(ExitCode::Usage,
                    fmt::format("--loss {} is of {}; --output-name names {}", options.lossName,
                                most == 2 ? "two outputs, starts and ends" : "one output",
                                options.measured.size()));
  if (options.measured.size() == 2 && options.measured.front() == options.measured.back())
    throw ToolError(ExitCode::Usage, fmt::format("--output-name names '{}' twice, for starts and for ends",
                                                 options.measured.front()));
  bool isOfClasses =
      options.loss == Loss::KullbackLeibler || options.loss == Loss::Argmax || options.loss == Loss::Label;
  if (options.loss == Loss::Label && options.labels.empty())
    throw ToolError(ExitCode::Usage, "--loss label asks what is right; give --labels");
  if (!options.labels.empty() && !isOfClasses)
    throw ToolError(ExitCode::Usage,
                    fmt::format("--labels are for logits of classes, which have the losses label, argmax and "
                                "kl, not {}",
                                options.lossName));
  if (options.metric == "accuracy" && options.labels.empty())
    throw ToolError(ExitCode::Usage, "--metric accuracy asks what is right; give --labels");
}

std::string hashOf(const std::vector<Request> &requests) {
  Hash hash;
  for (const Request &request : requests)
    for (const auto &[name, tensor] : request.inputs) {
      const TamisValue &value = tensor.value();
      hash.update(name.c_str(), name.size() + 1);
      hash.update(&value.type, sizeof value.type);
      hash.update(&value.rank, sizeof value.rank);
      hash.update(value.dims, tensor.dims().size_bytes());
      hash.update(value.data, tensor.bytes());
    }
  return fmt::format("{:016x}", hash.finish());
}

/// Everything on the way from requests to a policy.
class Calibrator {
public:
  explicit Calibrator(const CalibrationOptions &options) : options(options), folder("calibrate") {}

  CalibrationResult run() {
    checkOptions(options);
    readModelAndRequests();
    found.split = splitRequests(requests, options);
    CalibrationState state(CalibrationState::pathOf(options.output), keyOfState());
    fit(state);
    CalibrationTrials trials(options, requests, labels, found.fit, folder, progress);
    trials.runDense();
    found.search = searchShares(options, requests, found.split, trials, state, progress);
    found.baselines = compareBaselines(options, found.split, trials, progress);
    certify(trials);
    if (!labels.empty() && options.metric != "none")
      measureAccuracy(trials);
    found.outputs = trials.outputs();
    std::optional<CalibrationReport> report;
    if (!options.report.empty())
      report = reportFindings(options, found, requests, trials, progress);
    // As its hash has it: names of files and of outputs need not be UTF-8.
    std::string policy =
        certifiedPolicy(options, found).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return {std::move(policy), calibrationSummary(options, found), std::move(report)};
  }

private:
  void say(const std::string &text) {
    if (progress.isDue())
      progress.show(text);
  }

  void readModelAndRequests() {
    say("compiling");
    SessionOptions session;
    session.artifact = folder.file("observed.tamis");
    session.threads = options.threads;
    compileForCalibration(options.model, session.artifact, {"--observe-states", "--precision=f32"});
    observed.emplace(session);
    ArtifactHeader header(session.artifact);
    found.sourceName = header.sourceName();
    found.sourceHash = header.sourceHash();
    requests = readRequests(options.requests, observed->model());
    found.requestCount = requests.size();
    found.requestsHash = hashOf(requests);
    if (!options.labels.empty())
      takeLabels();
    if (options.skipsExperts())
      found.profileHash = hashOfProfile(options.profile);
  }

  void takeLabels() {
    labels = readLabels(options.labels);
    if (labels.size() != requests.size())
      throw ToolError(ExitCode::Refused,
                      fmt::format("{}: has {} labels for the {} requests of {}; give one for each",
                                  options.labels, labels.size(), requests.size(), options.requests));
    found.labelsHash = fmt::format("{:016x}", Hash::of(labels.data(), labels.size() * sizeof(int64_t)));
  }

  /// Of all that the search depends on. Its time and its threads change nothing of what it sees.
  std::string keyOfState() const {
    nlohmann::ordered_json known = {
        tamis_version(),         found.sourceHash,      found.requestsHash, found.labelsHash,
        options.precisions,      options.measured,      options.lossName,   options.promise.eps,
        options.promise.alpha,   options.promise.delta, options.layers,     options.groups,
        options.minimum,         options.first,         options.last,       options.zerosForDropped,
        options.restoresDropped, options.pool,          options.rules,      options.queryCount,
        found.profileHash,       options.skips,         options.seed};
    // Names of outputs need not be UTF-8.
    std::string text = known.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return fmt::format("{:016x}", Hash::of(text.data(), text.size()));
  }

  void fit(CalibrationState &state) {
    if (!state.fit())
      state.setFit(fitStates(options, *observed, requests, found.split.searched, progress));
    found.fit = *state.fit();
    observed.reset();
  }

  void certify(CalibrationTrials &trials) {
    found.proofs = certifyVariants(options, requests, found.split, found.search, trials, progress);
    if (std::ranges::all_of(found.proofs, [](const VariantProof &proof) { return proof.steps == 0; })) {
      std::string advice =
          "allow a greater --eps or --alpha, give more requests, or try other --layers or --rule";
      if (options.pool != "mapped")
        advice += ", or --restore --pool mapped where the answer is of a mean over tokens";
      if (found.search.untried == 0)
        CalibrationState::remove(CalibrationState::pathOf(options.output));
      else
        advice = fmt::format("{} of {} candidates were left untried; call it again with a greater "
                             "--budget-time, or without, to go on",
                             found.search.untried, found.search.possible);
      bool leavesOut = std::ranges::any_of(
          options.rules, [](const std::string &name) { return !CalibrationRule::named(name).merges(); });
      throw ToolError(ExitCode::Refused,
                      fmt::format("{}: no share of tokens can be {} within eps {:g} at alpha {:g}: {}",
                                  options.model, leavesOut ? "left out" : "merged", options.promise.eps,
                                  options.promise.alpha, advice));
    }
    found.chosen = chooseFastest(found.proofs, requests, found.split, found.search, trials, progress);
  }

  void measureAccuracy(CalibrationTrials &trials) {
    const VariantProof &proof = found.proof();
    double dense = 0, chosen = 0;
    for (size_t i : found.split.tested) {
      dense += trials.isDenseRight(i);
      chosen += trials.isRight(proof.variant,
                               proof.knobsAt(found.search, found.split.groupOf(requests[i]), proof.steps), i);
      say("measuring accuracy");
    }
    auto count = static_cast<double>(found.split.tested.size());
    found.accuracy = Accuracy{dense / count, chosen / count};
  }

  const CalibrationOptions &options;
  TemporaryFolder folder;
  Progress progress;
  std::optional<Session> observed;
  std::vector<Request> requests;
  std::vector<int64_t> labels; // of the requests; empty: there are none
  CalibrationFindings found;
};

} // namespace

CalibrationResult calibrate(const CalibrationOptions &options) { return Calibrator(options).run(); }

void removeCalibrationState(const CalibrationOptions &options) {
  CalibrationState::remove(CalibrationState::pathOf(options.output));
}

} // namespace tamis::tools
