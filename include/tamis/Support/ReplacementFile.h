//===- ReplacementFile.h - A file that takes another's place when it is complete -----------------------===//
#ifndef TAMIS_SUPPORT_REPLACEMENTFILE_H
#define TAMIS_SUPPORT_REPLACEMENTFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace tamis {

/// A file that gets its name when it is complete and synced. Until then it has none where the file system
/// can do that (O_TMPFILE), so that nothing is left even of a process that is killed; elsewhere it has a
/// temporary name beside `path`, which the destructor removes. The mode is that of any new file. Something
/// that is there already and is no regular file, such as a device or a pipe, is written as it stands.
///
/// Needs nothing but POSIX and Linux, since the driver has neither LLVM nor MLIR. Functions return 0 or the
/// system's error number.
class ReplacementFile {
public:
  ReplacementFile() = default;
  ReplacementFile(ReplacementFile &&other);
  ReplacementFile &operator=(ReplacementFile &&) = delete;
  ~ReplacementFile();

  /// Links are followed: what is replaced is the file that `path` leads to.
  int open(const std::string &path);

  /// Writes all of `count` bytes at `offset`. A pipe must be written front to back (else ESPIPE).
  int write(const void *bytes, size_t count, uint64_t offset);

  /// A path under which this process can open the file, for libraries that take no descriptor.
  std::string descriptorPath() const { return "/proc/self/fd/" + std::to_string(descriptor); }

  /// Syncs the file and gives it its name. A file that had it is replaced, or, after an error, as it was.
  int commit();

private:
  int openUnnamed(const std::string &folder);
  int openNamed();
  int link();

  std::string path;      // with links followed
  std::string temporary; // empty when the file has no name
  int descriptor = -1;
  bool inPlace = false;  // a device or a pipe
  uint64_t streamed = 0; // bytes written to a pipe
};

} // namespace tamis

#endif
