//===- CalibrationState.h - What a search has seen, for another call to go on ------------------===//
#ifndef TAMIS_TOOLS_CALIBRATIONSTATE_H
#define TAMIS_TOOLS_CALIBRATIONSTATE_H

#include "CalibrationFit.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tamis::tools {

/// What a run may leave out.
struct CalibrationKnobs {
  std::vector<float> keep; // a share of tokens for each layer of the options
  float skip = 0;          // share of a token's sum below which its experts are skipped

  bool operator==(const CalibrationKnobs &) const = default;
};

/// What a run does.
struct CalibrationWork {
  int64_t rows = 0;       // of all layers, in attentions and behind them
  int64_t operations = 0; // of floating-point numbers in all that it computes
};

/// A candidate on the searched half, by request.
struct Trial {
  std::vector<double> losses;
  std::vector<CalibrationWork> work;
};

/// The fit and the trials of a search, in a file that is replaced as a whole with each of them. All functions
/// throw ToolError(System) where it cannot be read or written.
class CalibrationState {
public:
  /// `key` tells calibrations apart. What a file of the same key holds is taken over, and that is said on
  /// standard error; so is that another one's, or a damaged one, will be replaced. Throws ToolError(Refused)
  /// where the file is none of a calibration.
  CalibrationState(std::string path, std::string key);

  /// Beside the policy that is to be written.
  static std::string pathOf(const std::string &policy) { return policy + ".part"; }

  const std::optional<CalibrationFit> &fit() const { return fitted; }
  void setFit(const CalibrationFit &fit);

  /// None where the candidate was not tried; both are numbers of the search.
  const Trial *find(size_t variant, size_t candidate) const;
  void add(size_t variant, size_t candidate, Trial trial);

  /// To be called when there is nothing to go on with.
  static void remove(const std::string &path);

private:
  void read(const std::string &text);
  void write() const;

  std::string path, key;
  std::optional<CalibrationFit> fitted;
  std::map<std::pair<size_t, size_t>, Trial> trials;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONSTATE_H
