//===- SamplingTest.cpp - The choice of tokens
//--------------------------------------------------------------===//
#include "Sampling.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <vector>

using namespace tamis;

static int64_t choose(const std::vector<float> &logits, Sampling sampling, double draw = 0) {
  std::vector<Candidate> candidates(logits.size());
  return chooseToken(logits.data(), int64_t(logits.size()), sampling, draw, candidates.data());
}

TEST(Sampling, TakesTheLowestOfTheGreatest) {
  EXPECT_EQ(choose({1, 5, 2, 5}, {0, 0, 0, 0}), 1);
  EXPECT_EQ(choose({-INFINITY, -3}, {0, 0, 0, 0}), 1);
}

TEST(Sampling, HasNothingToChooseAmongNoNumbers) {
  for (float temperature : {0.f, 1.f}) {
    EXPECT_EQ(choose({1, NAN, 2}, {temperature, 0, 0, 0}), -1);
    EXPECT_EQ(choose({1, INFINITY}, {temperature, 0, 0, 0}), -1);
    EXPECT_EQ(choose({-INFINITY, -INFINITY}, {temperature, 0, 0, 0}), -1);
  }
}

TEST(Sampling, DrawsInProportion) {
  // Weights 1, 2, 4, 1 of 8, in the order of the tokens.
  std::vector<float> logits = {0, std::log(2.f), std::log(4.f), 0};
  Sampling all = {1, 0, 0, 0};
  EXPECT_EQ(choose(logits, all, 0), 0);
  EXPECT_EQ(choose(logits, all, 0.12), 0);
  EXPECT_EQ(choose(logits, all, 0.13), 1);
  EXPECT_EQ(choose(logits, all, 0.37), 1);
  EXPECT_EQ(choose(logits, all, 0.38), 2);
  EXPECT_EQ(choose(logits, all, 0.87), 2);
  EXPECT_EQ(choose(logits, all, 0.88), 3);
  EXPECT_EQ(choose(logits, all, 0x1.fffffffffffffp-1), 3);
}

TEST(Sampling, KeepsTheGreatest) {
  std::vector<float> logits = {0, std::log(2.f), std::log(4.f), 0};
  // The greatest first: token 2 with 4 of 6, token 1 with 2.
  EXPECT_EQ(choose(logits, {1, 2, 0, 0}, 0.66), 2);
  EXPECT_EQ(choose(logits, {1, 2, 0, 0}, 0.67), 1);
  EXPECT_EQ(choose(logits, {1, 2, 0, 0}, 0.999), 1);
  // Of equal ones the lower token is kept.
  EXPECT_EQ(choose(logits, {1, 3, 0, 0}, 0.999), 0);
  EXPECT_EQ(choose(logits, {1, 1, 0, 0}, 0.999), 2);
  // As many as there are is all.
  EXPECT_EQ(choose(logits, {1, 4, 0, 0}, 0.999), 3);
}

TEST(Sampling, KeepsAShare) {
  std::vector<float> logits = {0, std::log(2.f), std::log(4.f), 0};
  EXPECT_EQ(choose(logits, {1, 0, 0.4f, 0}, 0.999), 2);
  EXPECT_EQ(choose(logits, {1, 0, 0.7f, 0}, 0.999), 1);
  EXPECT_EQ(choose(logits, {1, 0, 0.8f, 0}, 0.999), 0);
  EXPECT_EQ(choose(logits, {1, 0, 0.99f, 0}, 0.999), 3);
  EXPECT_EQ(choose(logits, {1, 0, 1e-6f, 0}, 0.999), 2); // never none
  // The share is that of what top_k left: 4 of 6 is more than 0.6.
  EXPECT_EQ(choose(logits, {1, 2, 0.6f, 0}, 0.999), 2);
  EXPECT_EQ(choose(logits, {1, 2, 0.7f, 0}, 0.999), 1);
}

TEST(Sampling, FollowsTheTemperature) {
  std::vector<float> logits = {0, 1, 3, -2};
  std::map<int64_t, int> counts;
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i)
    ++counts[choose(logits, {2, 0, 0, 0}, uniformDraw(7, 3, uint64_t(i)))];
  double total = 0;
  for (float logit : logits)
    total += std::exp(logit / 2);
  // Four standard deviations of a share.
  for (size_t i = 0; i < logits.size(); ++i)
    EXPECT_NEAR(counts[int64_t(i)] / double(draws), std::exp(logits[i] / 2) / total,
                4 * 0.5 / std::sqrt(draws));
}

TEST(Sampling, DrawsTheSameEverywhere) {
  EXPECT_EQ(uniformDraw(1, 2, 3), uniformDraw(1, 2, 3));
  EXPECT_NE(uniformDraw(1, 2, 3), uniformDraw(2, 2, 3));
  EXPECT_NE(uniformDraw(1, 2, 3), uniformDraw(1, 3, 3));
  EXPECT_NE(uniformDraw(1, 2, 3), uniformDraw(1, 2, 4));
  double low = 1, high = 0, sum = 0;
  for (uint64_t i = 0; i < 10000; ++i) {
    double draw = uniformDraw(0, 0, i);
    low = std::min(low, draw);
    high = std::max(high, draw);
    sum += draw;
  }
  EXPECT_GE(low, 0);
  EXPECT_LT(high, 1);
  EXPECT_NEAR(sum / 10000, 0.5, 0.012);
}

TEST(Sampling, KnowsTheExponentialFunction) {
  for (double x = 0; x > -690; x -= 0.37)
    EXPECT_NEAR(expOfNegative(x) / std::exp(x), 1, 1e-14) << x;
  EXPECT_EQ(expOfNegative(0), 1);
  EXPECT_EQ(expOfNegative(-1e9), 0);
  EXPECT_EQ(expOfNegative(-INFINITY), 0);
}
