//===- RestoreMap.h - What stands for the last state of a token that was left out ----------------------===//
//
// With states X in front of a layer and Y behind the last one, of all tokens when none is left out, W and b
// minimise |X W + b - Y|^2 + |W|^2 + |b|^2. A token that is left out in front of the layer has x W + b for
// its last state.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CALIBRATION_RESTOREMAP_H
#define TAMIS_CALIBRATION_RESTOREMAP_H

#include "tamis/Calibration/States.h"

namespace tamis::calibration {

struct RestoreMap {
  std::vector<uint16_t> weights; ///< W [columns of from, columns of to], row-major, rounded to binary16
  std::vector<float> bias;       ///< b [columns of to]
  /// The share of the variance of Y that the rounded map leaves unexplained, over the rows that it was fitted
  /// on; 0 for one row.
  double unexplained = 0;
};

/// Fits a map for states `from` whose last states are the rows of `to`. There must be as many rows in both,
/// and more than none. Takes time and memory in proportion to rows * columns^2 and rows * columns.
RestoreMap fitRestoreMap(const States &from, const States &to);

} // namespace tamis::calibration

#endif
