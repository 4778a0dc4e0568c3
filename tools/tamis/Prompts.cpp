//===- Prompts.cpp - Prompts of token ids, from text and files ------------------------===//

#include "Prompts.h"

#include "ExitCode.h"
#include "File.h"
#include "Npy.h"

#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

Tokens parseTokens(std::string_view text, const std::string &source) {
  constexpr std::string_view separators = ", \t\r\n";
  Tokens tokens;
  for (size_t at = text.find_first_not_of(separators); at != std::string_view::npos;
       at = text.find_first_not_of(separators, at)) {
    size_t end = std::min(text.find_first_of(separators, at), text.size());
    std::string_view word = text.substr(at, end - at);
    int64_t token;
    auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (error != std::errc() || stop != word.data() + word.size())
      throw ToolError(ExitCode::Usage, fmt::format("{}: '{}' is no token id", source, word));
    tokens.push_back(token);
    at = end;
  }
  if (tokens.empty())
    throw ToolError(ExitCode::Usage, fmt::format("{}: there is no token id", source));
  return tokens;
}

namespace {

std::vector<Tokens> readNpy(const std::string &path) {
  Tensor tensor = toRowMajor(readNpyFile(path), path);
  const TamisValue &value = tensor.value();
  bool isInteger = value.type == TAMIS_I64 || value.type == TAMIS_I32 || value.type == TAMIS_U32 ||
                   value.type == TAMIS_U16 || value.type == TAMIS_I16;
  if (!isInteger || value.rank < 1 || value.rank > 2)
    throw ToolError(ExitCode::Refused,
                    fmt::format("'{}' is {}; prompts are integers, [length] or [batch, length]", path,
                                shapeText(value.type, dimsOf(value))));
  int64_t rows = value.rank == 2 ? value.dims[0] : 1, length = value.dims[value.rank - 1];
  std::vector<Tokens> prompts(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows * length; ++i)
    prompts[static_cast<size_t>(i / length)].push_back(
        value.type == TAMIS_I64 ? static_cast<const int64_t *>(value.data)[i]
                                : static_cast<int64_t>(elementAsDouble(value.type, value.data, i)));
  return prompts;
}

std::vector<Tokens> readJsonLines(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  std::vector<Tokens> prompts;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos)
      continue;
    nlohmann::json array = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    Tokens tokens;
    bool good = array.is_array();
    for (size_t i = 0; good && i < array.size(); ++i) {
      good = array[i].is_number_integer();
      if (good)
        tokens.push_back(array[i].get<int64_t>());
    }
    if (!good)
      throw ToolError(ExitCode::Refused,
                      fmt::format("'{}', line {}: is no array of token ids such as [1, 2, 3]", path, number));
    prompts.push_back(std::move(tokens));
  }
  return prompts;
}

} // namespace

std::vector<Tokens> readPromptFile(const std::string &path, const std::string &option) {
  std::vector<Tokens> prompts;
  if (path.ends_with(".npy"))
    prompts = readNpy(path);
  else if (path.ends_with(".jsonl"))
    prompts = readJsonLines(path);
  else
    throw ToolError(ExitCode::Usage,
                    fmt::format("{} {}: is neither an .npy nor a .jsonl file of token ids", option, path));
  if (prompts.empty())
    throw ToolError(ExitCode::Refused, fmt::format("'{}' has no prompt", path));
  return prompts;
}

} // namespace tamis::tools
