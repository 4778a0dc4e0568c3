//===- CalibrationTrials.cpp - Running a model with shares of its tokens ----------------------===//

#include "CalibrationTrials.h"

#include "CalibrationPolicy.h"
#include "ExitCode.h"
#include "ExternalTool.h"
#include "File.h"
#include "TensorCopy.h"
#include "runtime/src/Clock.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::ordered_json;

void compileForCalibration(const std::string &model, const std::string &artifact,
                           std::vector<std::string> flags) {
  flags.insert(flags.begin(), {model, "-o", artifact, "--quiet", "--target=native"});
  if (int code = callExternalTool("tamis-compile", flags))
    throw ToolError(static_cast<ExitCode>(code),
                    fmt::format("{}: cannot be calibrated, since it was not compiled", model));
}

std::string CalibrationTrials::fileOf(const CalibrationVariant &variant) const {
  return folder.file(variant.precision + "-" + variant.rule + ".tamis");
}

Session &CalibrationTrials::sessionOf(const CalibrationVariant &variant) {
  auto found = sessions.find(variant);
  if (found == sessions.end()) {
    if (progress.isDue())
      progress.show(fmt::format("compiling {} for {}", variant.rule, variant.precision));
    std::string file = folder.file(variant.rule + ".json");
    AtomicFile output(file);
    output.write(trialPolicy(options, fit, variant.rule).dump());
    output.commit();
    SessionOptions session;
    session.artifact = fileOf(variant);
    session.threads = options.threads;
    std::vector<std::string> flags = {"--policy", file, "--allow-uncertified",
                                      "--precision=" + variant.precision};
    if (options.skipsExperts())
      flags.insert(flags.end(), {"--profile", options.profile});
    compileForCalibration(options.model, session.artifact, flags);
    found = sessions.emplace(variant, std::make_unique<Session>(session)).first;
    found->second->createContext(/*profile=*/counts);
  }
  return *found->second;
}

void CalibrationTrials::close(const CalibrationVariant &variant) {
  // What dense answers are measured with stays.
  if (variant == denseVariant(variant.precision) || !sessions.erase(variant))
    return;
  std::error_code error;
  std::filesystem::remove(fileOf(variant), error); // or with the folder, in the end
}

void CalibrationTrials::prepare(Session &session, const CalibrationKnobs &knobs, size_t request) const {
  // One threshold for all layers of experts, whose settings are the last.
  std::vector<float> settings = knobs.keep;
  settings.resize(static_cast<size_t>(tamis_model_setting_count(session.model())), knobs.skip);
  session.set(settings);
  // A copy: the request may be asked for again.
  session.bind(copyOf(requests[request].inputs));
}

/// What is wrong with an output for a loss; "" if nothing is.
static std::string problemOf(Loss loss, const TamisValue &value) {
  if (!isFloat(value.type))
    return "has no floating-point numbers";
  if (loss == Loss::RelativeDistance)
    return "";
  if (loss == Loss::Span)
    return value.rank == 2 ? "" : "is not [batch, sequence]";
  // One number a request has no direction and no greatest element.
  return value.rank >= 2 && value.dims[value.rank - 1] >= 2 ? "" : "is not [batch, ..., 2 or more]";
}

void CalibrationTrials::chooseOutputs(const std::vector<NamedValue> &outputs) {
  auto refuse = [&](const std::string &why) {
    throw ToolError(ExitCode::Refused, fmt::format("{}: {}", options.model, why));
  };
  for (const std::string &name : options.measured) {
    auto found = std::ranges::find(outputs, name, &NamedValue::name);
    if (found == outputs.end())
      refuse(fmt::format("has no output '{}'; 'tamis inspect' lists them", name));
    if (std::string problem = problemOf(options.loss, found->value); !problem.empty())
      refuse(fmt::format("the output '{}' {}, as the loss {} wants it; name another one with --output-name",
                         name, problem, options.lossName));
    outputNames.push_back(name);
  }
  if (!outputNames.empty())
    return;
  const NamedValue *chosen = nullptr;
  for (const NamedValue &output : outputs) {
    if (!problemOf(options.loss, output.value).empty())
      continue;
    if (options.loss == Loss::Span)
      outputNames.push_back(output.name);
    else if (!chosen || output.value.rank < chosen->value.rank)
      chosen = &output;
  }
  if (options.loss == Loss::Span) {
    if (outputNames.size() != 2)
      refuse(fmt::format("has {} outputs [batch, sequence] instead of one for starts and one for ends; name "
                         "both with --output-name",
                         outputNames.size()));
    return;
  }
  if (!chosen)
    refuse("has no output of vectors of numbers to measure losses on, [batch, ..., 2 or more]; name one with "
           "--output-name");
  outputNames.push_back(chosen->name);
}

/// Of the last run.
std::vector<TamisValue> CalibrationTrials::measuredOutputs(const Session &session) {
  std::vector<NamedValue> outputs = session.outputs();
  if (outputNames.empty())
    chooseOutputs(outputs);
  std::vector<TamisValue> values;
  for (const std::string &name : outputNames)
    values.push_back(std::ranges::find(outputs, name, &NamedValue::name)->value);
  return values;
}

void CalibrationTrials::runDense() {
  std::vector<std::string> precisions = {options.reference()};
  for (const std::string &precision : options.precisions)
    if (precision != options.reference())
      precisions.push_back(precision);
  for (const std::string &precision : precisions) {
    Session &session = sessionOf(denseVariant(precision));
    for (size_t i = 0; i < requests.size(); ++i) {
      prepare(session, denseKnobs(), i);
      session.run();
      denseWorks[precision].push_back(workOf(session, options.rules.front(), requests[i].length));
      std::vector<Tensor> &answer = answers[precision].emplace_back();
      for (const TamisValue &output : measuredOutputs(session))
        answer.push_back(copyOf(output));
      if (!labels.empty())
        checkLabel(answer.front().value(), i);
      if (progress.isDue())
        progress.show(fmt::format("dense answers at {}: {} of {}", precision, i + 1, requests.size()));
    }
  }
}

void CalibrationTrials::checkLabel(const TamisValue &answer, size_t request) const {
  int64_t classes = answer.dims[answer.rank - 1];
  if (elementCount(dimsOf(answer)) != classes)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: a label is for one row of classes, and '{}' is {} for {}; name another "
                                "output with --output-name",
                                options.labels, outputNames.front(), shapeText(answer.type, dimsOf(answer)),
                                requests[request].name));
  if (labels[request] < 0 || labels[request] >= classes)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: {} has the label {}, which is none of the {} classes of '{}', from 0 on",
                                options.labels, requests[request].name, labels[request], classes,
                                outputNames.front()));
}

void CalibrationTrials::endCounting() {
  counts = false;
  for (auto &[variant, session] : sessions)
    session->createContext(/*profile=*/false);
}

CalibrationWork CalibrationTrials::workOf(const Session &session, const std::string &rule,
                                          int64_t length) const {
  int64_t rows = length;
  CalibrationWork work;
  size_t next = 0;
  std::vector<TamisTokenLayer> places = session.tokens();
  for (int64_t layer = 0; layer < fit.layerCount; ++layer) {
    int64_t attended = rows;
    if (next < places.size() && options.layers[next] == layer)
      rows = places[next++].kept;
    // Rows are merged behind the attention, and left out in front of it.
    work.rows += rows + (CalibrationRule::named(rule).merges() ? attended : rows);
  }
  for (const TamisEvent &event : session.events())
    work.operations += event.flops;
  return work;
}

double CalibrationTrials::lossOfAnswer(const std::string &precision, size_t request,
                                       std::span<const TamisValue> answer) const {
  const TamisModel *model = sessions.at(denseVariant(precision))->model(); // all have the same inputs
  auto beside = [&](const std::string &dense) {
    return lossOf(options.loss, answers.at(dense)[request], answer, labelOf(request),
                  maskOf(requests[request], model));
  };
  // In service there is the dense step of the same precision alone.
  return std::max(beside(options.reference()), beside(precision));
}

std::vector<double> CalibrationTrials::losses(const CalibrationVariant &variant,
                                              const CalibrationKnobs &knobs, const std::vector<size_t> &of,
                                              std::vector<CalibrationWork> *work) {
  Session &session = sessionOf(variant);
  std::vector<double> losses;
  for (size_t i : of) {
    prepare(session, knobs, i);
    session.run();
    if (work)
      work->push_back(workOf(session, variant.rule, requests[i].length));
    losses.push_back(lossOfAnswer(variant.precision, i, measuredOutputs(session)));
  }
  return losses;
}

std::vector<double> CalibrationTrials::denseLosses(const std::string &precision,
                                                   const std::vector<size_t> &of) const {
  std::vector<double> losses;
  for (size_t i : of) {
    std::vector<TamisValue> answer;
    for (const Tensor &output : answers.at(precision)[i])
      answer.push_back(output.value());
    losses.push_back(lossOfAnswer(precision, i, answer));
  }
  return losses;
}

bool CalibrationTrials::isDenseRight(size_t request) const {
  return isOfClass(answers.at(options.reference())[request].front().value(), labelOf(request));
}

bool CalibrationTrials::isRight(const CalibrationVariant &variant, const CalibrationKnobs &knobs,
                                size_t request) {
  Session &session = sessionOf(variant);
  prepare(session, knobs, request);
  session.run();
  return isOfClass(measuredOutputs(session).front(), labelOf(request));
}

void CalibrationTrials::observe(const CalibrationVariant &variant, const TokenObserver &observer) {
  sessionOf(variant).createContext(/*profile=*/false, {}, {}, observer);
}

std::vector<int64_t> CalibrationTrials::tokensOf(size_t request) {
  return tokenIds(requests[request], sessionOf(denseVariant(options.reference())).model());
}

double CalibrationTrials::time(const CalibrationVariant &variant, const CalibrationKnobs &knobs,
                               size_t request) {
  Session &session = sessionOf(variant);
  prepare(session, knobs, request);
  int64_t begin = monotonicNanoseconds();
  session.run();
  return static_cast<double>(monotonicNanoseconds() - begin) / 1e6;
}

} // namespace tamis::tools
