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
  if (::stat(name.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode))
      throw ToolError(ExitCode::System, fmt::format("cannot write '{}': it is not a regular file", name));
    if (char *real = ::realpath(name.c_str(), nullptr)) {
      path = real;
      std::free(real);
    }
  }
  std::string pattern = path + ".XXXXXX";
  int number = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (number < 0)
    fail("write", path);
  temporary = pattern;
  ::close(number);
}

AtomicFile::~AtomicFile() {
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

void AtomicFile::write(std::string_view content) {
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)};
  if (file.number < 0)
    fail("write", path);
  while (!content.empty()) {
    ssize_t put = ::write(file.number, content.data(), content.size());
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      fail("write", path);
    content.remove_prefix(static_cast<size_t>(put));
  }
}

void AtomicFile::commit() {
  Descriptor file{::open(temporary.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0)
    fail("write", path);
  // mkostemp made the file private; give it the mode that a plain open would have.
  mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(file.number, 0666 & ~mask) != 0 || ::fsync(file.number) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0)
    fail("write", path);
  temporary.clear();
  // The name is durable only when the folder is. A file system that cannot sync a folder is no failure.
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.number >= 0)
    ::fsync(directory.number);
}

} // namespace tamis::tools
