//===- HtmlText.cpp - Any text as text of an HTML page ----------------------------------===//

#include "HtmlText.h"

#include <nlohmann/json.hpp>

namespace tamis::tools {

std::string htmlText(const std::string &text) {
  using Json = nlohmann::json;
  // The JSON library knows what UTF-8 is.
  std::string valid =
      Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
  std::string escaped;
  for (char c : valid) {
    auto code = static_cast<unsigned char>(c);
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (c == '\'')
      escaped += "&#39;";
    else if ((code < 0x20 && c != '\t' && c != '\n') || code == 0x7f)
      escaped += "\xef\xbf\xbd";
    else
      escaped += c;
  }
  return escaped;
}

} // namespace tamis::tools
