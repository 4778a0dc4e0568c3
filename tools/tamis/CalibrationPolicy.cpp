//===- CalibrationPolicy.cpp - What a calibration found, as a policy and in words -----------===//

#include "CalibrationPolicy.h"

#include "PolicyCertificate.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

namespace tamis::tools {

using Json = nlohmann::ordered_json;
using calibration::Tested;

namespace {

/// As a policy has it (docs/pruning.md).
Json mapJson(const calibration::RestoreMap &map) {
  std::span<const std::byte> bytes = std::as_bytes(std::span(map.weights));
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (std::byte byte : bytes)
    fmt::format_to(std::back_inserter(digits), "{:02x}", std::to_integer<int>(byte));
  return {{"map", digits}, {"bias", map.bias}};
}

Json pointsOf(const CalibrationOptions &options, const CalibrationFit &fit, const CalibrationRule &rule) {
  Json list = Json::array();
  for (size_t i = 0; i < options.layers.size(); ++i) {
    Json point = {{"layer", options.layers[i]}};
    if (!rule.merges())
      point["rule"] = rule.rule;
    if (rule.rule == "linear")
      point["weights"] = fit.sieves[i].weights;
    if (rule.readsAttention())
      point.update({{"queries", rule.queries}, {"count", options.queryCount}, {"values", rule.values}});
    point.update({{"minimum", options.minimum}, {"first", options.first}, {"last", options.last}});
    if (options.restoresDropped)
      point["restore"] = mapJson(fit.maps[i]);
    list.push_back(std::move(point));
  }
  return list;
}

/// The list of points that a policy has.
const char *partOf(const CalibrationRule &rule) { return rule.merges() ? "merge" : "prune"; }

/// The key of a step that has their shares.
const char *sharesOf(const CalibrationRule &rule) { return rule.merges() ? "stay" : "keep"; }

/// What is left out or merged, and what stands for it.
Json tokensOf(const CalibrationOptions &options, const CalibrationFit &fit, const CalibrationRule &rule) {
  Json tokens = {{partOf(rule), pointsOf(options, fit, rule)}};
  if (rule.merges())
    tokens["dropped"] = options.zerosForDropped ? "zeros" : "merged";
  else if (options.restoresDropped)
    tokens.update({{"dropped", "restore"}, {"pool", options.pool}});
  else
    tokens["dropped"] = options.zerosForDropped ? "zeros" : "refuse";
  return tokens;
}

Json certificateOf(const CalibrationOptions &options, const CalibrationFindings &findings) {
  const RequestSplit &split = findings.split;
  Json groups = Json::array();
  for (size_t group = 0; group < split.groupCount(); ++group) {
    Json tests = Json::array();
    for (const Tested &result : findings.proof().tests[group]) {
      const CalibrationKnobs &knobs = findings.search.candidates[result.candidate];
      Json test = {{"keep", numbersOf(knobs.keep)}};
      if (options.skipsExperts())
        test["skip"] = numberOf(knobs.skip);
      test.update(jsonOf(result));
      tests.push_back(std::move(test));
    }
    groups.push_back(
        {{"longest", group < split.bounds.size() ? Json(split.bounds[group]) : Json()}, {"tests", tests}});
  }
  Json requests = {{"count", findings.requestCount},
                   {"searched", split.searched.size()},
                   {"tested", split.tested.size()},
                   {"hash", findings.requestsHash}};
  if (!findings.labelsHash.empty())
    requests["labels_hash"] = findings.labelsHash;
  requests["seed"] = options.seed;
  Json certificate = {{"model", {{"source_name", findings.sourceName}, {"source_hash", findings.sourceHash}}},
                      {"precision", findings.proof().variant.precision},
                      {"reference", options.reference()}};
  if (options.skipsExperts())
    certificate["profile_hash"] = findings.profileHash;
  // Delta was divided among them.
  if (options.precisions.size() > 1)
    certificate["precisions"] = options.precisions;
  if (options.rules.size() > 1)
    certificate["rules"] = options.rules;
  certificate.update({{"loss", options.lossName},
                      {"output", fmt::to_string(fmt::join(findings.outputs, ","))},
                      {"eps", options.promise.eps},
                      {"alpha", options.promise.alpha},
                      {"delta", options.promise.delta},
                      {"requests", requests},
                      {"groups", groups}});
  return certificate;
}

Json stepsOf(const CalibrationOptions &options, const CalibrationFindings &findings) {
  const CalibrationRule &rule = CalibrationRule::named(findings.proof().variant.rule);
  Json list = Json::array();
  for (size_t step = 1; step <= findings.proof().steps; ++step) {
    Json keep = Json::array();
    for (size_t layer = 0; layer < options.layers.size(); ++layer) {
      std::vector<float> shares;
      for (size_t group = 0; group < findings.split.groupCount(); ++group)
        shares.push_back(findings.proof().knobsAt(findings.search, group, step).keep[layer]);
      keep.push_back(numbersOf(shares));
    }
    list.push_back({{"name", fmt::format("step-{}", step)}, {sharesOf(rule), keep}});
    // With experts there is one group of lengths, for a threshold is of a whole run.
    if (options.skipsExperts())
      list.back()["skip"] = numberOf(findings.proof().knobsAt(findings.search, 0, step).skip);
  }
  return list;
}

/// Those of a variant, if anything of it was certified.
Json timesOf(const VariantProof &proof) {
  if (proof.steps == 0)
    return {{"certified", false}};
  return {{"certified", true}, {"dense_ms", proof.denseTime}, {"chosen_ms", proof.chosenTime}};
}

Json measuredOf(const CalibrationOptions &options, const CalibrationFindings &findings) {
  Json baselines = Json::array();
  for (const Baseline &line : findings.baselines)
    baselines.push_back({{"rule", line.rule},
                         {"keep", line.share},
                         {"mean_loss", line.meanLoss},
                         {"median_loss", line.medianLoss},
                         {"p95_loss", line.p95Loss}});
  const VariantProof &proof = findings.proof();
  Json measured = {{"speedup", proof.denseTime / proof.chosenTime},
                   {"dense_ms", proof.denseTime},
                   {"chosen_ms", proof.chosenTime}};
  if (options.rules.size() > 1)
    for (const VariantProof &of : findings.proofs) {
      Json variant = {{"precision", of.variant.precision}, {"rule", of.variant.rule}};
      variant.update(timesOf(of));
      measured["variants"].push_back(std::move(variant));
    }
  else if (options.precisions.size() > 1)
    for (const VariantProof &of : findings.proofs)
      measured["precisions"][of.variant.precision] = timesOf(of);
  if (findings.search.untried > 0)
    measured["untried"] = findings.search.untried;
  if (findings.accuracy)
    measured["accuracy"] = {{"dense", findings.accuracy->dense}, {"chosen", findings.accuracy->chosen}};
  measured["baselines"] = baselines;
  return measured;
}

} // namespace

double numberOf(float share) {
  // The number of the fewest digits that is this float and no other: what was tested, and readable.
  std::array<char, 32> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size() - 1, share);
  return std::strtod(digits.data(), nullptr);
}

std::vector<double> numbersOf(const std::vector<float> &shares) {
  std::vector<double> numbers;
  for (float share : shares)
    numbers.push_back(numberOf(share));
  return numbers;
}

Json trialPolicy(const CalibrationOptions &options, const CalibrationFit &fit, const std::string &name) {
  const CalibrationRule &rule = CalibrationRule::named(name);
  Json tokens = tokensOf(options, fit, rule);
  tokens["steps"] =
      Json::array({{{"name", "trial"}, {sharesOf(rule), std::vector<int>(options.layers.size(), 1)}}});
  if (options.skipsExperts())
    tokens["steps"][0]["skip"] = 0;
  return {{"schema", "tamis.policy.v1"}, {"tokens", tokens}};
}

Json certifiedPolicy(const CalibrationOptions &options, const CalibrationFindings &findings) {
  const CalibrationRule &rule = CalibrationRule::named(findings.proof().variant.rule);
  Json tokens = tokensOf(options, findings.fit, rule);
  for (Json &point : tokens[partOf(rule)])
    point["lengths"] = findings.split.bounds;
  tokens.update(
      {{"steps", stepsOf(options, findings)}, {"chosen", fmt::format("step-{}", findings.proof().steps)}});
  Json policy = {{"schema", "tamis.policy.v1"},
                 {"tokens", tokens},
                 {"certificate", certificateOf(options, findings)},
                 {"measured", measuredOf(options, findings)}};
  policy["certificate"]["policy_hash"] = hashOfPolicy(policy);
  return policy;
}

/// As far as it is not one for all.
static std::string nameOf(const CalibrationOptions &options, const CalibrationVariant &variant) {
  if (options.rules.size() == 1)
    return variant.precision;
  return options.precisions.size() == 1 ? variant.rule
                                        : fmt::format("{} at {}", variant.rule, variant.precision);
}

std::string calibrationSummary(const CalibrationOptions &options, const CalibrationFindings &findings) {
  const RequestSplit &split = findings.split;
  const VariantProof &proof = findings.proof();
  const auto &[precision, rule] = proof.variant;
  std::string text =
      fmt::format("{} requests: {} searched, {} tested; loss {} of '{}' above {:g} for at most {:g} of them, "
                  "with confidence {:g}\n",
                  findings.requestCount, split.searched.size(), split.tested.size(), options.lossName,
                  fmt::to_string(fmt::join(findings.outputs, ",")), options.promise.eps,
                  options.promise.alpha, 1 - options.promise.delta);
  for (size_t i = 0; i < findings.fit.sieves.size() && rule == "linear"; ++i)
    text += fmt::format("layer {}: the score follows what context does for a token with correlation {:.2f}\n",
                        options.layers[i], findings.fit.sieves[i].correlation);
  for (size_t i = 0; i < findings.fit.maps.size(); ++i)
    text +=
        fmt::format("layer {}: what stands for a token that is left out misses {:.1f}% of the variance of "
                    "last states\n",
                    options.layers[i], 100 * findings.fit.maps[i].unexplained);
  for (size_t group = 0; group < split.groupCount(); ++group) {
    std::string shares, name = split.groupName(group);
    CalibrationKnobs knobs = proof.knobsAt(findings.search, group, proof.steps);
    for (double share : numbersOf(knobs.keep))
      shares += fmt::format(" {:g}%", share * 100);
    if (options.skipsExperts())
      shares += fmt::format(", skips experts below {:g}%", 100 * numberOf(knobs.skip));
    const Tested *last = nullptr;
    for (const Tested &test : proof.tests[group])
      last = test.passed ? &test : last;
    text +=
        last ? fmt::format("{}: keeps{}; {} of {} requests beyond eps, at most {:.1f}% by the certificate\n",
                           name, shares, last->violations, last->requests, 100 * last->bound)
             : fmt::format("{}: keeps all; nothing less was certified\n", name);
  }
  if (findings.search.untried > 0)
    text += fmt::format("{} of {} candidates were left untried when the time was over (--budget-time)\n",
                        findings.search.untried, findings.search.possible);
  for (const Baseline &line : findings.baselines)
    text +=
        fmt::format("{} {:g}%: loss {:.4f} on average, {:.4f} in the middle, {:.4f} at the 95th percentile\n",
                    line.rule, 100 * line.share, line.meanLoss, line.medianLoss, line.p95Loss);
  if (findings.accuracy)
    text += fmt::format("accuracy: {:.1f}% instead of {:.1f}% of the {} requests tested\n",
                        100 * findings.accuracy->chosen, 100 * findings.accuracy->dense, split.tested.size());
  text += fmt::format(
      "{:.2f} times as fast as the dense step: {:.1f} ms instead of {:.1f} for the {} requests tested, one "
      "after the other\n",
      proof.denseTime / proof.chosenTime, proof.chosenTime, proof.denseTime, split.tested.size());
  // The ladder goes by operations, whose number is the same each time; they are not all that takes time.
  if (proof.chosenTime > 0.98 * proof.denseTime)
    text += "that is no gain in time: take an earlier layer (--layers), or do without a policy\n";
  if (findings.proofs.size() > 1) {
    for (const VariantProof &of : findings.proofs)
      text += nameOf(options, of.variant) +
              (of.steps > 0 ? fmt::format(": {:.1f} ms, dense {:.1f}\n", of.chosenTime, of.denseTime)
                            : ": nothing was certified\n");
    text += fmt::format("{} is the fastest: compile with --precision={} and this policy\n",
                        nameOf(options, proof.variant), precision);
  }
  return text;
}

} // namespace tamis::tools
