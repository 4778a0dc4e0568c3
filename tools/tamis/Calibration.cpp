//===- Calibration.cpp - Which tokens may be left out, and how surely -----------------===//

#include "Calibration.h"

#include "ArtifactHeader.h"
#include "ExitCode.h"
#include "ExternalTool.h"
#include "File.h"
#include "KeptTokens.h"
#include "PolicyCertificate.h"
#include "Progress.h"
#include "Requests.h"
#include "Session.h"
#include "TemporaryFolder.h"
#include "runtime/src/Clock.h"
#include "runtime/src/Hash.h"
#include "tamis/Calibration/Binomial.h"
#include "tamis/Calibration/Sieve.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <set>

namespace tamis::tools {

using Json = nlohmann::ordered_json;
using calibration::Measured;
using calibration::States;
using calibration::Tested;

namespace {

/// More rows than these make a fit no better, only slower.
constexpr int64_t kMostRows = 40000;

/// A value with memory of its own.
Tensor copyOf(const TamisValue &value) {
  Tensor copy = Tensor::allocate(value.type, dimsOf(value), "an output");
  if (copy.bytes())
    std::memcpy(copy.data(), value.data, copy.bytes());
  return copy;
}

/// What is shown of the layers that are asked for, and behind the last.
class StateCollector {
public:
  explicit StateCollector(const std::vector<int64_t> &layers) {
    for (int64_t layer : layers)
      from[layer];
  }
  static void observe(void *user, const TamisStateObservation *observation) {
    auto *self = static_cast<StateCollector *>(user);
    // Generated code is not to be unwound.
    try {
      self->add(*observation);
    } catch (...) {
      self->thrown = std::current_exception();
    }
  }
  /// To be called behind each run. The states of the last observation are those of the end.
  void endRun() {
    if (thrown)
      std::rethrow_exception(thrown);
    append(to, last);
    lastLayer = last.layer;
  }

  std::map<int64_t, States> from;
  States to;
  int64_t lastLayer = -1;

private:
  struct Seen {
    int64_t layer = -1;
    States states;
  };
  void add(const TamisStateObservation &seen) {
    const float *end = seen.states + seen.rows * seen.columns;
    last = {seen.layer, {seen.columns, {seen.states, end}}};
    if (auto wanted = from.find(seen.layer); wanted != from.end())
      append(wanted->second, last);
  }
  static void append(States &all, const Seen &seen) {
    all.columns = seen.states.columns;
    all.data.insert(all.data.end(), seen.states.data.begin(), seen.states.data.end());
  }
  Seen last;
  std::exception_ptr thrown;
};

/// Everything on the way from requests to a policy.
class Calibrator {
public:
  explicit Calibrator(const CalibrationOptions &options) : options(options), folder("calibrate") {}

  CalibrationResult run() {
    checkOptions();
    compileModel("observed", {"--observe-states", "--precision=f32"});
    observed.emplace(sessionOptions("observed"));
    requests = readRequests(options.requests, observed->model());
    split();
    fit();
    runDense();
    search();
    certify();
    measureTimes();
    std::optional<CalibrationReport> made;
    if (!options.report.empty()) {
      observeChosen();
      made = report();
    }
    return {policy().dump(1) + "\n", summary(), std::move(made)};
  }

private:
  void say(const std::string &text) {
    if (progress.isDue())
      progress.show(text);
  }

  void checkOptions() {
    if (options.layers.empty() || !std::ranges::is_sorted(options.layers) ||
        std::set(options.layers.begin(), options.layers.end()).size() != options.layers.size())
      throw ToolError(ExitCode::Usage, "--layers are to ascend, each once");
    if (options.layers.size() > 3)
      throw ToolError(ExitCode::Usage, "--layers has more than three layers, which is too many to search");
  }

  SessionOptions sessionOptions(const std::string &name) const {
    SessionOptions session;
    session.artifact = folder.file(name + ".tamis");
    session.threads = options.threads;
    return session;
  }

  void compileModel(const std::string &name, std::vector<std::string> words) {
    say("compiling");
    words.insert(words.begin(),
                 {options.model, "-o", folder.file(name + ".tamis"), "--quiet", "--target=native"});
    if (int code = callExternalTool("tamis-compile", words))
      throw ToolError(static_cast<ExitCode>(code),
                      fmt::format("{}: cannot be calibrated, since it was not compiled", options.model));
  }

  /// One half is searched on, the other tested on. The groups of lengths have as many requests each, about.
  void split() {
    int64_t needed = calibration::trialsNeeded(options.promise.alpha, options.promise.delta, 0);
    std::vector<size_t> order(requests.size());
    std::iota(order.begin(), order.end(), 0);
    // std::shuffle is another one in every library.
    std::mt19937_64 random(options.seed);
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random() % i]);
    searched.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2));
    tested.assign(order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2), order.end());
    if (static_cast<int64_t>(searched.size()) < needed)
      throw ToolError(ExitCode::Refused, fmt::format("{}: has {} requests; to prove alpha {:g} with delta "
                                                     "{:g} takes {} at least, half of them for the "
                                                     "search, and with {} alpha {:g} can be proven",
                                                     options.requests, requests.size(), options.promise.alpha,
                                                     options.promise.delta, 2 * needed, requests.size(),
                                                     provable(static_cast<int64_t>(searched.size()))));
    // Each group with its part of delta. With few requests each, what can be proven is far below alpha, which
    // costs more than shares by length gain.
    constexpr int64_t plenty = 6;
    int64_t groups = options.groups;
    while (groups > 1 && static_cast<int64_t>(searched.size()) / groups <
                             plenty * calibration::trialsNeeded(options.promise.alpha,
                                                                options.promise.delta / double(groups), 0))
      --groups;
    std::vector<int64_t> lengths;
    for (size_t i : searched)
      lengths.push_back(requests[i].length);
    std::ranges::sort(lengths);
    for (int64_t group = 1; group < groups; ++group) {
      int64_t bound = lengths[lengths.size() * static_cast<size_t>(group) / static_cast<size_t>(groups)];
      if (bound > (bounds.empty() ? 0 : bounds.back()) && bound < lengths.back())
        bounds.push_back(bound);
    }
  }

  /// The least alpha, in steps of a thousandth, that so many requests can prove.
  double provable(int64_t count) const {
    for (int thousandths = 1; thousandths < 1000; ++thousandths)
      if (calibration::trialsNeeded(thousandths / 1e3, options.promise.delta, 0) <= count)
        return thousandths / 1e3;
    return 1;
  }

  size_t groupOf(const Request &request) const {
    return static_cast<size_t>(
        std::ranges::count_if(bounds, [&](int64_t bound) { return request.length > bound; }));
  }
  size_t groupCount() const { return bounds.size() + 1; }
  std::string groupName(size_t group) const {
    return group < bounds.size() ? fmt::format("up to {} tokens", bounds[group])
           : group               ? fmt::format("above {} tokens", bounds.back())
                                 : "all lengths";
  }

  void fit() {
    StateCollector collector(options.layers);
    observed->createContext(/*profile=*/false, {}, {StateCollector::observe, &collector});
    for (size_t i : searched) {
      if (collector.to.rows() >= kMostRows)
        break;
      observed->bind(inputsOf(i));
      observed->run();
      collector.endRun();
      say(fmt::format("reading hidden states: {} rows", collector.to.rows()));
    }
    for (auto &[layer, states] : collector.from) {
      if (states.rows() != collector.to.rows() || layer >= collector.lastLayer)
        throw ToolError(
            ExitCode::Refused,
            fmt::format(
                "{}: in front of layer {} no hidden states were found that tokens can be left out of; "
                "choose other --layers",
                options.model, layer));
      say(fmt::format("fitting the score in front of layer {}", layer));
      sieves.push_back(calibration::fitSieve(states, collector.to));
    }
    layerCount = collector.lastLayer;
    observed.reset();
  }

  /// A copy: a run may be asked for again.
  TensorMap inputsOf(size_t request) const {
    TensorMap copies;
    for (const auto &[name, tensor] : requests[request].inputs)
      copies.emplace(name, copyOf(tensor.value()));
    return copies;
  }

  Json points(const std::string &rule) const {
    Json list = Json::array();
    for (size_t i = 0; i < options.layers.size(); ++i) {
      Json point = {{"layer", options.layers[i]}, {"rule", rule}};
      if (rule == "linear")
        point["weights"] = sieves[i].weights;
      point.update({{"minimum", options.minimum}, {"first", options.first}, {"last", options.last}});
      list.push_back(std::move(point));
    }
    return list;
  }
  const char *dropped() const { return options.zerosForDropped ? "zeros" : "refuse"; }

  /// One artifact for all of the search: what is left out are settings.
  Session &trialOf(const std::string &rule) {
    auto found = trials.find(rule);
    if (found == trials.end()) {
      Json policy = {{"schema", "tamis.policy.v1"},
                     {"tokens",
                      {{"prune", points(rule)},
                       {"steps", {{{"name", "trial"}, {"keep", std::vector<int>(options.layers.size(), 1)}}}},
                       {"dropped", dropped()}}}};
      std::string file = folder.file(rule + ".json");
      AtomicFile output(file);
      output.write(policy.dump());
      output.commit();
      compileModel(rule, {"--policy", file, "--allow-uncertified", "--precision=" + options.precision});
      found = trials.emplace(rule, std::make_unique<Session>(sessionOptions(rule))).first;
      found->second->createContext(/*profile=*/false);
    }
    return *found->second;
  }

  /// The output that losses are measured on. One number a request has no direction and no greatest element.
  TamisValue measuredOutput(const Session &session) const {
    std::vector<NamedValue> outputs = session.outputs();
    const NamedValue *chosen = nullptr;
    for (const NamedValue &output : outputs) {
      const TamisValue &value = output.value;
      bool isVector = isFloat(value.type) && value.rank >= 2 && value.dims[value.rank - 1] >= 2;
      if (isVector && (options.measured.empty() ? !chosen || value.rank < chosen->value.rank
                                                : output.name == options.measured))
        chosen = &output;
    }
    if (!chosen)
      throw ToolError(
          ExitCode::Refused,
          fmt::format(
              "{}: has no output{} of vectors of numbers to measure losses on, [batch, ..., 2 or more]; "
              "name one with --output-name",
              options.model, options.measured.empty() ? "" : " '" + options.measured + "'"));
    outputName = chosen->name;
    return chosen->value;
  }

  /// Milliseconds of a run.
  double timedRun(Session &session, size_t request) const {
    session.bind(inputsOf(request));
    int64_t begin = monotonicNanoseconds();
    session.run();
    return static_cast<double>(monotonicNanoseconds() - begin) / 1e6;
  }

  void runDense() {
    Session &session = trialOf("linear");
    session.set(std::vector<float>(options.layers.size(), 1));
    for (size_t i = 0; i < requests.size(); ++i) {
      timedRun(session, i);
      answers.push_back(copyOf(measuredOutput(session)));
      say(fmt::format("dense answers: {} of {}", i + 1, requests.size()));
    }
  }

  /// Rows of all layers in the last run. Candidates are compared by it, for times would choose another one
  /// each time.
  int64_t workOf(const Session &session, int64_t length) const {
    int64_t rows = length, work = 0;
    size_t next = 0;
    std::vector<TamisTokenLayer> places = session.tokens();
    for (int64_t layer = 0; layer < layerCount; ++layer) {
      if (next < places.size() && options.layers[next] == layer)
        rows = places[next++].kept;
      work += rows;
    }
    return work;
  }

  /// Losses of a candidate on some requests, and its work on each.
  std::vector<double> lossesOf(const std::string &rule, const std::vector<float> &shares,
                               const std::vector<size_t> &of, std::vector<int64_t> *work = nullptr) {
    Session &session = trialOf(rule);
    session.set(shares);
    std::vector<double> losses;
    for (size_t i : of) {
      timedRun(session, i);
      if (work)
        work->push_back(workOf(session, requests[i].length));
      losses.push_back(lossOf(options.loss, answers[i].value(), measuredOutput(session)));
    }
    return losses;
  }

  /// All combinations of shares, the fewer per layer the more layers there are.
  std::vector<std::vector<float>> grid() const {
    std::vector<float> fine, coarse = {1, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.4F};
    for (int thousandths = 975; thousandths >= 250; thousandths -= 25)
      fine.push_back(static_cast<float>(thousandths) / 1000);
    if (options.layers.size() == 3)
      coarse = {1, 0.85F, 0.7F, 0.5F};
    const std::vector<float> &shares = options.layers.size() == 1 ? fine : coarse;
    std::vector<std::vector<float>> all = {{}};
    for (size_t layer = 0; layer < options.layers.size(); ++layer) {
      std::vector<std::vector<float>> longer;
      for (const std::vector<float> &front : all)
        for (float share : shares) {
          longer.push_back(front);
          longer.back().push_back(share);
        }
      all = std::move(longer);
    }
    std::erase_if(all, [](const std::vector<float> &shares) {
      return std::ranges::all_of(shares, [](float s) { return s == 1; });
    });
    return all;
  }

  void search() {
    candidates = grid();
    measured.assign(groupCount(), std::vector<Measured>(candidates.size()));
    for (size_t c = 0; c < candidates.size(); ++c) {
      say(fmt::format("searching: candidate {} of {}", c + 1, candidates.size()));
      std::vector<int64_t> work;
      std::vector<double> losses = lossesOf("linear", candidates[c], searched, &work);
      for (size_t i = 0; i < searched.size(); ++i) {
        Measured &of = measured[groupOf(requests[searched[i]])][c];
        of.losses.push_back(losses[i]);
        of.cost += static_cast<double>(work[i]);
      }
    }
    // What a rule that knows nothing loses at the same shares, on a part of the requests.
    std::vector<size_t> some(searched.begin(),
                             searched.begin() +
                                 static_cast<std::ptrdiff_t>(std::min<size_t>(searched.size(), 200)));
    for (const char *rule : {"linear", "random", "stride"})
      for (float share : {0.9F, 0.7F, 0.5F}) {
        say(fmt::format("comparing with {} tokens", rule));
        std::vector<float> shares(options.layers.size(), 1);
        shares.front() = share;
        std::vector<double> losses = lossesOf(rule, shares, some);
        std::ranges::sort(losses);
        double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
        baselines.push_back({{"rule", rule},
                             {"keep", std::round(static_cast<double>(share) * 100) / 100},
                             {"mean_loss", sum / static_cast<double>(losses.size())},
                             {"median_loss", losses[losses.size() / 2]},
                             {"p95_loss", losses[losses.size() * 95 / 100]}});
      }
  }

  void certify() {
    std::vector<size_t> order;
    for (size_t group = 0; group < groupCount(); ++group) {
      double denseCost = 0;
      for (size_t i : searched)
        if (groupOf(requests[i]) == group)
          denseCost += static_cast<double>(requests[i].length * layerCount);
      std::vector<size_t> of;
      for (size_t i : tested)
        if (groupOf(requests[i]) == group)
          of.push_back(i);
      calibration::Promise promise = options.promise;
      promise.delta /= static_cast<double>(groupCount());
      std::vector<double> losses;
      std::vector<size_t> rungs = calibration::ladder(measured[group], promise, denseCost);
      results.push_back(
          calibration::certify(rungs, promise, [&](size_t candidate) -> const std::vector<double> & {
            say(fmt::format("testing group {} of {}", group + 1, groupCount()));
            losses = lossesOf("linear", candidates[candidate], of);
            return losses;
          }));
      for (const Tested &result : results.back())
        steps = std::max(steps, result.passed ? static_cast<size_t>(&result - results.back().data()) + 1 : 0);
    }
    if (steps == 0)
      throw ToolError(
          ExitCode::Refused,
          fmt::format("{}: no share of tokens can be left out within eps {:g} at alpha {:g}: {}",
                      options.model, options.promise.eps, options.promise.alpha,
                      "allow a greater --eps or --alpha, give more requests, or try other --layers"));
  }

  /// The candidate of a group at a step: the last that passed, if there are no more.
  std::vector<float> sharesAt(size_t group, size_t step) const {
    std::vector<float> shares(options.layers.size(), 1);
    for (size_t i = 0; i < step && i < results[group].size(); ++i)
      if (results[group][i].passed)
        shares = candidates[results[group][i].candidate];
    return shares;
  }

  /// The last step beside the dense one on the requests that were tested, in turns.
  void measureTimes() {
    Session &session = trialOf("linear");
    for (int round = 0; round < 3; ++round)
      for (bool isDense : {true, false}) {
        double sum = 0;
        for (size_t i : tested) {
          session.set(isDense ? std::vector<float>(options.layers.size(), 1)
                              : sharesAt(groupOf(requests[i]), steps));
          sum += timedRun(session, i);
        }
        double &least = isDense ? denseTime : prunedTime;
        least = round == 0 ? sum : std::min(least, sum);
        say("measuring times");
      }
  }

  /// The chosen step on the requests that were tested, with the tokens that stay.
  void observeChosen() {
    Session &session = trialOf("linear");
    session.createContext(/*profile=*/false, {}, {}, {KeptTokens::observe, &kept});
    for (size_t i : tested) {
      say(fmt::format("observing the chosen step: {} of {}", outcomes.size() + 1, tested.size()));
      session.set(sharesAt(groupOf(requests[i]), steps));
      session.bind(inputsOf(i));
      kept.beginRun();
      session.run();
      const std::vector<std::vector<int64_t>> &places = kept.ofRun();
      CalibrationReport::Outcome outcome{requests[i].name,
                                         requests[i].length,
                                         lossOf(options.loss, answers[i].value(), measuredOutput(session)),
                                         {}};
      for (const std::vector<int64_t> &tokens : places)
        outcome.kept.push_back(static_cast<int64_t>(tokens.size()));
      outcomes.push_back(std::move(outcome));
      keptTokens.push_back(places);
      requestIds.push_back(tokenIds(requests[i], session.model()));
    }
  }

  /// A tested request with its tokens.
  CalibrationReport::WorstRequest worstRequest(size_t number) const {
    CalibrationReport::WorstRequest worst{outcomes[number], {}};
    const std::vector<int64_t> &ids = requestIds[number];
    worst.tokens.resize(static_cast<size_t>(worst.outcome.length));
    bool isKnown = ids.size() == worst.tokens.size();
    for (size_t i = 0; i < worst.tokens.size(); ++i) {
      if (isKnown)
        worst.tokens[i].id = ids[i];
      for (size_t place = 0; place < keptTokens[number].size() && !worst.tokens[i].leftOutBefore; ++place)
        if (!std::ranges::binary_search(keptTokens[number][place], static_cast<int64_t>(i)))
          worst.tokens[i].leftOutBefore = options.layers[place];
    }
    return worst;
  }

  CalibrationReport report() const {
    CalibrationReport report;
    report.model = std::filesystem::path(options.model).filename();
    report.requests = std::filesystem::path(options.requests).filename();
    report.precision = options.precision;
    report.loss = options.lossName;
    report.output = outputName;
    report.chosenStep = fmt::format("step-{}", steps);
    report.promise = options.promise;
    report.searched = searched.size();
    report.tested = tested.size();
    report.seed = options.seed;
    report.layers = options.layers;
    for (const calibration::Sieve &sieve : sieves)
      report.correlations.push_back(sieve.correlation);
    for (size_t group = 0; group < groupCount(); ++group) {
      CalibrationReport::Group &described = report.groups.emplace_back();
      described.name = groupName(group);
      described.tests = results[group];
      double denseCost = 0;
      for (size_t i : searched)
        if (groupOf(requests[i]) == group) {
          ++described.searched;
          denseCost += static_cast<double>(requests[i].length * layerCount);
        }
      for (size_t c = 0; c < candidates.size(); ++c)
        described.candidates.push_back(
            {rounded(candidates[c]), measured[group][c].cost / denseCost,
             calibration::violations(measured[group][c].losses, options.promise.eps)});
    }
    for (const Json &line : baselines)
      report.baselines.push_back(
          {line["rule"], line["keep"], line["mean_loss"], line["median_loss"], line["p95_loss"]});
    report.outcomes = outcomes;
    report.denseMs = denseTime;
    report.chosenMs = prunedTime;
    std::vector<size_t> byLoss(outcomes.size());
    std::iota(byLoss.begin(), byLoss.end(), 0);
    std::ranges::sort(byLoss, [&](size_t a, size_t b) {
      return outcomes[a].loss != outcomes[b].loss ? outcomes[a].loss > outcomes[b].loss : a < b;
    });
    constexpr size_t shown = 10;
    for (size_t i = 0; i < std::min(shown, byLoss.size()); ++i)
      report.worst.push_back(worstRequest(byLoss[i]));
    return report;
  }

  Json certificate() const {
    Json groups = Json::array();
    for (size_t group = 0; group < groupCount(); ++group) {
      Json tests = Json::array();
      for (const Tested &result : results[group])
        tests.push_back({{"keep", rounded(candidates[result.candidate])},
                         {"requests", result.requests},
                         {"violations", result.violations},
                         {"p_value", result.pValue},
                         {"bound", result.bound},
                         {"passed", result.passed}});
      groups.push_back({{"longest", group < bounds.size() ? Json(bounds[group]) : Json()}, {"tests", tests}});
    }
    ArtifactHeader header(folder.file("linear.tamis"));
    const schema::Provenance &provenance = *header.header().provenance();
    std::vector<std::byte> bytes;
    for (const Request &request : requests)
      for (const auto &[name, tensor] : request.inputs) {
        const auto *data = static_cast<const std::byte *>(tensor.value().data);
        bytes.insert(bytes.end(), data, data + tensor.bytes());
      }
    return {{"model",
             {{"source_name", provenance.source_name()->str()},
              {"source_hash", fmt::format("{:016x}", provenance.source_hash())}}},
            {"precision", options.precision},
            {"loss", options.lossName},
            {"output", outputName},
            {"eps", options.promise.eps},
            {"alpha", options.promise.alpha},
            {"delta", options.promise.delta},
            {"requests",
             {{"count", requests.size()},
              {"searched", searched.size()},
              {"tested", tested.size()},
              {"hash", fmt::format("{:016x}", Hash::of(bytes.data(), bytes.size()))},
              {"seed", options.seed}}},
            {"groups", groups}};
  }

  /// Shares as a person writes them.
  static std::vector<double> rounded(const std::vector<float> &shares) {
    std::vector<double> numbers;
    for (float share : shares)
      numbers.push_back(std::round(static_cast<double>(share) * 1000) / 1000);
    return numbers;
  }

  Json policy() const {
    Json prune = points("linear");
    for (Json &point : prune)
      point["lengths"] = bounds;
    Json list = Json::array();
    for (size_t step = 1; step <= steps; ++step) {
      Json keep = Json::array();
      for (size_t layer = 0; layer < options.layers.size(); ++layer) {
        std::vector<float> shares;
        for (size_t group = 0; group < groupCount(); ++group)
          shares.push_back(sharesAt(group, step)[layer]);
        keep.push_back(rounded(shares));
      }
      list.push_back({{"name", fmt::format("step-{}", step)}, {"keep", keep}});
    }
    std::string chosen = fmt::format("step-{}", steps);
    Json tokens = {{"prune", prune}, {"steps", list}, {"chosen", chosen}, {"dropped", dropped()}};
    Json policy = {{"schema", "tamis.policy.v1"},
                   {"tokens", tokens},
                   {"certificate", certificate()},
                   {"measured",
                    {{"speedup", denseTime / prunedTime},
                     {"dense_ms", denseTime},
                     {"chosen_ms", prunedTime},
                     {"baselines", baselines}}}};
    policy["certificate"]["policy_hash"] = hashOfPolicy(policy);
    return policy;
  }

  std::string summary() const {
    std::string text = fmt::format(
        "{} requests: {} searched, {} tested; loss {} of '{}' above {:g} for at most {:g} of them, "
        "with confidence {:g}\n",
        requests.size(), searched.size(), tested.size(), options.lossName, outputName, options.promise.eps,
        options.promise.alpha, 1 - options.promise.delta);
    for (size_t i = 0; i < sieves.size(); ++i)
      text +=
          fmt::format("layer {}: the score follows what context does for a token with correlation {:.2f}\n",
                      options.layers[i], sieves[i].correlation);
    for (size_t group = 0; group < groupCount(); ++group) {
      std::string shares, name = groupName(group);
      for (double share : rounded(sharesAt(group, steps)))
        shares += fmt::format(" {:g}%", share * 100);
      const Tested *proof = nullptr;
      for (const Tested &result : results[group])
        proof = result.passed ? &result : proof;
      text +=
          proof
              ? fmt::format("{}: keeps{}; {} of {} requests beyond eps, at most {:.1f}% by the certificate\n",
                            name, shares, proof->violations, proof->requests, 100 * proof->bound)
              : fmt::format("{}: keeps all; nothing less was certified\n", name);
    }
    for (const Json &line : baselines)
      text += fmt::format("{} {:g}%: loss {:.4f} in the middle, {:.4f} at the 95th percentile\n",
                          line["rule"].get<std::string>(), 100 * line["keep"].get<double>(),
                          line["median_loss"].get<double>(), line["p95_loss"].get<double>());
    text += fmt::format(
        "{:.2f} times as fast as the dense step: {:.1f} ms instead of {:.1f} for the {} requests tested, one "
        "after the other\n",
        denseTime / prunedTime, prunedTime, denseTime, tested.size());
    return text;
  }

  const CalibrationOptions &options;
  TemporaryFolder folder;
  Progress progress;
  std::optional<Session> observed;
  std::map<std::string, std::unique_ptr<Session>> trials;
  std::vector<Request> requests;
  std::vector<size_t> searched, tested; // numbers of requests
  std::vector<int64_t> bounds;          // the longest of each group of lengths but the last
  std::vector<calibration::Sieve> sieves;
  std::vector<Tensor> answers; // dense ones, of all requests
  std::vector<std::vector<float>> candidates;
  std::vector<std::vector<Measured>> measured; // by group and candidate
  std::vector<std::vector<Tested>> results;    // by group
  std::vector<Json> baselines;
  KeptTokens kept;
  // Of the requests tested, at the chosen step, if a report is wanted:
  std::vector<CalibrationReport::Outcome> outcomes;
  std::vector<std::vector<std::vector<int64_t>>> keptTokens; // behind each layer of `options.layers`
  std::vector<std::vector<int64_t>> requestIds;
  int64_t layerCount = 0;
  size_t steps = 0;
  double denseTime = 0, prunedTime = 0;
  mutable std::string outputName;
};

} // namespace

CalibrationResult calibrate(const CalibrationOptions &options) { return Calibrator(options).run(); }

} // namespace tamis::tools
