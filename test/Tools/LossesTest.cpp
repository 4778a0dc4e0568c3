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

TEST(Losses, LabelIsWhatWasRightAndIsNot) {
  Tensor right = parseInputText("x=1x3xf32=[[1 2 3]]").second,
         other = parseInputText("x=1x3xf32=[[1 4 3]]").second,
         nothing = parseInputText("x=1x3xf32=[[nan 2 3]]").second;
  EXPECT_EQ(lossOf(Loss::Label, right.value(), right.value(), 2), 0);
  EXPECT_EQ(lossOf(Loss::Label, right.value(), other.value(), 2), 1);
  // The dense answer was wrong already.
  EXPECT_EQ(lossOf(Loss::Label, right.value(), other.value(), 0), 0);
  EXPECT_EQ(lossOf(Loss::Label, right.value(), other.value(), 1), 0);
  EXPECT_TRUE(std::isinf(lossOf(Loss::Label, right.value(), nothing.value(), 0)));
}

TEST(Losses, SpanIsOfStartsAndEnds) {
  auto spanLoss = [](std::initializer_list<std::string> dense, std::initializer_list<std::string> sparse) {
    std::vector<Tensor> a, held;
    std::vector<TamisValue> b;
    for (const std::string &text : dense)
      a.push_back(parseInputText("x=" + text).second);
    for (const std::string &text : sparse) {
      held.push_back(parseInputText("x=" + text).second);
      b.push_back(held.back().value());
    }
    return lossOf(Loss::Span, a, b);
  };
  EXPECT_EQ(spanLoss({"1x3xf32=[[1 2 3]]", "1x3xf32=[[1 3 2]]"}, {"1x3xf32=[[0 0 9]]", "1x3xf32=[[0 9 0]]"}),
            0);
  EXPECT_EQ(spanLoss({"1x3xf32=[[1 2 3]]", "1x3xf32=[[1 3 2]]"}, {"1x3xf32=[[0 9 0]]", "1x3xf32=[[0 9 0]]"}),
            1);
  EXPECT_EQ(spanLoss({"1x3xf32=[[1 2 3]]", "1x3xf32=[[1 3 2]]"}, {"1x3xf32=[[0 0 9]]", "1x3xf32=[[9 0 0]]"}),
            1);
  EXPECT_EQ(spanLoss({"1x1xf32=1", "1x1xf32=1"}, {"1x1xf32=2", "1x1xf32=3"}), 0);
  EXPECT_TRUE(std::isinf(spanLoss({"1x2xf32=[[1 2]]"}, {"1x2xf32=[[1 2]]", "1x2xf32=[[1 2]]"})));
  EXPECT_TRUE(
      std::isinf(spanLoss({"1x2xf32=[[1 2]]", "1x2xf32=[[1 2]]"}, {"1x2xf32=[[1 2]]", "1x2xf32=[[1 nan]]"})));
}

TEST(Losses, SpanLeavesPaddingOut) {
  auto spanLoss = [](const std::string &sparse, const std::string &mask) {
    Tensor dense = parseInputText("x=1x4xf32=[[1 3 2 9]]").second,
           other = parseInputText("x=" + sparse).second, real = parseInputText("x=" + mask).second;
    return lossOf(Loss::Span, dense.value(), other.value(), -1, &real.value());
  };
  EXPECT_EQ(spanLoss("1x4xf32=[[1 3 2 0]]", "1x4xi64=[[1 1 1 0]]"), 0);
  EXPECT_EQ(spanLoss("1x4xf32=[[4 3 2 9]]", "1x4xi64=[[1 1 1 0]]"), 1);
  EXPECT_EQ(spanLoss("1x4xf32=[[4 3 2 9]]", "1x4xi64=[[0 1 1 0]]"), 0);
  EXPECT_EQ(spanLoss("1x4xf32=[[1 3 2 nan]]", "1x4xi64=[[1 1 1 0]]"), 0);
  EXPECT_EQ(spanLoss("1x4xf32=[[1 3 2 0]]", "1x4xi64=[[1 1 1 1]]"), 1);
  // A mask of another shape says nothing.
  EXPECT_EQ(spanLoss("1x4xf32=[[1 3 2 0]]", "1x3xi64=[[1 1 1]]"), 1);
}

TEST(Losses, RelativeDistanceIsOfAllElements) {
  // |(0 0 4 -3)| beside |(3 4 0 0)|.
  EXPECT_NEAR(lossOfTexts(Loss::RelativeDistance, "2x2xf32=[[3 4][0 0]]", "2x2xf32=[[3 4][4 -3]]"), 1, 1e-12);
  EXPECT_NEAR(lossOfTexts(Loss::RelativeDistance, "2xf32=[8 6]", "2xf32=[8 5]"), 0.1, 1e-12);
  EXPECT_NEAR(lossOfTexts(Loss::RelativeDistance, "1xf32=2", "1xf32=3"), 0.5, 1e-12);
  EXPECT_EQ(lossOfTexts(Loss::RelativeDistance, "2xf32=0", "2xf32=0"), 0);
  EXPECT_TRUE(std::isinf(lossOfTexts(Loss::RelativeDistance, "2xf32=0", "2xf32=[0 1]")));
  EXPECT_TRUE(std::isinf(lossOfTexts(Loss::RelativeDistance, "2xf32=[1 2]", "2xf32=[1 nan]")));
  EXPECT_TRUE(std::isinf(lossOfTexts(Loss::RelativeDistance, "2xf32=[1 2]", "1x2xf32=[[1 2]]")));
}

TEST(Losses, ClassIsThatOfAllRows) {
  auto isClass = [](const std::string &text, int64_t label) {
    return isOfClass(parseInputText("x=" + text).second.value(), label);
  };
  EXPECT_TRUE(isClass("1x3xf32=[[1 2 3]]", 2));
  EXPECT_FALSE(isClass("1x3xf32=[[1 2 3]]", 1));
  EXPECT_FALSE(isClass("2x3xf32=[[1 2 3][3 2 1]]", 2));
  EXPECT_FALSE(isClass("1x3xf32=[[1 nan 3]]", 2));
}

TEST(Losses, NamesAreThoseOfTheOption) {
  EXPECT_EQ(lossOfName("label"), Loss::Label);
  EXPECT_EQ(lossOfName("argmax"), Loss::Argmax);
  EXPECT_EQ(lossOfName("span"), Loss::Span);
  EXPECT_EQ(lossOfName("custom-output"), Loss::RelativeDistance);
  EXPECT_FALSE(lossOfName("labels"));
}

TEST(Losses, WhatIsNoNumberIsInfinitelyFar) {
  for (Loss loss : {Loss::Cosine, Loss::KullbackLeibler, Loss::Argmax, Loss::Label}) {
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "1x2xf32=[[1 2]]", "1x2xf32=[[nan 2]]")));
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "1x2xf32=[[1 2]]", "2x1xf32=[[1][2]]")));
    // One number a row has no direction and no greatest element.
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "2x1xf32=0", "2x1xf32=0")));
    EXPECT_TRUE(std::isinf(lossOfTexts(loss, "2xf32=0", "2xf32=0")));
  }
}

} // namespace
} // namespace tamis::tools
