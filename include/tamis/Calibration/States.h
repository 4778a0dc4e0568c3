//===- States.h - Hidden states of tokens ---------------------------------------------------------------===//
#ifndef TAMIS_CALIBRATION_STATES_H
#define TAMIS_CALIBRATION_STATES_H

#include <cstdint>
#include <vector>

namespace tamis::calibration {

/// Rows of f32, one behind the other.
struct States {
  int64_t columns = 0;
  std::vector<float> data;
  int64_t rows() const { return columns ? static_cast<int64_t>(data.size()) / columns : 0; }
};

} // namespace tamis::calibration

#endif
