//===- File.cpp - Reading files, and writing them all or not at all ------------===//

#include "File.h"

#include "ExitCode.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tamis::tools {

namespace {

[[noreturn]] void fail(std::string_view action, const std::string &path) {
  throw ToolError(ExitCode::System, fmt::format("cannot {} '{}': {}", action, path, std::strerror(errno)));
}

/// What is read from something without a size, such as a pipe, at most.
constexpr size_t maxStreamBytes = size_t{1} << 32;

/// A file descriptor that closes itself.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      ::close(number);
  }
};

} // namespace

std::vector<std::byte> readFile(const std::string &path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0)
    fail("open", path);
  struct stat status;
  if (::fstat(file.number, &status) != 0)
    fail("read", path);
  std::vector<std::byte> content;
  // One byte more than the size, so that the end is seen without growing.
  bool regular = S_ISREG(status.st_mode);
  if (regular)
    content.resize(static_cast<size_t>(status.st_size) + 1);
  size_t used = 0;
  while (true) {
    if (used == content.size())
      content.resize(std::max<size_t>(content.size() * 2, 65536));
    ssize_t got = ::read(file.number, content.data() + used, content.size() - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      fail("read", path);
    if (got == 0)
      break;
    used += static_cast<size_t>(got);
    if (!regular && used > maxStreamBytes)
      throw ToolError(ExitCode::System,
                      fmt::format("cannot read '{}': it is not a file, and does not end", path));
  }
  content.resize(used);
  return content;
}

AtomicFile::AtomicFile(const std::string &name) : path(name) {
  struct stat status;
  if (::stat(name.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw ToolError(ExitCode::System, fmt::format("cannot write '{}': it is not a regular file", name));
  check(file.open(name));
}

void AtomicFile::write(std::string_view content, uint64_t offset) {
  check(file.write(content.data(), content.size(), offset));
}

void AtomicFile::commit() { check(file.commit()); }

void AtomicFile::check(int error) const {
  errno = error;
  if (error)
    fail("write", path);
}

} // namespace tamis::tools
