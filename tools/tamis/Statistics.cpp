//===- Statistics.cpp - Figures of repeated measurements ------------------------------===//

#include "Statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace tamis::tools {

Statistics summarize(std::vector<double> samples) {
  assert(!samples.empty());
  std::ranges::sort(samples);
  auto quantile = [&](double share) {
    double position = share * static_cast<double>(samples.size() - 1);
    size_t below = static_cast<size_t>(position);
    size_t above = std::min(below + 1, samples.size() - 1);
    return std::lerp(samples[below], samples[above], position - static_cast<double>(below));
  };
  double count = static_cast<double>(samples.size());
  double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double squares = 0;
  for (double sample : samples)
    squares += (sample - mean) * (sample - mean);
  double deviation = samples.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
  return {samples.front(), quantile(0.5), quantile(0.9), mean, deviation};
}

} // namespace tamis::tools
