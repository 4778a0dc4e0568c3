//===- CompareTest.cpp - Comparing outputs, padding aside ----------------------------------===//

#include "ToolsTest.h"

#include "Compare.h"
#include "InputText.h"

namespace tamis::tools {
namespace {

Tensor tensor(const std::string &text) { return parseInputText("x=" + text).second; }

Comparison compareTexts(const std::string &got, const std::string &expected, const std::string &mask = "") {
  Tensor g = tensor(got), e = tensor(expected), m;
  if (!mask.empty())
    m = tensor(mask);
  return compare(g.value(), e.value(), mask.empty() ? nullptr : &m.value(), {1e-3, 1e-4});
}

TEST(Compare, UsesBothTolerances) {
  EXPECT_FALSE(compareTexts("2xf32=[1000.9 0.00005]", "2xf32=[1000 0]").differs());
  Comparison result = compareTexts("2xf32=[1002 0]", "2xf32=[1000 0]");
  EXPECT_EQ(result.differing, 1);
  EXPECT_NEAR(result.maxAbsolute, 2, 1e-9);
  EXPECT_NEAR(result.maxRelative, 2e-3, 1e-9);
}

TEST(Compare, TreatsSpecialValuesAsValues) {
  EXPECT_FALSE(compareTexts("3xf32=[nan inf -inf]", "3xf32=[nan inf -inf]").differs());
  EXPECT_EQ(compareTexts("3xf32=[1 inf 1]", "3xf32=[nan -inf inf]").differing, 3);
  EXPECT_EQ(compareTexts("2xf32=[nan inf]", "2xf32=[1 1]").differing, 2);
}

TEST(Compare, WantsIntegersEqual) {
  EXPECT_EQ(compareTexts("2xi64=[9007199254740993 1]", "2xi64=[9007199254740992 1]").differing, 1);
  EXPECT_FALSE(compareTexts("2xi64=[-1 1]", "2xi64=[-1 1]").differs());
}

TEST(Compare, RefusesAnotherShapeOrType) {
  EXPECT_EQ(compareTexts("2xf32=0", "2x1xf32=0").reason, "is 2xf32, expected 2x1xf32");
  EXPECT_EQ(compareTexts("2xf32=0", "2xf64=0").reason, "is 2xf32, expected 2xf64");
}

TEST(Compare, LeavesPaddingOut) {
  Comparison result = compareTexts("1x3x2xf32=[1 1 2 2 9 9]", "1x3x2xf32=[1 1 2 2 0 0]", "1x3xi64=[1 1 0]");
  EXPECT_FALSE(result.differs());
  EXPECT_EQ(result.paddingRows, 1);
  EXPECT_EQ(result.compared, 4);
}

TEST(Compare, MatchesTheLastPositionsOfTheMask) {
  // The output holds positions 1 and 2.
  EXPECT_EQ(compareTexts("1x2x1xf32=[9 1]", "1x2x1xf32=[0 1]", "1x3xi64=[1 0 1]").paddingRows, 1);
}

TEST(Compare, KeepsOutputsWithoutPositions) {
  // [batch, hidden], another batch, and more positions than the mask has.
  EXPECT_TRUE(compareTexts("1x2xf32=[9 9]", "1x2xf32=[0 0]", "1x3xi64=0").differs());
  EXPECT_TRUE(compareTexts("2x3x1xf32=9", "2x3x1xf32=0", "1x3xi64=0").differs());
  EXPECT_TRUE(compareTexts("1x4x1xf32=9", "1x4x1xf32=0", "1x3xi64=0").differs());
  // [batch, position] is what the mask is.
  EXPECT_FALSE(compareTexts("1x3xf32=9", "1x3xf32=0", "1x3xi64=0").differs());
}

TEST(Compare, AcceptsEmptyTensors) {
  EXPECT_FALSE(compareTexts("0x3x2xf32=0", "0x3x2xf32=0", "0x3xi64=0").differs());
  EXPECT_FALSE(compareTexts("0xf32=0", "0xf32=0").differs());
}

} // namespace
} // namespace tamis::tools
