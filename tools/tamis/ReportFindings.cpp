//===- ReportFindings.cpp - A report of what a calibration found ----------------------------===//

#include "ReportFindings.h"

#include "KeptTokens.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <utility>

namespace tamis::tools {

namespace {

/// A tested request at the chosen step, with the tokens that stay behind each layer.
struct Observed {
  CalibrationReport::Outcome outcome;
  std::vector<std::vector<int64_t>> kept;
  std::vector<int64_t> ids;
};

std::vector<Observed> observeChosen(const CalibrationOptions &options, const CalibrationFindings &findings,
                                    const std::vector<Request> &requests, CalibrationTrials &trials,
                                    Progress &progress) {
  const VariantProof &proof = findings.proof();
  KeptTokens kept;
  trials.observe(proof.variant, {KeptTokens::observe, &kept});
  std::vector<Observed> all;
  for (size_t i : findings.split.tested) {
    if (progress.isDue())
      progress.show(
          fmt::format("observing the chosen step: {} of {}", all.size() + 1, findings.split.tested.size()));
    CalibrationKnobs knobs = proof.knobsAt(findings.search, findings.split.groupOf(requests[i]), proof.steps);
    kept.beginRun();
    double loss = trials.losses(proof.variant, knobs, {i}).front();
    Observed observed{{requests[i].name, requests[i].length, loss, {}}, kept.ofRun(), trials.tokensOf(i)};
    for (const std::vector<int64_t> &tokens : observed.kept)
      observed.outcome.kept.push_back(static_cast<int64_t>(tokens.size()));
    all.push_back(std::move(observed));
  }
  trials.observe(proof.variant, {});
  return all;
}

CalibrationReport::WorstRequest worstRequest(const CalibrationOptions &options, const Observed &observed) {
  CalibrationReport::WorstRequest worst{observed.outcome, {}};
  worst.tokens.resize(static_cast<size_t>(worst.outcome.length));
  bool isKnown = observed.ids.size() == worst.tokens.size();
  for (size_t i = 0; i < worst.tokens.size(); ++i) {
    if (isKnown)
      worst.tokens[i].id = observed.ids[i];
    for (size_t place = 0; place < observed.kept.size() && !worst.tokens[i].leftOutBefore; ++place)
      if (!std::ranges::binary_search(observed.kept[place], static_cast<int64_t>(i)))
        worst.tokens[i].leftOutBefore = options.layers[place];
  }
  return worst;
}

/// What the search and the tests saw of a group with the chosen variant. Candidates that were not tried are
/// not among its own, by whose numbers its tests go.
CalibrationReport::Group describeGroup(const CalibrationOptions &options, const CalibrationFindings &findings,
                                       const std::vector<Request> &requests, CalibrationTrials &trials,
                                       size_t group) {
  const CalibrationSearch &search = findings.search;
  const VariantProof &proof = findings.proof();
  CalibrationReport::Group described;
  described.name = findings.split.groupName(group);
  std::vector<size_t> of;
  double denseCost = 0, denseRows = 0;
  for (size_t i : findings.split.searched)
    if (findings.split.groupOf(requests[i]) == group) {
      of.push_back(i);
      const CalibrationWork &work = trials.denseWork(proof.variant.precision, i);
      denseCost += static_cast<double>(work.operations);
      denseRows += static_cast<double>(work.rows);
    }
  described.searched = static_cast<int64_t>(of.size());
  std::vector<size_t> numbers(search.candidates.size());
  for (size_t c = 0; c < search.candidates.size(); ++c) {
    const calibration::Measured &measured = search.measured[findings.chosen][group][c];
    bool isDense = c == search.dense();
    if (!isDense && !std::isfinite(measured.cost))
      continue;
    numbers[c] = described.candidates.size();
    CalibrationReport::Candidate candidate{numbersOf(search.candidates[c].keep), 1, 0};
    if (options.skipsExperts())
      candidate.skip = numberOf(search.candidates[c].skip);
    candidate.violations = calibration::violations(
        isDense ? trials.denseLosses(proof.variant.precision, of) : measured.losses, options.promise.eps);
    if (!isDense) {
      candidate.rows = static_cast<double>(search.rows[findings.chosen][group][c]) / denseRows;
      candidate.operations = measured.cost / denseCost;
    }
    described.candidates.push_back(std::move(candidate));
  }
  described.tests = proof.tests[group];
  for (calibration::Tested &test : described.tests)
    test.candidate = numbers[test.candidate];
  return described;
}

} // namespace

CalibrationReport reportFindings(const CalibrationOptions &options, const CalibrationFindings &findings,
                                 const std::vector<Request> &requests, CalibrationTrials &trials,
                                 Progress &progress) {
  CalibrationReport report;
  report.model = std::filesystem::path(options.model).filename();
  report.requests = std::filesystem::path(options.requests).filename();
  report.precision = findings.proof().variant.precision;
  report.rule = findings.proof().variant.rule;
  report.merges = CalibrationRule::named(report.rule).merges();
  report.rules = options.rules;
  report.reference = options.reference();
  report.precisions = options.precisions;
  report.loss = options.lossName;
  report.output = fmt::to_string(fmt::join(findings.outputs, ","));
  report.chosenStep = fmt::format("step-{}", findings.proof().steps);
  report.promise = options.promise;
  report.searched = findings.split.searched.size();
  report.tested = findings.split.tested.size();
  report.seed = options.seed;
  report.layers = options.layers;
  for (const calibration::Sieve &sieve : findings.fit.sieves)
    report.correlations.push_back(sieve.correlation);
  report.possible = findings.search.possible;
  report.untried = findings.search.untried;
  report.accuracy = findings.accuracy;
  for (size_t group = 0; group < findings.split.groupCount(); ++group)
    report.groups.push_back(describeGroup(options, findings, requests, trials, group));
  for (const Baseline &line : findings.baselines)
    report.baselines.push_back({line.rule, line.share, line.meanLoss, line.medianLoss, line.p95Loss});
  report.denseMs = findings.proof().denseTime;
  report.chosenMs = findings.proof().chosenTime;

  std::vector<Observed> observed = observeChosen(options, findings, requests, trials, progress);
  for (const Observed &request : observed)
    report.outcomes.push_back(request.outcome);
  std::vector<size_t> byLoss(observed.size());
  std::iota(byLoss.begin(), byLoss.end(), 0);
  std::ranges::sort(byLoss, {}, [&](size_t i) { return std::pair(-observed[i].outcome.loss, i); });
  constexpr size_t shown = 10;
  for (size_t i = 0; i < std::min(shown, byLoss.size()); ++i)
    report.worst.push_back(worstRequest(options, observed[byLoss[i]]));
  return report;
}

} // namespace tamis::tools
