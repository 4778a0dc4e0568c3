//===- Calibration.cpp - Which tokens may be left out, and how surely -----------------===//

#include "Calibration.h"

#include "ArtifactHeader.h"
#include "CalibrationFit.h"
#include "CalibrationPolicy.h"
#include "CalibrationSearch.h"
#include "CalibrationTrials.h"
#include "ExitCode.h"
#include "Labels.h"
#include "runtime/src/Hash.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace tamis::tools {

using calibration::Tested;

namespace {

void checkOptions(const CalibrationOptions &options) {
  if (options.layers.empty() || !std::ranges::is_sorted(options.layers) ||
      std::set(options.layers.begin(), options.layers.end()).size() != options.layers.size())
    throw ToolError(ExitCode::Usage, "--layers are to ascend, each once");
  if (options.layers.size() > 3)
    throw ToolError(ExitCode::Usage, "--layers has more than three layers, which is too many to search");
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
    for (const auto &[name, tensor] : request.inputs)
      hash.update(tensor.value().data, tensor.bytes());
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
    found.fit = fitStates(options, *observed, requests, found.split.searched, progress);
    observed.reset();
    CalibrationTrials trials(options, requests, labels, found.fit, folder, progress);
    trials.runDense();
    found.search = searchShares(options, requests, found.split, trials, progress);
    found.baselines = compareBaselines(found.split, trials, progress);
    certify(trials);
    measureTimes(trials);
    if (!labels.empty() && options.metric != "none")
      measureAccuracy(trials);
    found.output = trials.output();
    return {certifiedPolicy(options, found).dump(1) + "\n", calibrationSummary(options, found)};
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
    const schema::Provenance &provenance = *header.header().provenance();
    found.sourceName = provenance.source_name()->str();
    found.sourceHash = fmt::format("{:016x}", provenance.source_hash());
    requests = readRequests(options.requests, observed->model());
    found.requestCount = requests.size();
    found.requestsHash = hashOf(requests);
    if (!options.labels.empty())
      takeLabels();
  }

  void takeLabels() {
    labels = readLabels(options.labels);
    if (labels.size() != requests.size())
      throw ToolError(ExitCode::Refused,
                      fmt::format("{}: has {} labels for the {} requests of {}; give one for each",
                                  options.labels, labels.size(), requests.size(), options.requests));
    found.labelsHash = fmt::format("{:016x}", Hash::of(labels.data(), labels.size() * sizeof(int64_t)));
  }

  void certify(CalibrationTrials &trials) {
    size_t groups = found.split.groupCount();
    for (size_t group = 0; group < groups; ++group) {
      double denseCost = 0;
      for (size_t i : found.split.searched)
        if (found.split.groupOf(requests[i]) == group)
          denseCost += static_cast<double>(requests[i].length * found.fit.layerCount);
      std::vector<size_t> of;
      for (size_t i : found.split.tested)
        if (found.split.groupOf(requests[i]) == group)
          of.push_back(i);
      calibration::Promise promise = options.promise;
      promise.delta /= static_cast<double>(groups);
      std::vector<double> losses;
      std::vector<size_t> rungs = calibration::ladder(found.search.measured[group], promise, denseCost);
      found.results.push_back(
          calibration::certify(rungs, promise, [&](size_t candidate) -> const std::vector<double> & {
            say(fmt::format("testing group {} of {}", group + 1, groups));
            losses = trials.losses("linear", found.search.candidates[candidate], of);
            return losses;
          }));
      auto passed =
          std::ranges::count_if(found.results.back(), [](const Tested &test) { return test.passed; });
      found.steps = std::max(found.steps, static_cast<size_t>(passed));
    }
    if (found.steps == 0)
      throw ToolError(
          ExitCode::Refused,
          fmt::format("{}: no share of tokens can be left out within eps {:g} at alpha {:g}: {}",
                      options.model, options.promise.eps, options.promise.alpha,
                      "allow a greater --eps or --alpha, give more requests, or try other --layers"));
  }

  /// The last step beside the dense one on the requests that were tested, in turns.
  void measureTimes(CalibrationTrials &trials) {
    for (int round = 0; round < 3; ++round)
      for (bool isDense : {true, false}) {
        double sum = 0;
        for (size_t i : found.split.tested)
          sum += trials.time(isDense ? trials.denseShares()
                                     : found.sharesAt(found.split.groupOf(requests[i]), found.steps),
                             i);
        double &least = isDense ? found.denseTime : found.chosenTime;
        least = round == 0 ? sum : std::min(least, sum);
        say("measuring times");
      }
  }

  void measureAccuracy(CalibrationTrials &trials) {
    double dense = 0, chosen = 0;
    for (size_t i : found.split.tested) {
      dense += trials.isDenseRight(i);
      chosen += trials.isRight(found.sharesAt(found.split.groupOf(requests[i]), found.steps), i);
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

} // namespace tamis::tools
