//===- HtmlTextTest.cpp - Any text as text of an HTML page -----------------------------------===//

#include "ToolsTest.h"

#include "HtmlText.h"

namespace tamis::tools {
namespace {

TEST(HtmlText, EscapesWhatHtmlReads) {
  EXPECT_EQ(htmlText("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

TEST(HtmlText, KeepsUtf8) { EXPECT_EQ(htmlText("né 字 \xe2\x96\x81"), "né 字 \xe2\x96\x81"); }

TEST(HtmlText, ReplacesWhatAPageMayNotHold) {
  EXPECT_EQ(htmlText("a\xff"
                     "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(htmlText(std::string("a\0\x1b\x7f\tb\n", 7)), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\tb\n");
}

} // namespace
} // namespace tamis::tools
