//===- Certificate.h - Choosing a setting, and proving what it loses -----------------------------------===//
//
// Candidates are chosen on one half of the requests and tested on the other. The tests go from the safest to
// the fastest candidate and end with the first that fails: so that each may use the whole error probability
// delta (fixed-sequence testing; Learn then Test, Angelopoulos et al. 2021).
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CALIBRATION_CERTIFICATE_H
#define TAMIS_CALIBRATION_CERTIFICATE_H

#include <cstdint>
#include <span>
#include <vector>

namespace tamis::calibration {

/// What is promised: a request's loss exceeds eps with probability alpha at most, with confidence 1 - delta.
struct Promise {
  double eps, alpha, delta;
};

/// A candidate on a set of requests.
struct Measured {
  std::vector<double> losses; ///< of each request; what is no number counts as a violation
  double cost = 0;            ///< of all of them: their time, or work in proportion to it
};

int64_t violations(std::span<const double> losses, double eps);

/// The numbers of candidates to be tested, from the safest to the fastest: for rising rates of violations up
/// to alpha, the fastest candidate whose rate on these requests is no higher. What costs no less than
/// `denseCost` is never chosen. `measured` is of the half that is searched on.
std::vector<size_t> ladder(std::span<const Measured> measured, const Promise &promise, double denseCost);

/// The result of a test.
struct Tested {
  size_t candidate;
  int64_t requests, violations;
  double pValue; ///< of the hypothesis that the rate of violations is above alpha
  double bound;  ///< on that rate, with confidence 1 - delta
  bool passed;
};

/// Tests candidates in their order on the other half; the last element is the first that failed, if any did.
/// `losses(candidate)` has the losses of that half.
template <typename Losses>
std::vector<Tested> certify(std::span<const size_t> order, const Promise &promise, Losses losses);

/// One test.
Tested test(size_t candidate, std::span<const double> losses, const Promise &promise);

template <typename Losses>
std::vector<Tested> certify(std::span<const size_t> order, const Promise &promise, Losses losses) {
  std::vector<Tested> tested;
  for (size_t candidate : order) {
    const std::vector<double> &found = losses(candidate);
    tested.push_back(test(candidate, found, promise));
    if (!tested.back().passed)
      break;
  }
  return tested;
}

} // namespace tamis::calibration

#endif
