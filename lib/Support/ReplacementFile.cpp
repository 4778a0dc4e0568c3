//===- ReplacementFile.cpp - A file that takes another's place when it is complete ---------------------===//
#include "tamis/Support/ReplacementFile.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace tamis;

static std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

ReplacementFile::ReplacementFile(ReplacementFile &&other)
    : path(std::move(other.path)), temporary(std::exchange(other.temporary, {})),
      descriptor(std::exchange(other.descriptor, -1)), inPlace(other.inPlace), streamed(other.streamed) {}

ReplacementFile::~ReplacementFile() {
  if (descriptor >= 0)
    ::close(descriptor);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

int ReplacementFile::open(const std::string &name) {
  path = name;
  struct stat status;
  if (::stat(name.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return EISDIR;
    if (!S_ISREG(status.st_mode)) {
      inPlace = true;
      descriptor = ::open(name.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
      return descriptor < 0 ? errno : 0;
    }
    if (char *real = ::realpath(name.c_str(), nullptr)) {
      path = real;
      std::free(real);
    }
  }
  // Whatever speaks against a file without a name (the file system, the kernel, no /proc to name it by), one
  // with a name either works or has the error to report.
  return openUnnamed(folderOf(path)) ? openNamed() : 0;
}

int ReplacementFile::openUnnamed(const std::string &folder) {
  descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return errno;
  if (::access(descriptorPath().c_str(), F_OK) == 0)
    return 0;
  ::close(std::exchange(descriptor, -1));
  return ENOENT;
}

int ReplacementFile::openNamed() {
  std::string pattern = path + ".XXXXXX";
  descriptor = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0)
    return errno;
  temporary = pattern;
  mode_t mask = ::umask(0); // mkostemp makes the file private; an output is as public as any other
  ::umask(mask);
  return ::fchmod(descriptor, 0666 & ~mask) == 0 ? 0 : errno;
}

int ReplacementFile::write(const void *bytes, size_t count, uint64_t offset) {
  const char *at = static_cast<const char *>(bytes);
  while (count > 0) {
    ssize_t done = ::pwrite(descriptor, at, count, static_cast<off_t>(offset));
    if (done < 0 && errno == ESPIPE && offset == streamed)
      done = ::write(descriptor, at, count);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return errno;
    at += done;
    count -= static_cast<size_t>(done);
    offset += static_cast<uint64_t>(done);
    streamed = offset;
  }
  return 0;
}

/// Gives the file without a name a temporary one.
int ReplacementFile::link() {
  for (unsigned attempt = 0;; ++attempt) {
    std::string name = path + "." + std::to_string(::getpid()) + "." + std::to_string(attempt);
    if (::linkat(AT_FDCWD, descriptorPath().c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary = name;
      return 0;
    }
    if (errno != EEXIST || attempt == 1000)
      return errno;
  }
}

int ReplacementFile::commit() {
  if (inPlace)
    return ::close(std::exchange(descriptor, -1)) == 0 ? 0 : errno;
  if (::fsync(descriptor))
    return errno;
  // Only a rename takes an earlier file's place at once. The name for it exists between two system calls.
  bool done = temporary.empty() &&
              ::linkat(AT_FDCWD, descriptorPath().c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
  if (!done) {
    if (temporary.empty())
      if (int error = link())
        return error;
    if (::rename(temporary.c_str(), path.c_str()))
      return errno;
    temporary.clear();
  }
  ::close(std::exchange(descriptor, -1));
  // The name must last as well; a folder that cannot be opened for it is not worth failing for.
  int folder = ::open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return 0;
}
