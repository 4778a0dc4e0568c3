//===- CalibrationSearch.cpp - What shares of tokens lose on the searched half --------------===//

#include "CalibrationSearch.h"

#include "runtime/src/Clock.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>
#include <tuple>

namespace tamis::tools {

using calibration::Measured;

namespace {

/// How often a row of `count` places is halved until one of them is the middle of a part.
size_t depthOf(size_t place, size_t count) {
  size_t depth = 0;
  for (size_t begin = 0, end = count;; ++depth) {
    size_t middle = begin + (end - begin) / 2;
    if (place == middle)
      return depth;
    if (place < middle)
      end = middle;
    else
      begin = middle + 1;
  }
}

/// A candidate, and the fineness of the grid that it belongs to.
struct GridPoint {
  CalibrationKnobs knobs;
  size_t depth = 0;
};

/// All combinations of shares and of thresholds for experts, the fewer per layer the more there are; the
/// dense one is the last.
std::vector<GridPoint> gridOf(size_t layers, const std::vector<float> &skips) {
  size_t dimensions = layers + (skips.size() > 1);
  std::vector<float> fine, coarse = {1, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.4F};
  for (int thousandths = 975; thousandths >= 250; thousandths -= 25)
    fine.push_back(static_cast<float>(thousandths) / 1000);
  if (dimensions > 2)
    coarse = {1, 0.85F, 0.7F, 0.5F};
  const std::vector<float> &shares = dimensions == 1 ? fine : coarse;
  std::vector<GridPoint> all = {{}};
  for (size_t layer = 0; layer < layers; ++layer) {
    std::vector<GridPoint> longer;
    for (const GridPoint &front : all)
      for (size_t place = 0; place < shares.size(); ++place) {
        longer.push_back(front);
        longer.back().knobs.keep.push_back(shares[place]);
        longer.back().depth = std::max(front.depth, depthOf(place, shares.size()));
      }
    all = std::move(longer);
  }
  std::vector<GridPoint> whole;
  for (const GridPoint &point : all)
    for (size_t place = 0; place < skips.size(); ++place)
      whole.push_back(
          {{point.knobs.keep, skips[place]}, std::max(point.depth, depthOf(place, skips.size()))});
  CalibrationKnobs dense{std::vector<float>(layers, 1), 0};
  std::erase_if(whole, [&](const GridPoint &point) { return point.knobs == dense; });
  whole.push_back({dense, 0});
  return whole;
}

bool keepsPromise(const std::vector<double> &losses, const calibration::Promise &promise) {
  return static_cast<double>(calibration::violations(losses, promise.eps)) <=
         promise.alpha * static_cast<double>(losses.size());
}

/// A merged row takes up others of the other half of a sequence.
bool canKeep(const CalibrationRule &rule, const std::vector<float> &shares) {
  return !rule.merges() || std::ranges::all_of(shares, [](float share) { return share >= 0.5F; });
}

/// A candidate of a variant. The search goes from the coarsest grid to the finest, and through all variants
/// in each.
struct Place {
  size_t candidate, variant;
};

} // namespace

CalibrationSearch searchShares(const CalibrationOptions &options, const std::vector<Request> &requests,
                               const RequestSplit &split, CalibrationTrials &trials, CalibrationState &state,
                               Progress &progress) {
  CalibrationSearch search;
  std::vector<GridPoint> grid =
      gridOf(options.layers.size(), options.skipsExperts() ? options.skips : std::vector{0.0F});
  for (const GridPoint &point : grid)
    search.candidates.push_back(point.knobs);
  std::vector<Measured> untried(search.candidates.size(), {{}, std::numeric_limits<double>::infinity()});
  std::vector<CalibrationVariant> variants = options.variants();
  search.measured.assign(variants.size(), {split.groupCount(), untried});
  search.rows.assign(variants.size(),
                     {split.groupCount(), std::vector<int64_t>(search.candidates.size(), 0)});
  auto take = [&](Place place, const Trial &trial) {
    std::vector<Measured> groups(split.groupCount());
    for (size_t i = 0; i < split.searched.size(); ++i) {
      Measured &of = groups[split.groupOf(requests[split.searched[i]])];
      of.losses.push_back(trial.losses[i]);
      of.cost += static_cast<double>(trial.work[i].operations);
      search.rows[place.variant][split.groupOf(requests[split.searched[i]])][place.candidate] +=
          trial.work[i].rows;
    }
    for (size_t group = 0; group < groups.size(); ++group)
      search.measured[place.variant][group][place.candidate] = std::move(groups[group]);
    --search.untried;
  };
  std::vector<Place> order;
  for (size_t variant = 0; variant < variants.size(); ++variant)
    if (keepsPromise(trials.denseLosses(variants[variant].precision, split.searched), options.promise))
      for (size_t candidate = 0; candidate < search.dense(); ++candidate)
        if (canKeep(CalibrationRule::named(variants[variant].rule), search.candidates[candidate].keep))
          order.push_back({candidate, variant});
  std::ranges::sort(order, {}, [&](const Place &place) {
    return std::tuple(grid[place.candidate].depth, place.candidate, place.variant);
  });
  search.possible = search.untried = order.size();
  // First what is known, so that the time is for the rest.
  for (const Place &place : order)
    if (const Trial *known = state.find(place.variant, place.candidate))
      take(place, *known);
  int64_t begin = monotonicNanoseconds(), longest = 0;
  for (const Place &place : order) {
    if (state.find(place.variant, place.candidate))
      continue;
    int64_t start = monotonicNanoseconds();
    bool isFirst = search.untried == search.possible;
    if (options.budget > 0 && !isFirst && double(start - begin + longest) > options.budget * 1e9)
      return search;
    if (progress.isDue())
      progress.show(fmt::format("searching: candidate {} of {}", search.possible - search.untried + 1,
                                search.possible));
    Trial trial;
    trial.losses = trials.losses(variants[place.variant], search.candidates[place.candidate], split.searched,
                                 &trial.work);
    take(place, trial);
    state.add(place.variant, place.candidate, std::move(trial));
    longest = std::max(longest, monotonicNanoseconds() - start);
  }
  return search;
}

/// The rules of the options, and what else leaves tokens out where they do.
static std::vector<std::string> comparedRules(const CalibrationOptions &options) {
  bool leavesOut = std::ranges::any_of(
      options.rules, [](const std::string &name) { return !CalibrationRule::named(name).merges(); });
  std::vector<std::string> rules;
  if (leavesOut)
    rules = {"linear", "random", "stride"};
  for (const std::string &rule : options.rules)
    if (std::ranges::find(rules, rule) == rules.end())
      rules.push_back(rule);
  // One alone has none to be compared with.
  return rules.size() > 1 ? rules : std::vector<std::string>();
}

std::vector<Baseline> compareBaselines(const CalibrationOptions &options, const RequestSplit &split,
                                       CalibrationTrials &trials, Progress &progress) {
  std::vector<size_t> some(split.searched.begin(),
                           split.searched.begin() +
                               static_cast<std::ptrdiff_t>(std::min<size_t>(split.searched.size(), 200)));
  std::vector<Baseline> baselines;
  std::vector<CalibrationVariant> variants = options.variants();
  for (const std::string &rule : comparedRules(options)) {
    CalibrationVariant variant{options.reference(), rule};
    for (float share : {0.9F, 0.7F, 0.5F}) {
      if (progress.isDue())
        progress.show(fmt::format("comparing with {} tokens", rule));
      CalibrationKnobs knobs = trials.denseKnobs();
      knobs.keep.front() = share;
      std::vector<double> losses = trials.losses(variant, knobs, some);
      std::ranges::sort(losses);
      double sum = std::accumulate(losses.begin(), losses.end(), 0.0);
      baselines.push_back({rule, std::round(static_cast<double>(share) * 100) / 100,
                           sum / static_cast<double>(losses.size()), losses[losses.size() / 2],
                           losses[losses.size() * 95 / 100]});
    }
    if (std::ranges::find(variants, variant) == variants.end())
      trials.close(variant);
  }
  return baselines;
}

} // namespace tamis::tools
