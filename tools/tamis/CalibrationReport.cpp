//===- CalibrationReport.cpp - What a calibration found, for people and programs --------===//

#include "CalibrationReport.h"

#include "tamis/runtime.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::ordered_json;

const CalibrationReport::Candidate *CalibrationReport::Group::chosen() const {
  const Candidate *last = nullptr;
  for (const calibration::Tested &test : tests)
    if (test.passed)
      last = &candidates[test.candidate];
  return last;
}

std::vector<CalibrationReport::Bin> CalibrationReport::lossHistogram() const {
  constexpr size_t count = 40;
  // With eps in it, so that one sees how far the losses are from it.
  double greatest = promise.eps;
  for (const Outcome &outcome : outcomes)
    if (std::isfinite(outcome.loss))
      greatest = std::max(greatest, outcome.loss);
  std::vector<Bin> bins;
  double width = (greatest > 0 ? greatest : 1) / count;
  for (size_t i = 0; i < count; ++i)
    bins.push_back({width * static_cast<double>(i), width * static_cast<double>(i + 1), 0});
  for (const Outcome &outcome : outcomes)
    // Rounding makes some cosines greater than 1.
    if (std::isfinite(outcome.loss))
      ++bins[std::min(static_cast<size_t>(std::max(outcome.loss, 0.0) / width), count - 1)].count;
  return bins;
}

std::vector<CalibrationReport::LengthRange> CalibrationReport::keptByLength() const {
  constexpr size_t most = 8;
  std::vector<const Outcome *> sorted;
  for (const Outcome &outcome : outcomes)
    sorted.push_back(&outcome);
  std::ranges::sort(sorted, {}, &Outcome::length);
  std::vector<LengthRange> ranges;
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = std::min(begin + (sorted.size() + most - 1) / most, sorted.size());
    // Requests of one length are in one range.
    while (end < sorted.size() && sorted[end]->length == sorted[end - 1]->length)
      ++end;
    LengthRange range{sorted[begin]->length, sorted[end - 1]->length, static_cast<int64_t>(end - begin), {}};
    for (size_t layer = 0; layer < layers.size(); ++layer) {
      int64_t all = 0, kept = 0;
      for (size_t i = begin; i < end; ++i) {
        all += sorted[i]->length;
        kept += sorted[i]->kept[layer];
      }
      range.kept.push_back(all ? static_cast<double>(kept) / static_cast<double>(all) : 1);
    }
    ranges.push_back(std::move(range));
    begin = end;
  }
  return ranges;
}

std::vector<std::string> CalibrationReport::comparisons() const {
  std::vector<std::string> sentences;
  for (const Baseline &score : baselines) {
    if (score.rule != "linear")
      continue;
    std::string beaten, unbeaten;
    for (const Baseline &other : baselines) {
      if (other.rule == "linear" || other.keep != score.keep)
        continue;
      std::string &list = score.meanLoss < other.meanLoss ? beaten : unbeaten;
      list += fmt::format("{}{} ({:.4g})", list.empty() ? "" : " and ", other.rule, other.meanLoss);
    }
    sentences.push_back(fmt::format("Where {:g}% of the tokens are kept, the score loses {:.4g} on average: ",
                                    100 * score.keep, score.meanLoss));
    if (!beaten.empty())
      sentences.back() += fmt::format("less than {}{}", beaten, unbeaten.empty() ? "." : ", but ");
    if (!unbeaten.empty())
      sentences.back() += fmt::format("it does not beat {}.", unbeaten);
  }
  return sentences;
}

static Json knobsOf(const CalibrationReport::Candidate &candidate) {
  Json knobs = {{"keep", candidate.keep}};
  if (candidate.skip)
    knobs["skip"] = *candidate.skip;
  return knobs;
}

Json jsonOf(const calibration::Tested &test) {
  return {{"requests", test.requests},
          {"violations", test.violations},
          {"p_value", test.pValue},
          {"bound", test.bound},
          {"passed", test.passed}};
}

static Json groupJson(const CalibrationReport::Group &group) {
  Json candidates = Json::array(), tests = Json::array();
  for (const CalibrationReport::Candidate &candidate : group.candidates) {
    Json entry = knobsOf(candidate);
    entry.update({{"rows", candidate.rows},
                  {"operations", candidate.operations},
                  {"violations", candidate.violations}});
    candidates.push_back(std::move(entry));
  }
  for (const calibration::Tested &test : group.tests) {
    Json entry = knobsOf(group.candidates[test.candidate]);
    entry.update(jsonOf(test));
    tests.push_back(std::move(entry));
  }
  const CalibrationReport::Candidate *chosen = group.chosen();
  return {{"name", group.name},
          {"searched", group.searched},
          {"chosen", chosen ? Json(chosen->keep) : Json()},
          {"candidates", std::move(candidates)},
          {"tests", std::move(tests)}};
}

static Json outcomeJson(const CalibrationReport::Outcome &outcome) {
  return {{"name", outcome.name}, {"length", outcome.length}, {"loss", outcome.loss}, {"kept", outcome.kept}};
}

template <typename Value> static Json orNull(const std::optional<Value> &value) {
  return value ? Json(*value) : Json();
}

nlohmann::ordered_json jsonOf(const CalibrationReport &report) {
  Json json = {{"schema", "tamis.calibration.v1"},
               {"version", tamis_version()},
               {"model", report.model},
               {"requests",
                {{"source", report.requests},
                 {"searched", report.searched},
                 {"tested", report.tested},
                 {"seed", report.seed}}},
               {"precision", report.precision},
               {"reference", report.reference},
               {"precisions", report.precisions},
               {"rule", report.rule},
               {"rules", report.rules},
               {"loss", report.loss},
               {"output", report.output},
               {"eps", report.promise.eps},
               {"alpha", report.promise.alpha},
               {"delta", report.promise.delta},
               {"chosen_step", report.chosenStep},
               {"layers", report.layers},
               {"correlations", report.correlations},
               {"possible", report.possible},
               {"untried", report.untried},
               {"accuracy", Json()}};
  if (report.accuracy)
    json["accuracy"] = {{"dense", report.accuracy->dense}, {"chosen", report.accuracy->chosen}};
  for (const char *list : {"groups", "baselines"})
    json[list] = Json::array();
  for (const CalibrationReport::Group &group : report.groups)
    json["groups"].push_back(groupJson(group));
  for (const CalibrationReport::Baseline &baseline : report.baselines)
    json["baselines"].push_back({{"rule", baseline.rule},
                                 {"keep", baseline.keep},
                                 {"mean_loss", baseline.meanLoss},
                                 {"median_loss", baseline.medianLoss},
                                 {"p95_loss", baseline.p95Loss}});
  json["comparisons"] = report.comparisons();
  json["times"] = {{"requests", report.tested},
                   {"dense_ms", report.denseMs},
                   {"chosen_ms", report.chosenMs},
                   {"onnxruntime_ms_per_request", orNull(report.onnxRuntimeMs)}};
  for (const char *list : {"loss_histogram", "kept_by_length", "outcomes", "worst"})
    json[list] = Json::array();
  for (const CalibrationReport::Bin &bin : report.lossHistogram())
    json["loss_histogram"].push_back({{"from", bin.from}, {"to", bin.to}, {"count", bin.count}});
  for (const CalibrationReport::LengthRange &range : report.keptByLength())
    json["kept_by_length"].push_back({{"shortest", range.shortest},
                                      {"longest", range.longest},
                                      {"requests", range.requests},
                                      {"kept", range.kept}});
  for (const CalibrationReport::Outcome &outcome : report.outcomes)
    json["outcomes"].push_back(outcomeJson(outcome));
  for (const CalibrationReport::WorstRequest &worst : report.worst) {
    Json request = outcomeJson(worst.outcome);
    request["tokens"] = Json::array();
    for (const CalibrationReport::Token &token : worst.tokens)
      request["tokens"].push_back({{"id", orNull(token.id)},
                                   {"text", token.text.empty() ? Json() : Json(token.text)},
                                   {"left_out_before_layer", orNull(token.leftOutBefore)}});
    json["worst"].push_back(std::move(request));
  }
  return json;
}

} // namespace tamis::tools
