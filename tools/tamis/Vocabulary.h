//===- Vocabulary.h - The words that token ids stand for --------------------------------===//
#ifndef TAMIS_TOOLS_VOCABULARY_H
#define TAMIS_TOOLS_VOCABULARY_H

#include <cstdint>
#include <string>
#include <unordered_map>

namespace tamis::tools {

/// The vocabulary of a tokenizer.json, as the tokenizers of Hugging Face have it.
class Vocabulary {
public:
  /// Throws ToolError: System if the file cannot be read, Refused if it holds no vocabulary.
  explicit Vocabulary(const std::string &path);
  /// As the tokenizer spells it, with its signs for blanks and for what goes on; "" for an id that it does
  /// not have.
  std::string wordOf(int64_t id) const;

private:
  std::unordered_map<int64_t, std::string> words;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_VOCABULARY_H
