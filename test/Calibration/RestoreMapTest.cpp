//===- RestoreMapTest.cpp - What stands for the last state of a token that was left out ----------------===//
#include "tamis/Calibration/RestoreMap.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace tamis::calibration;

namespace {
constexpr int64_t kFrom = 5, kTo = 3;

/// The number that the 16 bits stand for.
double ofHalf(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  return bits >> 15 ? -value : value;
}

/// Last states are a map of the first ones, its intercept 2, and noise.
struct Case {
  States from{kFrom, {}}, to{kTo, {}};
  std::vector<float> map;

  Case(int64_t rows, float noise) {
    std::mt19937 random(9);
    std::normal_distribution<float> normal;
    for (int64_t i = 0; i < kFrom * kTo; ++i)
      map.push_back(normal(random));
    for (int64_t row = 0; row < rows; ++row) {
      std::vector<float> y(kTo, 2);
      for (int64_t i = 0; i < kFrom; ++i) {
        float x = normal(random);
        from.data.push_back(x);
        for (int64_t j = 0; j < kTo; ++j)
          y[size_t(j)] += x * map[size_t(i * kTo + j)];
      }
      for (float value : y)
        to.data.push_back(value + noise * normal(random));
    }
  }
};
} // namespace

TEST(RestoreMap, FindsTheMap) {
  // More than a block, and no multiple of one.
  Case data(5000, 0.01F);
  RestoreMap found = fitRestoreMap(data.from, data.to);
  ASSERT_EQ(found.weights.size(), size_t(kFrom * kTo));
  ASSERT_EQ(found.bias.size(), size_t(kTo));
  for (size_t i = 0; i < found.weights.size(); ++i)
    EXPECT_NEAR(ofHalf(found.weights[i]), data.map[i], 3e-3);
  for (float bias : found.bias)
    EXPECT_NEAR(bias, 2, 3e-3);
  EXPECT_LT(found.unexplained, 1e-3);
}

TEST(RestoreMap, SaysWhatItMisses) {
  Case data(5000, 3);
  double mean[kTo] = {}, variance = 0, residual = 0;
  RestoreMap found = fitRestoreMap(data.from, data.to);
  for (int64_t row = 0; row < 5000; ++row)
    for (int64_t j = 0; j < kTo; ++j)
      mean[j] += data.to.data[size_t(row * kTo + j)] / 5000.0;
  for (int64_t row = 0; row < 5000; ++row)
    for (int64_t j = 0; j < kTo; ++j) {
      double mapped = found.bias[size_t(j)], y = data.to.data[size_t(row * kTo + j)];
      for (int64_t i = 0; i < kFrom; ++i)
        mapped += data.from.data[size_t(row * kFrom + i)] * ofHalf(found.weights[size_t(i * kTo + j)]);
      variance += (y - mean[j]) * (y - mean[j]);
      residual += (y - mapped) * (y - mapped);
    }
  EXPECT_NEAR(found.unexplained, residual / variance, 1e-5);
  EXPECT_GT(found.unexplained, 0.3);
  EXPECT_LT(found.unexplained, 1);
}

TEST(RestoreMap, OfOneRowIsFinite) {
  Case data(1, 0.1F);
  RestoreMap found = fitRestoreMap(data.from, data.to);
  for (uint16_t bits : found.weights)
    EXPECT_NE(bits & 0x7c00, 0x7c00);
  for (float bias : found.bias)
    EXPECT_TRUE(std::isfinite(bias));
  EXPECT_EQ(found.unexplained, 0);
}
