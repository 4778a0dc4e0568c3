//===- HtmlText.h - Any text as text of an HTML page ------------------------------------===//
#ifndef TAMIS_TOOLS_HTMLTEXT_H
#define TAMIS_TOOLS_HTMLTEXT_H

#include <string>

namespace tamis::tools {

/// The text as it is to stand in an element or in an attribute between quotes. What is no UTF-8, and control
/// characters that a page may not hold, become U+FFFD.
std::string htmlText(const std::string &text);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_HTMLTEXT_H
