//===- VocabularyTest.cpp - The words that token ids stand for -------------------------------===//

#include "ToolsTest.h"

#include "Vocabulary.h"

namespace tamis::tools {
namespace {

class VocabularyFile : public testing::Test {
protected:
  Vocabulary read(const std::string &text) {
    writeText(folder.file("tokenizer.json"), text);
    return Vocabulary(folder.file("tokenizer.json"));
  }
  TestFolder folder;
};

TEST_F(VocabularyFile, WordsHaveIds) {
  Vocabulary words = read(R"({"model": {"type": "WordPiece", "vocab": {"[PAD]": 0, "##ing": 7}},
                              "added_tokens": [{"id": 9, "content": "[NEW]"}, {"id": 0, "content": "<pad>"}]})");
  EXPECT_EQ(words.wordOf(7), "##ing");
  EXPECT_EQ(words.wordOf(9), "[NEW]");
  EXPECT_EQ(words.wordOf(0), "<pad>");
  EXPECT_EQ(words.wordOf(8), "");
}

TEST_F(VocabularyFile, PiecesAreInTheOrderOfTheirIds) {
  Vocabulary words = read(R"({"model": {"vocab": [["<unk>", 0], ["a", -1.5]]}})");
  EXPECT_EQ(words.wordOf(1), "a");
  EXPECT_EQ(words.wordOf(2), "");
}

TEST_F(VocabularyFile, OthersAreRefused) {
  for (const char *text : {"", "[]", "{}", "null", R"({"model": 3})", R"({"model": {"vocab": {}}})",
                           R"({"model": {"vocab": {"a": "b"}}})", R"({"model": {"vocab": [1, []]}})"})
    expectError(ExitCode::Refused, "has no vocabulary; give a tokenizer.json", [&] { read(text); });
  expectError(ExitCode::System, "cannot open", [&] { Vocabulary(folder.file("none.json")); });
}

} // namespace
} // namespace tamis::tools
