//===- CompletionCommand.cpp - tamis completion: scripts for shells -------------------===//

#include "Commands.h"

#include <fmt/format.h>

namespace tamis::tools {

namespace {

std::vector<const CLI::App *> visibleCommands(const CLI::App &driver) {
  return driver.get_subcommands(
      [](const CLI::App *command) { return !command->get_group().empty() && !command->get_name().empty(); });
}

/// "--inputs", "-o", ...
std::vector<std::string> flagsOf(const CLI::Option &option) {
  std::vector<std::string> flags;
  for (const std::string &name : option.get_snames())
    flags.push_back("-" + name);
  for (const std::string &name : option.get_lnames())
    flags.push_back("--" + name);
  return flags;
}

std::vector<const CLI::Option *> visibleOptions(const CLI::App &command) {
  return command.get_options(
      [](const CLI::Option *option) { return option->nonpositional() && !option->get_group().empty(); });
}

std::string firstSentence(const std::string &text) { return text.substr(0, text.find_first_of(";.")); }

/// Text within single quotes of a shell.
std::string quoted(std::string text, std::string_view quote) {
  for (size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += quote.size())
    text.replace(at, 1, quote);
  return "'" + text + "'";
}

std::string bashScript(const CLI::App &driver) {
  std::string commands, cases;
  auto words = [](const CLI::App &app) {
    std::string text;
    for (const CLI::Option *option : visibleOptions(app))
      for (const std::string &flag : flagsOf(*option))
        text += (text.empty() ? "" : " ") + flag;
    return text;
  };
  for (const CLI::App *command : visibleCommands(driver)) {
    commands += command->get_name() + " ";
    cases += fmt::format("    {}) words='{}' ;;\n", command->get_name(), words(*command));
  }
  return fmt::format(R"(# bash completion for tamis
_tamis() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words
  case "${{COMP_WORDS[1]}}" in
{}    *) words='{}{}' ;;
  esac
  if [[ $COMP_CWORD -gt 1 && $current != -* ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}}
complete -o filenames -F _tamis tamis
)",
                     cases, commands, words(driver));
}

std::string zshScript(const CLI::App &driver) {
  // Brackets and colons have a meaning in the descriptions of _arguments and _describe.
  auto escaped = [](const std::string &text) {
    std::string result;
    for (char c : text)
      result += c == '[' || c == ']' || c == ':' ? std::string("\\") + c : std::string(1, c);
    return result;
  };
  std::string commands, cases;
  for (const CLI::App *command : visibleCommands(driver)) {
    commands +=
        "    " +
        quoted(command->get_name() + ":" + escaped(firstSentence(command->get_description())), "'\\''") +
        "\n";
    std::string arguments;
    for (const CLI::Option *option : visibleOptions(*command))
      for (const std::string &flag : flagsOf(*option))
        arguments +=
            " " + quoted(fmt::format("*{}[{}]{}", flag, escaped(firstSentence(option->get_description())),
                                     option->get_items_expected_max() ? ":value:_files" : ""),
                         "'\\''");
    cases += fmt::format("    {}) _arguments{} '*:file:_files' ;;\n", command->get_name(), arguments);
  }
  return fmt::format(R"(#compdef tamis
# zsh completion for tamis
_tamis() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
{}  esac
}}
compdef _tamis tamis
)",
                     commands, cases);
}

std::string fishScript(const CLI::App &driver) {
  std::string text = "# fish completion for tamis\n";
  for (const CLI::App *command : visibleCommands(driver)) {
    text += fmt::format("complete -c tamis -n __fish_use_subcommand -f -a {} -d {}\n", command->get_name(),
                        quoted(firstSentence(command->get_description()), "\\'"));
    for (const CLI::Option *option : visibleOptions(*command)) {
      text += fmt::format("complete -c tamis -n '__fish_seen_subcommand_from {}'", command->get_name());
      for (const std::string &name : option->get_snames())
        text += " -s " + name;
      for (const std::string &name : option->get_lnames())
        text += " -l " + name;
      if (option->get_items_expected_max())
        text += " -r";
      text += " -d " + quoted(firstSentence(option->get_description()), "\\'") + "\n";
    }
  }
  return text;
}

} // namespace

void addCompletionCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand("completion", "Print a completion script for a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  command->footer(examples({
      {"Complete in this bash", "source <(tamis completion bash)"},
      {"Complete in every fish", "tamis completion fish > ~/.config/fish/completions/tamis.fish"},
  }));
  command->callback([shell, &driver] {
    std::string text = *shell == "bash"  ? bashScript(driver)
                       : *shell == "zsh" ? zshScript(driver)
                                         : fishScript(driver);
    fmt::print("{}", text);
  });
}

} // namespace tamis::tools
