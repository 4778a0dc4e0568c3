//===- Binomial.cpp - Exact bounds of a binomial distribution -----------------------------------------===//
#include "tamis/Calibration/Binomial.h"

#include <cmath>

namespace tamis::calibration {

double binomialCdf(int64_t k, int64_t n, double p) {
  if (k < 0)
    return 0;
  if (k >= n || p <= 0)
    return 1;
  if (p >= 1)
    return 0;
  // Terms by their logarithms: the first may be less than any double.
  double logOdds = std::log(p) - std::log1p(-p), term = static_cast<double>(n) * std::log1p(-p), sum = 0;
  for (int64_t i = 0; i <= k; ++i) {
    sum += std::exp(term);
    term += logOdds + std::log(static_cast<double>(n - i)) - std::log(static_cast<double>(i + 1));
  }
  return sum < 1 ? sum : 1;
}

double upperBound(int64_t k, int64_t n, double delta) {
  if (k >= n)
    return 1;
  // The tail falls as the rate rises.
  double low = static_cast<double>(k) / static_cast<double>(n), high = 1;
  for (int step = 0; step < 60; ++step) {
    double middle = (low + high) / 2;
    (binomialCdf(k, n, middle) > delta ? low : high) = middle;
  }
  return high;
}

int64_t trialsNeeded(double alpha, double delta, double share) {
  // Rounding down makes the tail a saw: all smaller numbers are asked, too.
  for (int64_t n = 1;; ++n)
    if (binomialCdf(static_cast<int64_t>(std::floor(share * static_cast<double>(n))), n, alpha) <= delta)
      return n;
}

} // namespace tamis::calibration
