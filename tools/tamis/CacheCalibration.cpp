//===- CacheCalibration.cpp - How little of its caches a decoder may read, and how surely ---===//

#include "CacheCalibration.h"

#include "ArtifactHeader.h"
#include "CacheTrials.h"
#include "CalibrationTrials.h"
#include "ExitCode.h"
#include "File.h"
#include "PolicyCertificate.h"
#include "Progress.h"
#include "RequestSplit.h"
#include "TemporaryFolder.h"
#include "runtime/src/Hash.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using calibration::Measured;
using calibration::Tested;
using Json = nlohmann::ordered_json;

namespace {

/// What a rule's steps count, and the numbers that do not change from step to step.
struct CacheRuleOptions {
  const char *amount; // the key of a step
  int64_t unit;       // tokens of one
  int64_t least;
  Json keys; // of the policy's part 'cache'
};

/// As the policy's reader has them by default (docs/pruning.md).
CacheRuleOptions rulesOf(const std::string &name) {
  if (name == "pages")
    return {
        "pages", 16, 1, {{"rule", name}, {"page", 16}, {"sinks", 4}, {"window", 16}, {"dense_layers", 2}}};
  if (name == "snapkv")
    return {"capacity", 1, 33, {{"rule", name}, {"window", 32}, {"pool", 5}, {"dense_layers", 0}}};
  return {"window", 1, 1, {{"rule", name}, {"sinks", 4}, {"dense_layers", 0}}};
}

std::string hashOf(const std::vector<Tokens> &texts) {
  Hash hash;
  for (const Tokens &text : texts) {
    size_t count = text.size();
    hash.update(&count, sizeof count);
    hash.update(text.data(), count * sizeof(int64_t));
  }
  return fmt::format("{:016x}", hash.finish());
}

/// What the rungs of the ladder came to on the tested half.
struct Rungs {
  std::vector<size_t> candidates;          // from the safest to the fastest
  std::vector<std::vector<double>> losses; // by rung and request
  std::vector<CacheTrial> sums;            // rows of all requests, by rung
};

class CacheCalibrator {
public:
  explicit CacheCalibrator(const CalibrationOptions &options)
      : options(options), rule(rulesOf(options.cacheRule)), folder("calibrate") {
    if (options.denseLayers)
      rule.keys["dense_layers"] = *options.denseLayers;
  }

  CalibrationResult run() {
    texts = readPromptFile(options.requests, "--requests");
    std::vector<Request> lengths(texts.size());
    for (size_t i = 0; i < texts.size(); ++i)
      lengths[i].length = static_cast<int64_t>(texts[i].size());
    RequestSplit split = splitRequests(lengths, options);
    compile();
    searched = split.searched.size();
    search(split.searched);
    test(split.tested);
    auto passed = std::ranges::find_if(tests, [](const Tested &test) { return !test.passed; });
    steps = static_cast<size_t>(passed - tests.begin());
    if (steps == 0)
      throw ToolError(
          ExitCode::Refused,
          fmt::format("{}: no rows of the caches can be left unread within eps {:g} at alpha {:g} "
                      "by the rule {}; allow a greater --eps or --alpha, or try another rule",
                      options.model, options.promise.eps, options.promise.alpha, options.cacheRule));
    measure(split.tested);
    std::string text = policy().dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    return {std::move(text), summary(), std::nullopt};
  }

private:
  void say(const std::string &text) {
    if (progress.isDue())
      progress.show(text);
  }

  /// One artifact runs all candidates: what a step reads is a setting.
  void compile() {
    say("compiling");
    Json cache = rule.keys;
    cache["steps"] = Json::array({{{"name", "trial"}, {rule.amount, rule.least}}});
    std::string file = folder.file("trial.json"), artifact = folder.file("trial.tamis");
    AtomicFile output(file);
    output.write(Json({{"schema", "tamis.policy.v1"}, {"cache", cache}}).dump());
    output.commit();
    compileForCalibration(options.model, artifact,
                          {"--policy", file, "--allow-uncertified", "--precision=" + options.reference()});
    ArtifactHeader header(artifact);
    sourceName = header.sourceName();
    sourceHash = header.sourceHash();
    logits = header.header().outputs()->Get(header.header().decoder()->logits())->name()->str();
    trials.emplace(options, texts, artifact);
    size_t longest = std::ranges::max_element(texts, {}, &Tokens::size)->size();
    for (double share : {0.75, 0.5, 0.375, 0.25, 0.1875, 0.125, 0.09375, 0.0625, 0.03125, 0.015625}) {
      auto amount =
          static_cast<int64_t>(share * static_cast<double>(longest) / static_cast<double>(rule.unit));
      if (amount >= rule.least && (amounts.empty() || amount < amounts.back()))
        amounts.push_back(amount);
    }
  }

  /// What reads less is not tried any more where more was too little already: the dense logits of a text are
  /// compared with those of all candidates that are left, so that none need be kept.
  void search(const std::vector<size_t> &half) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::vector<Measured> measured(amounts.size());
    double most = options.promise.alpha * static_cast<double>(half.size()), denseCost = 0;
    size_t left = amounts.size();
    for (size_t i = 0; i < half.size() && left > 0; ++i) {
      say(fmt::format("searching: text {} of {}", i + 1, half.size()));
      denseCost += static_cast<double>(trials->runDense(half[i]).rows);
      for (size_t candidate = 0; candidate < left; ++candidate) {
        CacheTrial trial = trials->run(half[i], amounts[candidate]);
        measured[candidate].losses.push_back(trial.loss);
        measured[candidate].cost += static_cast<double>(trial.rowsRead);
        if (static_cast<double>(calibration::violations(measured[candidate].losses, options.promise.eps)) >
            most)
          left = candidate;
      }
    }
    for (size_t candidate = left; candidate < amounts.size(); ++candidate)
      measured[candidate] = {std::vector<double>(half.size(), infinity), infinity};
    rungs.candidates = calibration::ladder(measured, options.promise, denseCost);
  }

  void test(const std::vector<size_t> &half) {
    rungs.losses.resize(rungs.candidates.size());
    rungs.sums.resize(rungs.candidates.size());
    for (size_t i = 0; i < half.size() && !rungs.candidates.empty(); ++i) {
      say(fmt::format("testing: text {} of {}", i + 1, half.size()));
      trials->runDense(half[i]);
      for (size_t rung = 0; rung < rungs.candidates.size(); ++rung) {
        CacheTrial trial = trials->run(half[i], amounts[rungs.candidates[rung]]);
        rungs.losses[rung].push_back(trial.loss);
        rungs.sums[rung].rows += trial.rows;
        rungs.sums[rung].rowsRead += trial.rowsRead;
      }
    }
    size_t rung = 0;
    tests = calibration::certify(rungs.candidates, options.promise,
                                 [&](size_t) -> const std::vector<double> & { return rungs.losses[rung++]; });
  }

  /// Of the steps through all texts tested, reading all rows and as the chosen step does: in turns, the best
  /// of three rounds.
  void measure(const std::vector<size_t> &half) {
    for (int round = 0; round < 3; ++round) {
      double dense = 0, chosen = 0;
      for (size_t text : half) {
        dense += trials->time(text, std::nullopt);
        chosen += trials->time(text, amounts[tests[steps - 1].candidate]);
        say(fmt::format("measuring times, round {} of 3", round + 1));
      }
      denseMs = round == 0 ? dense : std::min(denseMs, dense);
      chosenMs = round == 0 ? chosen : std::min(chosenMs, chosen);
    }
  }

  Json certificate() const {
    Json list = Json::array();
    for (const Tested &test : tests) {
      list.push_back({{rule.amount, amounts[test.candidate]}});
      list.back().update(jsonOf(test));
    }
    return {{"model", {{"source_name", sourceName}, {"source_hash", sourceHash}}},
            {"precision", options.reference()},
            {"reference", options.reference()},
            {"loss", options.lossName},
            {"output", logits},
            {"continuation", options.continuation},
            {"eps", options.promise.eps},
            {"alpha", options.promise.alpha},
            {"delta", options.promise.delta},
            {"requests",
             {{"count", texts.size()},
              {"searched", searched},
              {"tested", texts.size() - searched},
              {"hash", hashOf(texts)},
              {"seed", options.seed}}},
            {"groups", Json::array({{{"longest", nullptr}, {"tests", list}}})}};
  }

  Json policy() const {
    Json cache = rule.keys, list = Json::array();
    for (size_t step = 0; step < steps; ++step)
      list.push_back(
          {{"name", fmt::format("step-{}", step + 1)}, {rule.amount, amounts[tests[step].candidate]}});
    cache["steps"] = list;
    cache["chosen"] = fmt::format("step-{}", steps);
    Json policy = {{"schema", "tamis.policy.v1"},
                   {"cache", cache},
                   {"certificate", certificate()},
                   {"measured",
                    {{"speedup", denseMs / chosenMs},
                     {"dense_ms", denseMs},
                     {"chosen_ms", chosenMs},
                     {"rows_read", shareOf(rungs.sums[steps - 1])}}}};
    policy["certificate"]["policy_hash"] = hashOfPolicy(policy);
    return policy;
  }

  static double shareOf(const CacheTrial &trial) {
    return static_cast<double>(trial.rowsRead) / static_cast<double>(trial.rows);
  }

  std::string summary() const {
    size_t tested = texts.size() - searched;
    std::string text =
        fmt::format("{} texts: {} searched, {} tested; loss {} of '{}', the mean of a text's last {} tokens, "
                    "above {:g} for "
                    "at most {:g} of them, with confidence {:g}\n",
                    texts.size(), searched, tested, options.lossName, logits, options.continuation,
                    options.promise.eps, options.promise.alpha, 1 - options.promise.delta);
    auto tokens = static_cast<double>(static_cast<int64_t>(tested) * options.continuation);
    for (size_t i = 0; i < tests.size(); ++i)
      text += fmt::format(
          "{} {}: reads {:.1f}% of the rows; {} of {} texts beyond eps, {}\n", rule.amount,
          amounts[tests[i].candidate], 100 * shareOf(rungs.sums[i]), tests[i].violations, tests[i].requests,
          tests[i].passed ? fmt::format("at most {:.1f}% by the certificate", 100 * tests[i].bound)
                          : "which proves nothing");
    text += fmt::format("{:.2f} times as fast as the dense step: {:.3f} ms a token instead of {:.3f}\n",
                        denseMs / chosenMs, chosenMs / tokens, denseMs / tokens);
    if (chosenMs > 0.98 * denseMs)
      text +=
          "that is no gain in time: the caches are too short for their rows to count, do without a policy\n";
    return text;
  }

  const CalibrationOptions &options;
  CacheRuleOptions rule;
  TemporaryFolder folder;
  Progress progress;
  std::vector<Tokens> texts;
  std::string sourceName, sourceHash, logits;
  std::optional<CacheTrials> trials;
  std::vector<int64_t> amounts; // of the candidates, falling
  size_t searched = 0;          // texts
  Rungs rungs;
  std::vector<Tested> tests;
  size_t steps = 0;                 // that passed
  double denseMs = 0, chosenMs = 0; // of the steps through all texts tested
};

void checkOptions(const CalibrationOptions &options) {
  if (options.loss != Loss::KullbackLeibler && options.loss != Loss::Argmax)
    throw ToolError(
        ExitCode::Usage,
        fmt::format("--cache compares the logits of new tokens, which have the losses kl and argmax, "
                    "not {}; give --loss",
                    options.lossName));
  if (options.precisions.size() != 1)
    throw ToolError(ExitCode::Usage, "--cache is calibrated at one precision; give --precision one");
}

} // namespace

CalibrationResult calibrateCache(const CalibrationOptions &options) {
  checkOptions(options);
  // A step reads as many rows whatever the length of its text.
  CalibrationOptions ofOneGroup = options;
  ofOneGroup.groups = 1;
  return CacheCalibrator(ofOneGroup).run();
}

} // namespace tamis::tools
