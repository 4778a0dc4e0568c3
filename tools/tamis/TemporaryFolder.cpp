//===- TemporaryFolder.cpp - A folder that goes with its object -------------------------===//

#include "TemporaryFolder.h"

#include "ExitCode.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <stdlib.h>

namespace tamis::tools {

TemporaryFolder::TemporaryFolder(const std::string &purpose) {
  std::error_code unknown;
  std::string name =
      (std::filesystem::temp_directory_path(unknown) / ("tamis-" + purpose + "-XXXXXX")).string();
  if (unknown || !::mkdtemp(name.data()))
    throw ToolError(ExitCode::System,
                    fmt::format("cannot make a folder '{}': {}", name, std::strerror(errno)));
  path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

} // namespace tamis::tools
