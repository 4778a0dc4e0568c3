//===- RequestSplit.cpp - Which requests are searched on, and which tested on -------------===//

#include "RequestSplit.h"

#include "Calibration.h"
#include "ExitCode.h"
#include "tamis/Calibration/Binomial.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <random>

namespace tamis::tools {

namespace {

/// The least alpha, in steps of a thousandth, that so many requests can prove.
double provable(int64_t count, double delta) {
  for (int thousandths = 1; thousandths < 1000; ++thousandths)
    if (calibration::trialsNeeded(thousandths / 1e3, delta, 0) <= count)
      return thousandths / 1e3;
  return 1;
}

/// The longest of each group but the last.
std::vector<int64_t> boundsOf(std::vector<int64_t> lengths, int64_t groups) {
  std::ranges::sort(lengths);
  std::vector<int64_t> bounds;
  for (int64_t group = 1; group < groups; ++group) {
    int64_t bound = lengths[lengths.size() * static_cast<size_t>(group) / static_cast<size_t>(groups)];
    if (bound > (bounds.empty() ? 0 : bounds.back()) && bound < lengths.back())
      bounds.push_back(bound);
  }
  return bounds;
}

/// What delta is divided among.
std::string among(const CalibrationOptions &options) {
  std::string text;
  if (options.rules.size() > 1)
    text += fmt::format(" among {} rules", options.rules.size());
  if (options.precisions.size() > 1)
    text += fmt::format(" {} {} precisions", text.empty() ? "among" : "at", options.precisions.size());
  return text;
}

} // namespace

size_t RequestSplit::groupOf(const Request &request) const {
  return static_cast<size_t>(
      std::ranges::count_if(bounds, [&](int64_t bound) { return request.length > bound; }));
}

std::string RequestSplit::groupName(size_t group) const {
  return group < bounds.size() ? fmt::format("up to {} tokens", bounds[group])
         : group               ? fmt::format("above {} tokens", bounds.back())
                               : "all lengths";
}

RequestSplit splitRequests(const std::vector<Request> &requests, const CalibrationOptions &options) {
  double alpha = options.promise.alpha;
  // Each precision, and each rule at it, has a test of its own.
  double delta = options.promise.delta / static_cast<double>(options.variants().size());
  std::vector<size_t> order(requests.size());
  std::iota(order.begin(), order.end(), 0);
  // std::shuffle is another one in every library.
  std::mt19937_64 random(options.seed);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random() % i]);
  RequestSplit split;
  auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
  split.searched.assign(order.begin(), middle);
  split.tested.assign(middle, order.end());
  auto half = static_cast<int64_t>(split.searched.size());
  if (int64_t needed = calibration::trialsNeeded(alpha, delta, 0); half < needed)
    throw ToolError(
        ExitCode::Refused,
        fmt::format("{}: has {} requests; to prove alpha {:g} with delta {:g}{} takes {} at least, half of "
                    "them for the search, and with {} alpha {:g} can be proven",
                    options.requests, requests.size(), alpha, options.promise.delta, among(options),
                    2 * needed, requests.size(), provable(half, delta)));
  // Each group with its part of delta. With few requests each, what can be proven is far below alpha, which
  // costs more than shares by length gain.
  constexpr int64_t plenty = 6;
  // A threshold for experts is of a whole run, whatever the lengths in it.
  int64_t groups = options.skipsExperts() ? 1 : options.groups;
  while (groups > 1 && half / groups < plenty * calibration::trialsNeeded(alpha, delta / double(groups), 0))
    --groups;
  std::vector<int64_t> lengths;
  for (size_t i : split.searched)
    lengths.push_back(requests[i].length);
  split.bounds = boundsOf(std::move(lengths), groups);
  return split;
}

} // namespace tamis::tools
