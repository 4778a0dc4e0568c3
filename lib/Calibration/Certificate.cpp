//===- Certificate.cpp - Choosing a setting, and proving what it loses ---------------------------------===//
#include "tamis/Calibration/Certificate.h"

#include "tamis/Calibration/Binomial.h"

#include <algorithm>

namespace tamis::calibration {

int64_t violations(std::span<const double> losses, double eps) {
  // A loss that is no number is not known to be within eps.
  return std::ranges::count_if(losses, [&](double loss) { return !(loss <= eps); });
}

std::vector<size_t> ladder(std::span<const Measured> measured, const Promise &promise, double denseCost) {
  // Rungs far below alpha pass where those near it fail by bad luck.
  constexpr double shares[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
  std::vector<size_t> order;
  for (double share : shares) {
    size_t best = measured.size();
    double cost = denseCost;
    for (size_t i = 0; i < measured.size(); ++i) {
      auto count = static_cast<double>(measured[i].losses.size());
      bool isSafe =
          static_cast<double>(violations(measured[i].losses, promise.eps)) <= share * promise.alpha * count;
      if (isSafe && measured[i].cost < cost) {
        best = i;
        cost = measured[i].cost;
      }
    }
    if (best < measured.size() && (order.empty() || order.back() != best))
      order.push_back(best);
  }
  return order;
}

Tested test(size_t candidate, std::span<const double> losses, const Promise &promise) {
  auto count = static_cast<int64_t>(losses.size());
  int64_t bad = violations(losses, promise.eps);
  double pValue = count ? binomialCdf(bad, count, promise.alpha) : 1;
  return {candidate, count, bad, pValue, upperBound(bad, count, promise.delta), pValue <= promise.delta};
}

} // namespace tamis::calibration
