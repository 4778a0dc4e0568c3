//===- Sieve.h - The least-squares sieve ---------------------------------------------------------------===//
//
// A token matters as much as its last hidden state says more than its own state here does. With states X in
// front of a layer and Y behind the last one, W minimises |X W - Y|^2 + |W|^2, r is the length of a row's
// residual, and w minimises |X w - log r|^2 + 10 |w|^2; both have an intercept. A token's score is its state
// times w.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CALIBRATION_SIEVE_H
#define TAMIS_CALIBRATION_SIEVE_H

#include "tamis/Calibration/States.h"

namespace tamis::calibration {

struct Sieve {
  std::vector<float> weights; ///< a column of `from` each
  double correlation = 0;     ///< of the score with log r, over the rows that it was fitted on
};

/// Fits a sieve for states `from` whose last states are the rows of `to`. There must be as many rows in both,
/// and more than none. Takes time and memory in proportion to rows * columns^2 and rows * columns.
Sieve fitSieve(const States &from, const States &to);

} // namespace tamis::calibration

#endif
