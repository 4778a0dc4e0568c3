//===- Binomial.h - Exact bounds of a binomial distribution -------------------------------------------===//
//
// Whether a request is worse than allowed is yes or no, so that the number of such requests among n is
// binomial. Its tail is a p-value, without an approximation (Clopper and Pearson 1934).
//
//===--------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CALIBRATION_BINOMIAL_H
#define TAMIS_CALIBRATION_BINOMIAL_H

#include <cstdint>

namespace tamis::calibration {

/// P(X <= k) of n trials that succeed with probability p. k < 0 gives 0, k >= n gives 1. p is in [0, 1].
double binomialCdf(int64_t k, int64_t n, double p);

/// The least rate that is refuted with confidence 1 - delta when k of n trials succeeded: the upper end of
/// the exact one-sided interval; 1 where n is 0.
double upperBound(int64_t k, int64_t n, double delta);

/// The least n at which k = floor(share * n) violations still prove a rate of at most alpha with confidence
/// 1 - delta. `share` < alpha; 0 stands for no violation at all.
int64_t trialsNeeded(double alpha, double delta, double share);

} // namespace tamis::calibration

#endif
