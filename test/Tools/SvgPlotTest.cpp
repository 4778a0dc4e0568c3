//===- SvgPlotTest.cpp - A plot with two axes, as SVG in an HTML page ------------------------===//

#include "ToolsTest.h"

#include "SvgPlot.h"

#include <limits>

namespace tamis::tools {
namespace {

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

TEST(SvgPlot, TicksAreRoundNumbersWithinTheAxis) {
  std::string svg = SvgPlot("a & b", {"x < 1", 0, 1, /*isShare=*/true}, {"y", 0, 0.013}).text();
  EXPECT_TRUE(has(svg, "aria-label=\"a &amp; b\""));
  EXPECT_TRUE(has(svg, ">x &lt; 1<"));
  for (const char *tick : {">0%<", ">20%<", ">100%<", ">0.005<", ">0.01<"})
    EXPECT_TRUE(has(svg, tick)) << tick << " in\n" << svg;
  EXPECT_FALSE(has(svg, ">120%<"));
  EXPECT_FALSE(has(svg, ">0.015<"));
}

TEST(SvgPlot, WhatIsOutsideIsAtTheEdge) {
  SvgPlot plot("", {"", 0, 1}, {"", 0, 1});
  plot.dot(0, 0, "corner", "");
  plot.dot(-5, -5, "below", "");
  plot.dot(1, 1, "top", "");
  plot.dot(7, std::numeric_limits<double>::infinity(), "above", "");
  std::string svg = plot.text();
  auto placeOf = [&](const std::string &style) {
    size_t end = svg.find(" class=\"" + style), begin = svg.rfind("<circle ", end);
    return svg.substr(begin, end - begin);
  };
  EXPECT_EQ(placeOf("corner"), placeOf("below"));
  EXPECT_EQ(placeOf("top"), placeOf("above"));
  EXPECT_NE(placeOf("corner"), placeOf("top"));
}

} // namespace
} // namespace tamis::tools
