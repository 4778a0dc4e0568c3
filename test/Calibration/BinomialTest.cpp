//===- BinomialTest.cpp - Exact bounds of a binomial distribution --------------------------------------===//
#include "tamis/Calibration/Binomial.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace tamis::calibration;

TEST(Binomial, CdfIsExact) {
  EXPECT_DOUBLE_EQ(binomialCdf(0, 1, 0.25), 0.75);
  EXPECT_NEAR(binomialCdf(1, 3, 0.5), 0.5, 1e-15);
  EXPECT_NEAR(binomialCdf(0, 59, 0.05), std::pow(0.95, 59), 1e-15);
  EXPECT_NEAR(binomialCdf(2, 5, 0.1), 0.99144, 1e-12);
  // The first term is below any double.
  EXPECT_NEAR(binomialCdf(50000, 100000, 0.5), 0.5 + 0.5 * std::sqrt(2 / (M_PI * 100000)), 1e-6);
  EXPECT_EQ(binomialCdf(-1, 10, 0.5), 0);
  EXPECT_EQ(binomialCdf(10, 10, 0.5), 1);
  EXPECT_EQ(binomialCdf(3, 10, 0), 1);
  EXPECT_EQ(binomialCdf(3, 10, 1), 0);
}

TEST(Binomial, UpperBoundIsWhereTheTailIsDelta) {
  for (auto [k, n] : {std::pair(0, 59), {3, 200}, {40, 100}}) {
    double bound = upperBound(k, n, 0.05);
    EXPECT_NEAR(binomialCdf(k, n, bound), 0.05, 1e-9);
    EXPECT_GT(bound, static_cast<double>(k) / n);
  }
  EXPECT_EQ(upperBound(7, 7, 0.05), 1);
  EXPECT_EQ(upperBound(0, 0, 0.05), 1);
}

TEST(Binomial, TrialsThatAProofTakes) {
  EXPECT_EQ(trialsNeeded(0.005, 0.05, 0), 598);
  EXPECT_EQ(trialsNeeded(0.01, 0.05, 0), 299);
  EXPECT_EQ(trialsNeeded(0.02, 0.05, 0), 149);
  EXPECT_EQ(trialsNeeded(0.05, 0.05, 0), 59);
  // One fewer proves nothing.
  EXPECT_GT(binomialCdf(0, 58, 0.05), 0.05);
}
