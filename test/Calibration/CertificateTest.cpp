//===- CertificateTest.cpp - Choosing a setting, and proving what it loses -----------------------------===//
#include "tamis/Calibration/Certificate.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <sstream>
#include <string>

using namespace tamis::calibration;

TEST(Certificate, WhatIsNoNumberIsAViolation) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(violations(std::vector{0.1, 0.2, 0.3, nan, infinity}, 0.2), 3);
  EXPECT_EQ(violations(std::vector<double>{}, 0.2), 0);
}

TEST(Certificate, TheLadderGoesFromSafeToFast) {
  // 100 requests: so many violations, such a cost.
  std::vector<Measured> measured;
  for (auto [bad, cost] :
       {std::pair(0, 90.0), {1, 80.0}, {0, 95.0}, {3, 50.0}, {2, 60.0}, {9, 10.0}, {4, 70.0}}) {
    Measured one;
    one.losses.assign(100, 0);
    std::fill_n(one.losses.begin(), bad, 1.0);
    one.cost = cost;
    measured.push_back(one);
  }
  Promise promise{0.5, 0.05, 0.05};
  // 4 of 100 is 0.8 of alpha, but dearer than what has 3; 9 are too many; 95 is dearer than 90.
  EXPECT_EQ(ladder(measured, promise, 100), (std::vector<size_t>{0, 1, 4, 3}));
  // What costs more than the dense step is no gain.
  EXPECT_EQ(ladder(measured, promise, 55), (std::vector<size_t>{3}));
  EXPECT_EQ(ladder(measured, promise, 1), std::vector<size_t>());
}

TEST(Certificate, TestsEndWithTheFirstThatFails) {
  Promise promise{0.5, 0.1, 0.05};
  std::vector<std::vector<double>> losses(4, std::vector<double>(100, 0));
  std::fill_n(losses[2].begin(), 8, 1.0); // proves nothing of 10%
  std::vector<size_t> order{0, 1, 2, 3}, asked;
  std::vector<Tested> tested = certify(order, promise, [&](size_t candidate) -> const std::vector<double> & {
    asked.push_back(candidate);
    return losses[candidate];
  });
  EXPECT_EQ(asked, (std::vector<size_t>{0, 1, 2}));
  ASSERT_EQ(tested.size(), 3U);
  EXPECT_TRUE(tested[1].passed);
  EXPECT_FALSE(tested[2].passed);
  EXPECT_EQ(tested[2].violations, 8);
  EXPECT_GT(tested[2].bound, 0.1);
  EXPECT_LT(tested[1].bound, 0.1);
}

TEST(Certificate, OfNoRequestsProvesNothing) { EXPECT_FALSE(test(0, {}, {0.5, 0.1, 0.05}).passed); }

// The promise itself: of many splits, the share whose certified setting breaks it is at most delta. Losses of
// a request rise with what is left out; the true rates of violations of the ten settings are known.
TEST(Certificate, IsTrue) {
  constexpr int trials = 2000, requests = 400, settings = 10;
  Promise promise{0.5, 0.05, 0.1};
  std::mt19937_64 random(2026);
  std::uniform_real_distribution<double> uniform;
  // Setting i violates where a request's own number is above 1 - rate(i): joint, as real ones are.
  auto rate = [](int i) { return 0.01 * (i + 1); };
  int wrong = 0, some = 0;
  for (int trial = 0; trial < trials; ++trial) {
    auto draw = [&] {
      std::vector<double> numbers(requests);
      for (double &number : numbers)
        number = uniform(random);
      return numbers;
    };
    std::vector<double> searched = draw(), tested = draw();
    auto lossesOf = [&](const std::vector<double> &numbers, int i) {
      std::vector<double> losses;
      for (double number : numbers)
        losses.push_back(number > 1 - rate(i) ? 1 : 0);
      return losses;
    };
    std::vector<Measured> measured;
    for (int i = 0; i < settings; ++i)
      measured.push_back({lossesOf(searched, i), 100.0 - i});
    std::vector<size_t> order = ladder(measured, promise, 1000);
    std::vector<double> losses;
    std::vector<Tested> results =
        certify(order, promise, [&](size_t candidate) -> const std::vector<double> & {
          losses = lossesOf(tested, static_cast<int>(candidate));
          return losses;
        });
    int last = -1;
    for (const Tested &result : results)
      last = result.passed ? static_cast<int>(result.candidate) : last;
    some += last >= 0;
    wrong += last >= 0 && rate(last) > promise.alpha;
  }
  // Three standard deviations of 2000 draws.
  EXPECT_LE(wrong, trials * promise.delta + 3 * std::sqrt(trials * promise.delta * (1 - promise.delta)));
  // And it is of use: most splits certify something.
  EXPECT_GT(some, trials * 9 / 10);
}

namespace {
/// Losses of requests to a model, at shares of tokens that fall from column to column.
struct Recorded {
  std::vector<double> shares;              // of tokens
  std::vector<std::vector<double>> losses; // [share][request]
  size_t requests() const { return losses.front().size(); }

  /// Of some requests at a share, in their order.
  std::vector<double> of(size_t share, std::span<const size_t> some) const {
    std::vector<double> found;
    for (size_t request : some)
      found.push_back(losses[share][request]);
    return found;
  }
};

Recorded readRecorded(const std::string &path) {
  Recorded recorded;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    bool isHead = first == "#";
    if (isHead && !(words >> first && first == "tokens"))
      continue;
    double number = 0;
    for (size_t column = 0; words >> number; ++column)
      if (isHead) {
        recorded.shares.push_back(number / 1000);
        recorded.losses.emplace_back();
      } else {
        recorded.losses.at(column).push_back(number / 10000);
      }
  }
  return recorded;
}
} // namespace

// The promise on losses of a real model on real texts (benchmarks/certificates.py --record): of 200 splits by
// stated seeds, the share that certifies a setting which breaks the promise on the requests that were never
// looked at.
TEST(Certificate, IsTrueOfRealRequests) {
  constexpr size_t splits = 200, half = 300;
  Recorded recorded = readRecorded(TAMIS_CALIBRATION_INPUTS "/minilm-losses.txt");
  ASSERT_EQ(recorded.losses.size(), 10U);
  ASSERT_EQ(recorded.requests(), 1600U);
  for (double eps : {0.03, 0.07, 0.15}) {
    Promise promise{eps, 0.05, 0.05};
    int wrong = 0, some = 0;
    for (size_t seed = 0; seed < splits; ++seed) {
      std::vector<size_t> order(recorded.requests());
      std::iota(order.begin(), order.end(), 0);
      std::ranges::shuffle(order, std::mt19937_64(seed));
      auto searched = std::span(order).first(half), tested = std::span(order).subspan(half, half),
           others = std::span(order).subspan(2 * half);
      std::vector<Measured> measured;
      for (size_t share = 0; share < recorded.shares.size(); ++share)
        measured.push_back({recorded.of(share, searched), recorded.shares[share]});
      std::vector<double> losses;
      std::vector<Tested> results =
          certify(ladder(measured, promise, 1), promise, [&](size_t share) -> const std::vector<double> & {
            losses = recorded.of(share, tested);
            return losses;
          });
      auto passed = std::ranges::find_if_not(results, &Tested::passed);
      if (passed == results.begin())
        continue;
      ++some;
      std::vector<double> unseen = recorded.of(std::prev(passed)->candidate, others);
      wrong +=
          static_cast<double>(violations(unseen, eps)) > promise.alpha * static_cast<double>(unseen.size());
    }
    // Three standard deviations of 200 draws.
    EXPECT_LE(wrong, splits * promise.delta + 3 * std::sqrt(splits * promise.delta * (1 - promise.delta)))
        << "eps " << eps;
    EXPECT_GT(some, 190) << "eps " << eps;
  }
}
