//===- CalibrationSearch.cpp - What shares of tokens lose on the searched half --------------===//

#include "CalibrationSearch.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tamis::tools {

using calibration::Measured;

namespace {

/// All combinations of shares, the fewer per layer the more layers there are.
std::vector<std::vector<float>> gridOf(size_t layers) {
  std::vector<float> fine, coarse = {1, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.4F};
  for (int thousandths = 975; thousandths >= 250; thousandths -= 25)
    fine.push_back(static_cast<float>(thousandths) / 1000);
  if (layers == 3)
    coarse = {1, 0.85F, 0.7F, 0.5F};
  const std::vector<float> &shares = layers == 1 ? fine : coarse;
  std::vector<std::vector<float>> all = {{}};
  for (size_t layer = 0; layer < layers; ++layer) {
    std::vector<std::vector<float>> longer;
    for (const std::vector<float> &front : all)
      for (float share : shares) {
        longer.push_back(front);
        longer.back().push_back(share);
      }
    all = std::move(longer);
  }
  std::erase_if(all, [](const std::vector<float> &shares) {
    return std::ranges::all_of(shares, [](float s) { return s == 1; });
  });
  return all;
}

} // namespace

CalibrationSearch searchShares(const CalibrationOptions &options, const std::vector<Request> &requests,
                               const RequestSplit &split, CalibrationTrials &trials, Progress &progress) {
  CalibrationSearch search;
  search.candidates = gridOf(options.layers.size());
  search.measured.assign(split.groupCount(), std::vector<Measured>(search.candidates.size()));
  for (size_t c = 0; c < search.candidates.size(); ++c) {
    if (progress.isDue())
      progress.show(fmt::format("searching: candidate {} of {}", c + 1, search.candidates.size()));
    std::vector<int64_t> work;
    std::vector<double> losses = trials.losses("linear", search.candidates[c], split.searched, &work);
    for (size_t i = 0; i < split.searched.size(); ++i) {
      Measured &of = search.measured[split.groupOf(requests[split.searched[i]])][c];
      of.losses.push_back(losses[i]);
      of.cost += static_cast<double>(work[i]);
    }
  }
  return search;
}

std::vector<Baseline> compareBaselines(const RequestSplit &split, CalibrationTrials &trials,
                                       Progress &progress) {
  std::vector<size_t> some(split.searched.begin(),
                           split.searched.begin() +
                               static_cast<std::ptrdiff_t>(std::min<size_t>(split.searched.size(), 200)));
  std::vector<Baseline> baselines;
  for (const char *rule : {"linear", "random", "stride"})
    for (float share : {0.9F, 0.7F, 0.5F}) {
      if (progress.isDue())
        progress.show(fmt::format("comparing with {} tokens", rule));
      std::vector<float> shares = trials.denseShares();
      shares.front() = share;
      std::vector<double> losses = trials.losses(rule, shares, some);
      std::ranges::sort(losses);
      baselines.push_back({rule, std::round(static_cast<double>(share) * 100) / 100,
                           losses[losses.size() / 2], losses[losses.size() * 95 / 100]});
    }
  return baselines;
}

} // namespace tamis::tools
