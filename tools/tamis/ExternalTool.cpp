//===- ExternalTool.cpp - Commands that are programs of their own ----------------------===//

#include "ExternalTool.h"

#include "ExitCode.h"
#include "File.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>
#include <vector>

namespace tamis::tools {

void runExternalTool(const std::string &program) {
  std::error_code unknown;
  std::filesystem::path driver = std::filesystem::read_symlink("/proc/self/exe", unknown);
  std::string path = (driver.parent_path() / program).string();

  // The words of the command line, each ended by a zero: the driver, the command, its arguments.
  std::vector<std::byte> line = readFile("/proc/self/cmdline");
  line.push_back(std::byte{0}); // so that the last word ends in any case
  std::vector<char *> words;
  for (size_t at = 0; at + 1 < line.size(); at += std::strlen(reinterpret_cast<char *>(&line[at])) + 1)
    words.push_back(reinterpret_cast<char *>(&line[at]));
  if (words.size() > 1)
    words.erase(words.begin());
  words[0] = path.data();
  words.push_back(nullptr);
  ::execv(path.c_str(), words.data());
  throw ToolError(ExitCode::System, fmt::format("cannot start '{}', which belongs beside tamis: {}", path,
                                                std::strerror(errno)));
}

} // namespace tamis::tools
