//===- File.h - Reading files, and writing them all or not at all --------------===//
#ifndef TAMIS_TOOLS_FILE_H
#define TAMIS_TOOLS_FILE_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::tools {

/// The bytes of a file (or pipe). Throws ToolError(System) naming the path and the reason.
std::vector<std::byte> readFile(const std::string &path);

/// A file that appears under its name only when it is complete: it is written under a temporary name
/// beside it, synced, and renamed by commit(). Without commit() nothing stays behind.
class AtomicFile {
public:
  /// Throws ToolError(System), also when `path` is something other than a regular file.
  explicit AtomicFile(const std::string &path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  /// Where to write; the file exists and is empty.
  const std::string &temporaryPath() const { return temporary; }
  /// Replaces the content. Throws ToolError(System).
  void write(std::string_view content);
  /// Throws ToolError(System); then the earlier file, if any, is as it was.
  void commit();

private:
  std::string path;      // with links followed
  std::string temporary; // empty once renamed
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_FILE_H
