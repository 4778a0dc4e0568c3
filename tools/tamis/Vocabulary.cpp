//===- Vocabulary.cpp - The words that token ids stand for ------------------------------===//

#include "Vocabulary.h"

#include "ExitCode.h"
#include "File.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::json;

Vocabulary::Vocabulary(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  Json tokenizer = Json::parse(begin, begin + bytes.size(), nullptr, /*allow_exceptions=*/false);
  Json model = tokenizer.is_object() ? tokenizer.value("model", Json()) : Json();
  Json vocabulary = model.is_object() ? model.value("vocab", Json()) : Json();
  // WordPiece, BPE and word levels have an id for each word; Unigram has pairs of a word and its score, in
  // the order of their ids.
  if (vocabulary.is_object()) {
    for (const auto &[word, id] : vocabulary.items())
      if (id.is_number_integer())
        words[id.get<int64_t>()] = word;
  } else if (vocabulary.is_array()) {
    for (size_t id = 0; id < vocabulary.size(); ++id)
      if (const Json &entry = vocabulary[id]; entry.is_array() && !entry.empty() && entry[0].is_string())
        words[static_cast<int64_t>(id)] = entry[0].get<std::string>();
  }
  if (words.empty())
    throw ToolError(
        ExitCode::Refused,
        fmt::format("'{}' has no vocabulary; give a tokenizer.json with a part model.vocab", path));
  Json added = tokenizer.value("added_tokens", Json());
  if (added.is_array())
    for (const Json &token : added)
      if (token.is_object() && token.contains("id") && token["id"].is_number_integer() &&
          token.contains("content") && token["content"].is_string())
        words[token["id"].get<int64_t>()] = token["content"].get<std::string>();
}

std::string Vocabulary::wordOf(int64_t id) const {
  auto found = words.find(id);
  return found == words.end() ? "" : found->second;
}

} // namespace tamis::tools
