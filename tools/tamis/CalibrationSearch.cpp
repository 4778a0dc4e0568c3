//===- CalibrationSearch.cpp - What shares of tokens lose on the searched half --------------===//

#include "CalibrationSearch.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace tamis::tools {

using calibration::Measured;

namespace {

/// All combinations of shares, the fewer per layer the more layers there are; the dense one is the last.
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
  all.emplace_back(layers, 1);
  return all;
}

bool keepsPromise(const std::vector<double> &losses, const calibration::Promise &promise) {
  return static_cast<double>(calibration::violations(losses, promise.eps)) <=
         promise.alpha * static_cast<double>(losses.size());
}

} // namespace

CalibrationSearch searchShares(const CalibrationOptions &options, const std::vector<Request> &requests,
                               const RequestSplit &split, CalibrationTrials &trials, Progress &progress) {
  CalibrationSearch search;
  search.candidates = gridOf(options.layers.size());
  std::vector<Measured> untried(search.candidates.size(), {{}, std::numeric_limits<double>::infinity()});
  search.measured.assign(options.precisions.size(), {split.groupCount(), untried});
  auto tryCandidate = [&](size_t precision, size_t candidate) {
    std::vector<int64_t> work;
    std::vector<double> losses = trials.losses(options.precisions[precision], "linear",
                                               search.candidates[candidate], split.searched, &work);
    std::vector<Measured> groups(split.groupCount());
    for (size_t i = 0; i < split.searched.size(); ++i) {
      Measured &of = groups[split.groupOf(requests[split.searched[i]])];
      of.losses.push_back(losses[i]);
      of.cost += static_cast<double>(work[i]);
    }
    for (size_t group = 0; group < groups.size(); ++group)
      search.measured[precision][group][candidate] = std::move(groups[group]);
  };
  for (size_t precision = 0; precision < options.precisions.size(); ++precision) {
    if (!keepsPromise(trials.denseLosses(options.precisions[precision], split.searched), options.promise))
      continue;
    for (size_t candidate = 0; candidate < search.dense(); ++candidate) {
      if (progress.isDue())
        progress.show(fmt::format("searching at {}: candidate {} of {}", options.precisions[precision],
                                  candidate + 1, search.dense()));
      tryCandidate(precision, candidate);
    }
  }
  return search;
}

std::vector<Baseline> compareBaselines(const CalibrationOptions &options, const RequestSplit &split,
                                       CalibrationTrials &trials, Progress &progress) {
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
      std::vector<double> losses = trials.losses(options.reference(), rule, shares, some);
      std::ranges::sort(losses);
      baselines.push_back({rule, std::round(static_cast<double>(share) * 100) / 100,
                           losses[losses.size() / 2], losses[losses.size() * 95 / 100]});
    }
  return baselines;
}

} // namespace tamis::tools
