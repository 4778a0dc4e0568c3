//===- ManCommand.cpp - tamis man: man pages from the tools' own help -----------------===//

#include "Commands.h"
#include "File.h"

#include "tamis/runtime.h"

#include <algorithm>
#include <fmt/format.h>

namespace tamis::tools {

namespace {

/// Text that roff shall show as it stands.
std::string roff(const std::string &text) {
  std::string result;
  bool lineStart = true;
  for (char c : text) {
    if (lineStart && (c == '.' || c == '\''))
      result += "\\&";
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else if (c == '\'')
      result += "\\(aq";
    else
      result += c;
    lineStart = c == '\n';
  }
  return result;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::vector<const CLI::App *> visibleCommands(const CLI::App &app) {
  return app.get_subcommands(
      [](const CLI::App *command) { return !command->get_group().empty() && !command->get_name().empty(); });
}

std::vector<const CLI::Option *> visibleOptions(const CLI::App &app, bool positional) {
  return app.get_options([positional](const CLI::Option *option) {
    return !option->get_group().empty() && option->nonpositional() != positional;
  });
}

std::string synopsis(const CLI::App &app, const std::string &title) {
  std::string text = fmt::format(".B {}\n", roff(title));
  if (!visibleOptions(app, false).empty())
    text += "[\\fIOPTIONS\\fR]\n";
  for (const CLI::Option *option : visibleOptions(app, true))
    text += (option->get_required() ? "\\fI" : "[\\fI") + roff(upper(option->get_name(true, false))) +
            (option->get_required() ? "\\fR\n" : "\\fR]\n");
  if (!visibleCommands(app).empty())
    text += "\\fICOMMAND\\fR ...\n";
  return text;
}

std::string optionEntry(const CLI::Option &option) {
  std::string names;
  for (const std::string &name : option.get_snames())
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff("-" + name));
  for (const std::string &name : option.get_lnames())
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff("--" + name));
  if (option.get_positional())
    names = fmt::format("\\fI{}\\fR", roff(upper(option.get_name(true, false))));
  else if (option.get_items_expected_max() && !option.get_type_name().empty())
    names += fmt::format(" \\fI{}\\fR", roff(option.get_type_name()));
  std::string preset;
  if (option.get_items_expected_max() && !option.get_default_str().empty())
    preset = fmt::format(" (default: {})", option.get_default_str());
  return fmt::format(".TP\n{}\n{}{}.\n", names, roff(option.get_description()), roff(preset));
}

/// The man page of the driver or of a subcommand, whose title is "tamis run".
std::string manPage(const CLI::App &app, const std::string &title) {
  std::string page = title;
  std::ranges::replace(page, ' ', '-');
  std::string text = fmt::format(
      ".TH {} 1 \"\" \"Tamis {}\" \"Tamis manual\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}", roff(upper(page)),
      tamis_version(), roff(page), roff(app.get_description()), synopsis(app, title));
  std::vector<const CLI::App *> commands = visibleCommands(app);
  if (!commands.empty())
    text += ".SH COMMANDS\n";
  for (const CLI::App *command : commands)
    text +=
        fmt::format(".TP\n\\fB{}\\fR\n{}.\n", roff(command->get_name()), roff(command->get_description()));
  text += ".SH OPTIONS\n";
  for (bool positional : {true, false})
    for (const CLI::Option *option : visibleOptions(app, positional))
      text += optionEntry(*option);
  if (commands.empty() && app.get_footer().starts_with("Examples:\n"))
    text += fmt::format(".SH EXAMPLES\n.nf\n{}\n.fi\n", roff(app.get_footer().substr(10)));
  text += R"(.SH EXIT STATUS
.TP
0
Done.
.TP
1
The outputs are not those expected.
.TP
2
Wrong usage.
.TP
3
The model, the artifact or an input is refused.
.TP
4
The system failed: a file or memory.
.TP
70
Internal error: a defect of Tamis.
)";
  text +=
      ".SH ENVIRONMENT\n.TP\nTAMIS_ISA\nThe ISA level to run when \\-\\-isa is not given.\n.SH SEE ALSO\n";
  std::string others;
  if (!commands.empty()) {
    for (const CLI::App *command : commands)
      others +=
          fmt::format("{}\\fB{}\\fR(1)", others.empty() ? "" : ", ", roff(page + "-" + command->get_name()));
  } else {
    others = "\\fBtamis\\fR(1)";
  }
  return text + others + "\n";
}

void writePage(const std::string &folder, const CLI::App &app, const std::string &title) {
  std::string name = title;
  std::ranges::replace(name, ' ', '-');
  AtomicFile file(folder + "/" + name + ".1");
  file.write(manPage(app, title));
  file.commit();
}

} // namespace

void addManCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand("man", "Write the man pages to a folder");
  command->group(""); // hidden
  auto folder = std::make_shared<std::string>();
  command->add_option("folder", *folder, "The folder, which exists")->required();
  command->callback([folder, &driver] {
    writePage(*folder, driver, driver.get_name());
    for (const CLI::App *page : visibleCommands(driver))
      writePage(*folder, *page, driver.get_name() + " " + page->get_name());
  });
}

} // namespace tamis::tools
