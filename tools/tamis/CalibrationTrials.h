//===- CalibrationTrials.h - Running a model with shares of its tokens ------------------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONTRIALS_H
#define TAMIS_TOOLS_CALIBRATIONTRIALS_H

#include "Calibration.h"
#include "CalibrationFit.h"
#include "CalibrationState.h"
#include "Progress.h"
#include "Session.h"
#include "TemporaryFolder.h"

#include <map>
#include <memory>
#include <span>

namespace tamis::tools {

/// Compiles a model for its calibration, for this machine. Throws ToolError with the compiler's exit code.
void compileForCalibration(const std::string &model, const std::string &artifact,
                           std::vector<std::string> flags);

/// Artifacts in which knobs are settings, one for each variant; each is compiled when it is asked
/// for first. What is given must outlive it. All functions throw ToolError.
class CalibrationTrials {
public:
  /// `labels` are those of the requests, or none at all.
  CalibrationTrials(const CalibrationOptions &options, const std::vector<Request> &requests,
                    const std::vector<int64_t> &labels, const CalibrationFit &fit,
                    const TemporaryFolder &folder, Progress &progress)
      : options(options), requests(requests), labels(labels), fit(fit), folder(folder), progress(progress) {}

  /// Runs all requests with all tokens, at the reference and at each precision of the options; losses are
  /// measured beside these answers. Refuses labels that are none of the output's classes.
  void runDense();

  /// The loss of each of some requests with some knobs: the greater of those beside the dense
  /// answers of the reference and of the precision itself. `work`, where it is given, gets the rows of all
  /// layers of each, and the operations of its run: candidates of a variant are compared by the latter, for
  /// times would choose another one each time.
  std::vector<double> losses(const CalibrationVariant &variant, const CalibrationKnobs &knobs,
                             const std::vector<size_t> &of, std::vector<CalibrationWork> *work = nullptr);
  /// The same with all tokens; needs no run.
  std::vector<double> denseLosses(const std::string &precision, const std::vector<size_t> &of) const;

  /// That of a request with all tokens.
  const CalibrationWork &denseWork(const std::string &precision, size_t request) const {
    return denseWorks.at(precision)[request];
  }

  /// Shows the tokens that stay to an observer in runs of a variant; none: no more.
  void observe(const CalibrationVariant &variant, const TokenObserver &observer);
  /// The ids of a request's tokens; none for a model without ids.
  std::vector<int64_t> tokensOf(size_t request);

  /// Milliseconds of a run.
  double time(const CalibrationVariant &variant, const CalibrationKnobs &knobs, size_t request);

  /// Whether the dense answer of the reference to a request, or that with some knobs, is its label.
  bool isDenseRight(size_t request) const;
  bool isRight(const CalibrationVariant &variant, const CalibrationKnobs &knobs, size_t request);

  /// Gives back the memory and the file of an artifact that is not asked for again.
  void close(const CalibrationVariant &variant);

  /// All tokens, in front of each layer, and all experts.
  CalibrationKnobs denseKnobs() const { return {std::vector<float>(options.layers.size(), 1), 0}; }
  /// To be called before times are measured: operations are counted no more, which takes time itself.
  void endCounting();
  /// The outputs that losses are measured on; known once something ran.
  const std::vector<std::string> &outputs() const { return outputNames; }

private:
  std::string fileOf(const CalibrationVariant &variant) const;
  Session &sessionOf(const CalibrationVariant &variant);
  /// The variant whose session gives the dense answers of a precision, which are the same with each rule.
  CalibrationVariant denseVariant(const std::string &precision) const {
    return {precision, options.rules.front()};
  }
  double lossOfAnswer(const std::string &precision, size_t request, std::span<const TamisValue> answer) const;
  void prepare(Session &session, const CalibrationKnobs &knobs, size_t request) const;
  void chooseOutputs(const std::vector<NamedValue> &outputs);
  std::vector<TamisValue> measuredOutputs(const Session &session);
  void checkLabel(const TamisValue &answer, size_t request) const;
  int64_t labelOf(size_t request) const { return labels.empty() ? -1 : labels[request]; }
  CalibrationWork workOf(const Session &session, const std::string &rule, int64_t length) const;

  const CalibrationOptions &options;
  const std::vector<Request> &requests;
  const std::vector<int64_t> &labels;
  const CalibrationFit &fit;
  const TemporaryFolder &folder;
  Progress &progress;
  std::map<CalibrationVariant, std::unique_ptr<Session>> sessions;
  /// Dense ones, by precision and request: a tensor for each of the outputs.
  std::map<std::string, std::vector<std::vector<Tensor>>> answers;
  std::map<std::string, std::vector<CalibrationWork>> denseWorks; // likewise
  std::vector<std::string> outputNames;
  bool counts = true;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONTRIALS_H
