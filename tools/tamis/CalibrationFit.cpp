//===- CalibrationFit.cpp - What is fitted to hidden states before the search ---------------===//

#include "CalibrationFit.h"

#include "Calibration.h"
#include "ExitCode.h"
#include "Progress.h"
#include "Session.h"
#include "TensorCopy.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fmt/format.h>
#include <map>

namespace tamis::tools {

using calibration::States;

namespace {

/// More rows than these make a fit no better, only slower.
constexpr int64_t kMostRows = 40000;

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

bool allFinite(const std::vector<float> &values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

bool isFinite(const calibration::Sieve &sieve) {
  return allFinite(sieve.weights) && std::isfinite(sieve.correlation);
}

bool isFinite(const calibration::RestoreMap &map) {
  constexpr uint16_t exponent = 0x7c00; // all of it is set in infinities and NaNs of binary16
  return allFinite(map.bias) && std::isfinite(map.unexplained) &&
         std::ranges::none_of(map.weights, [](uint16_t weight) { return (weight & exponent) == exponent; });
}

} // namespace

CalibrationFit fitStates(const CalibrationOptions &options, Session &observed,
                         const std::vector<Request> &requests, const std::vector<size_t> &searched,
                         Progress &progress) {
  StateCollector collector(options.layers);
  observed.createContext(/*profile=*/false, {}, {StateCollector::observe, &collector});
  for (size_t i : searched) {
    if (collector.to.rows() >= kMostRows)
      break;
    observed.bind(copyOf(requests[i].inputs));
    observed.run();
    collector.endRun();
    if (progress.isDue())
      progress.show(fmt::format("reading hidden states: {} rows", collector.to.rows()));
  }
  CalibrationFit fit;
  for (auto &[layer, states] : collector.from) {
    if (states.rows() != collector.to.rows() || layer >= collector.lastLayer)
      throw ToolError(
          ExitCode::Refused,
          fmt::format("{}: in front of layer {} no hidden states were found that tokens can be left out of; "
                      "choose other --layers",
                      options.model, layer));
    if (progress.isDue())
      progress.show(fmt::format("fitting the score in front of layer {}", layer));
    fit.sieves.push_back(calibration::fitSieve(states, collector.to));
    if (options.restoresDropped)
      fit.maps.push_back(calibration::fitRestoreMap(states, collector.to));
    if (!isFinite(fit.sieves.back()) || (options.restoresDropped && !isFinite(fit.maps.back())))
      throw ToolError(ExitCode::Refused,
                      fmt::format("{}: what is fitted in front of layer {} has infinite numbers or NaNs, as "
                                  "hidden states of these requests may have; look for such values in the "
                                  "model's answers, or choose other --layers",
                                  options.model, layer));
  }
  fit.layerCount = collector.lastLayer;
  return fit;
}

} // namespace tamis::tools
