//===- CalibrationTrials.cpp - Running a model with shares of its tokens ----------------------===//

#include "CalibrationTrials.h"

#include "CalibrationPolicy.h"
#include "ExitCode.h"
#include "ExternalTool.h"
#include "File.h"
#include "TensorCopy.h"
#include "runtime/src/Clock.h"

#include <algorithm>
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

Session &CalibrationTrials::sessionOf(const std::string &precision, const std::string &rule) {
  std::string name = precision + "-" + rule;
  auto found = sessions.find(name);
  if (found == sessions.end()) {
    if (progress.isDue())
      progress.show(fmt::format("compiling for {}", precision));
    std::string file = folder.file(rule + ".json");
    AtomicFile output(file);
    output.write(trialPolicy(options, fit, rule).dump());
    output.commit();
    SessionOptions session;
    session.artifact = folder.file(name + ".tamis");
    session.threads = options.threads;
    compileForCalibration(options.model, session.artifact,
                          {"--policy", file, "--allow-uncertified", "--precision=" + precision});
    found = sessions.emplace(name, std::make_unique<Session>(session)).first;
    found->second->createContext(/*profile=*/false);
  }
  return *found->second;
}

void CalibrationTrials::prepare(Session &session, const std::vector<float> &shares, size_t request) const {
  session.set(shares);
  // A copy: the request may be asked for again.
  session.bind(copyOf(requests[request].inputs));
}

/// One number a request has no direction and no greatest element.
TamisValue CalibrationTrials::measuredOutput(const Session &session) {
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

void CalibrationTrials::runDense() {
  std::vector<std::string> precisions = {options.reference()};
  for (const std::string &precision : options.precisions)
    if (precision != options.reference())
      precisions.push_back(precision);
  for (const std::string &precision : precisions) {
    Session &session = sessionOf(precision, "linear");
    for (size_t i = 0; i < requests.size(); ++i) {
      prepare(session, denseShares(), i);
      session.run();
      answers[precision].push_back(copyOf(measuredOutput(session)));
      if (!labels.empty())
        checkLabel(answers[precision].back().value(), i);
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
                                options.labels, outputName, shapeText(answer.type, dimsOf(answer)),
                                requests[request].name));
  if (labels[request] < 0 || labels[request] >= classes)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: {} has the label {}, which is none of the {} classes of '{}', from 0 on",
                                options.labels, requests[request].name, labels[request], classes,
                                outputName));
}

int64_t CalibrationTrials::workOf(const Session &session, int64_t length) const {
  int64_t rows = length, work = 0;
  size_t next = 0;
  std::vector<TamisTokenLayer> places = session.tokens();
  for (int64_t layer = 0; layer < fit.layerCount; ++layer) {
    if (next < places.size() && options.layers[next] == layer)
      rows = places[next++].kept;
    work += rows;
  }
  return work;
}

double CalibrationTrials::lossOfAnswer(const std::string &precision, size_t request,
                                       const TamisValue &answer) const {
  auto beside = [&](const std::string &dense) {
    return lossOf(options.loss, answers.at(dense)[request].value(), answer, labelOf(request));
  };
  // In service there is the dense step of the same precision alone.
  return std::max(beside(options.reference()), beside(precision));
}

std::vector<double> CalibrationTrials::losses(const std::string &precision, const std::string &rule,
                                              const std::vector<float> &shares, const std::vector<size_t> &of,
                                              std::vector<int64_t> *work) {
  Session &session = sessionOf(precision, rule);
  std::vector<double> losses;
  for (size_t i : of) {
    prepare(session, shares, i);
    session.run();
    if (work)
      work->push_back(workOf(session, requests[i].length));
    losses.push_back(lossOfAnswer(precision, i, measuredOutput(session)));
  }
  return losses;
}

std::vector<double> CalibrationTrials::denseLosses(const std::string &precision,
                                                   const std::vector<size_t> &of) const {
  std::vector<double> losses;
  for (size_t i : of)
    losses.push_back(lossOfAnswer(precision, i, answers.at(precision)[i].value()));
  return losses;
}

bool CalibrationTrials::isDenseRight(size_t request) const {
  return isOfClass(answers.at(options.reference())[request].value(), labelOf(request));
}

bool CalibrationTrials::isRight(const std::string &precision, const std::vector<float> &shares,
                                size_t request) {
  Session &session = sessionOf(precision, "linear");
  prepare(session, shares, request);
  session.run();
  return isOfClass(measuredOutput(session), labelOf(request));
}

double CalibrationTrials::time(const std::string &precision, const std::vector<float> &shares,
                               size_t request) {
  Session &session = sessionOf(precision, "linear");
  prepare(session, shares, request);
  int64_t begin = monotonicNanoseconds();
  session.run();
  return static_cast<double>(monotonicNanoseconds() - begin) / 1e6;
}

} // namespace tamis::tools
