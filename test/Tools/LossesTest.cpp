//===- LossesTest.cpp - How far an answer is from the dense one ------------------------------===//

#include "ToolsTest.h"

#include "InputText.h"
#include "Losses.h"

#include <cmath>

namespace tamis::tools {
namespace {

double lossOfTexts(Loss loss, const std::string &dense, const std::string &sparse) {
  Tensor a = parseInputText("x=" + dense).second, b = parseInputText("x=" + sparse).second;
  return lossOf(loss, a.value(), b.value());
}

TEST(Losses, CosineIsThatOfTheWorstRow) {
  EXPECT_NEAR(lossOfTexts(Loss::Cosine, "2x2xf32=[[1 0][2 0]]", "2x2xf32=[[3 0][0 1]]"), 1, 1e-12);
  EXPECT_NEAR(lossOfTexts(Loss::Cosine, "1x2xf32=[[1 1]]", "1x2xf32=[[1 0]]"), 1 - std::sqrt(0.5), 1e-7);
  EXPECT_EQ(lossOfTexts(Loss::Cosine, "1x2xf32=0", "1x2xf32=0"), 0);
  EXPECT_EQ(lossOfTexts(Loss::Cosine, "1x2xf32=0", "1x2xf32=1"), 1);
}

TEST(Losses, DivergenceIsOfTheSoftmax) {
  EXPECT_NEAR(lossOfTexts(Loss::KullbackLeibler, "1x2xf32=[[0 0]]", "1x2xf32=[[500 500]]"), 0, 1e-12);
  // 0.5 ln(0.5 / p) + 0.5 ln(0.5 / (1 - p)) with p = e / (1 + e).
  double p = std::exp(1) / (1 + std::exp(1));
  EXPECT_NEAR(lossOfTexts(Loss::KullbackLeibler, "1x2xf32=[[0 0]]", "1x2xf32=[[1 0]]"),
              0.5 * std::log(0.5 / p) + 0.5 * std::log(0.5 / (1 - p)), 1e-12);
}

TEST(Losses, WhatOverflowsIsNotLost) {
  EXPECT_TRUE(
      std::isinf(lossOfTexts(Loss::Cosine, "2x2xf64=[[1e300 1e300][1 0]]", "2x2xf64=[[1e300 1e300][1 0]]")));
}

TEST(Losses, ArgmaxFlips) {
  EXPECT_EQ(lossOfTexts(Loss::Argmax, "2x3xf32=[[1 2 3][3 2 1]]", "2x3xf32=[[0 0 9][3 2 2]]"), 0);
  EXPECT_EQ(lossOfTexts(Loss::Argmax, "2x3xf32=[[1 2 3][3 2 1]]", "2x3xf32=[[0 0 9][3 4 2]]"), 1);
}

TEST(Losses, WhatIsNoNumberIsInfinitelyFar) {
  for (Loss loss : {Loss::Cosine, Loss::KullbackLeibler, Loss::Argmax}) {
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "1x2xf32=[[1 2]]", "1x2xf32=[[nan 2]]")));
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "1x2xf32=[[1 2]]", "2x1xf32=[[1][2]]")));
    // One number a row has no direction and no greatest element.
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "2x1xf32=0", "2x1xf32=0")));
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "2xf32=0", "2xf32=0")));
  }
}

} // namespace
} // namespace tamis::tools
