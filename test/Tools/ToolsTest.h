//===- ToolsTest.h - What the unit tests of the tools share ------------------------------===//
#ifndef TAMIS_TEST_TOOLS_TOOLSTEST_H
#define TAMIS_TEST_TOOLS_TOOLSTEST_H

#include "ExitCode.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace tamis::tools {

/// Expects a ToolError of this code whose message contains `part`.
template <typename Function> void expectError(ExitCode code, const std::string &part, Function function) {
  try {
    function();
    ADD_FAILURE() << "no error; expected: " << part;
  } catch (const ToolError &error) {
    EXPECT_EQ(static_cast<int>(error.code), static_cast<int>(code)) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

/// A folder that is gone after the test.
class TestFolder {
public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tamis-test-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path); }
  std::string file(const std::string &name) const { return (path / name).string(); }
  size_t fileCount() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }

private:
  std::filesystem::path path;
};

inline void writeText(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace tamis::tools

#endif // TAMIS_TEST_TOOLS_TOOLSTEST_H
