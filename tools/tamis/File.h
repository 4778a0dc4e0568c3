//===- File.h - Reading files, and writing them all or not at all --------------===//
#ifndef TAMIS_TOOLS_FILE_H
#define TAMIS_TOOLS_FILE_H

#include "tamis/Support/ReplacementFile.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::tools {

/// The bytes of a file (or pipe). Throws ToolError(System) naming the path and the reason.
std::vector<std::byte> readFile(const std::string &path);

/// A file that appears under its name only when it is complete and synced (see ReplacementFile). Without
/// commit() nothing stays behind.
class AtomicFile {
public:
  /// Throws ToolError(System), also when `path` is something other than a regular file.
  explicit AtomicFile(const std::string &path);

  /// Writes all of `content` at `offset`. Throws ToolError(System).
  void write(std::string_view content, uint64_t offset = 0);
  /// Throws ToolError(System); then the earlier file, if any, is as it was.
  void commit();

private:
  void check(int error) const;

  std::string path;
  ReplacementFile file;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_FILE_H
