//===- SieveTest.cpp - The least-squares sieve ----------------------------------------------------------===//
#include "tamis/Calibration/Sieve.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace tamis::calibration;

namespace {
/// Last states are a map of the first ones, but for what has the length e^(x . secret).
struct Case {
  States from{6, {}}, to{4, {}};
  std::vector<float> secret{0.5F, -0.25F, 0, 1, 0, 0.125F};

  Case(int64_t rows, double noise) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    std::vector<float> map(6 * 4);
    for (float &weight : map)
      weight = normal(random);
    for (int64_t row = 0; row < rows; ++row) {
      float score = 0;
      std::vector<float> x(6), y(4, 0);
      for (int i = 0; i < 6; ++i) {
        x[size_t(i)] = normal(random);
        score += x[size_t(i)] * secret[size_t(i)];
        for (int j = 0; j < 4; ++j)
          y[size_t(j)] += x[size_t(i)] * map[size_t(i * 4 + j)];
      }
      for (float &value : y)
        value +=
            3 + static_cast<float>(noise) * std::exp(score) * normal(random); // the map has an intercept, too
      from.data.insert(from.data.end(), x.begin(), x.end());
      to.data.insert(to.data.end(), y.begin(), y.end());
    }
  }
};
} // namespace

TEST(Sieve, FindsWhatTheResidualDependsOn) {
  Case data(5000, 0.1);
  Sieve sieve = fitSieve(data.from, data.to);
  ASSERT_EQ(sieve.weights.size(), 6U);
  // Their direction: what the map itself misses is a floor under the lengths, which makes them shorter.
  double dot = 0, ofFound = 0, ofSecret = 0;
  for (size_t i = 0; i < 6; ++i) {
    dot += double(sieve.weights[i]) * double(data.secret[i]);
    ofFound += double(sieve.weights[i]) * double(sieve.weights[i]);
    ofSecret += double(data.secret[i]) * double(data.secret[i]);
  }
  EXPECT_GT(dot / std::sqrt(ofFound * ofSecret), 0.99);
  EXPECT_GT(sieve.correlation, 0.85);
}

TEST(Sieve, OfExactStatesIsFinite) {
  Case data(300, 0);
  Sieve sieve = fitSieve(data.from, data.to);
  for (float weight : sieve.weights)
    EXPECT_TRUE(std::isfinite(weight));
}

TEST(Sieve, OfOneRowIsFinite) {
  Case data(1, 0.1);
  Sieve sieve = fitSieve(data.from, data.to);
  for (float weight : sieve.weights)
    EXPECT_TRUE(std::isfinite(weight));
  EXPECT_EQ(sieve.correlation, 0);
}
