//===- HelpFormatter.h - Help with wrapped lines ------------------------------------------===//
#ifndef TAMIS_TOOLS_HELPFORMATTER_H
#define TAMIS_TOOLS_HELPFORMATTER_H

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>

namespace tamis::tools {

/// CLI11's help with one entry an option: its names and value, then the description, wrapped.
class HelpFormatter : public CLI::Formatter {
public:
  HelpFormatter() { column_width(indent); } // of the list of commands

  std::string make_option(const CLI::Option *option, bool positional) const override {
    std::string left = "  " + option->get_name(positional, !positional);
    bool takesValue = option->get_items_expected_max() > 0;
    if (takesValue && !option->get_type_name().empty())
      left += " " + option->get_type_name();
    std::string text = option->get_description();
    if (takesValue && !option->get_default_str().empty())
      text += " (default: " + option->get_default_str() + ")";

    if (left.size() + 2 > indent)
      left += "\n" + std::string(indent, ' ');
    else
      left.resize(indent, ' ');
    size_t column = indent;
    std::istringstream words(text);
    for (std::string word; words >> word; column += word.size()) {
      if (column + 1 + word.size() > width) {
        left += "\n" + std::string(indent, ' ');
        column = indent;
      } else if (column > indent) {
        left += " ";
        ++column;
      }
      left += word;
    }
    return left + "\n";
  }

private:
  static constexpr size_t indent = 24;
  static constexpr size_t width = 100;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_HELPFORMATTER_H
