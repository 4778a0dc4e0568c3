//===- Prompts.h - Prompts of token ids, from text and files --------------------------===//
#ifndef TAMIS_TOOLS_PROMPTS_H
#define TAMIS_TOOLS_PROMPTS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::tools {

using Tokens = std::vector<int64_t>;

/// Token ids separated by commas or blanks, or both. Throws ToolError(Usage), naming `source`.
Tokens parseTokens(std::string_view text, const std::string &source);

/// The prompts of a file, by its name: `.npy`, integers [length] or [batch, length]; `.jsonl`, one array of
/// integers a line. Throws ToolError; `option` named the file.
std::vector<Tokens> readPromptFile(const std::string &path, const std::string &option);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_PROMPTS_H
