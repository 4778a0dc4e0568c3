//===- WeightFile.cpp - A file in a model's folder that holds weights ----------------------------------===//
#include "tamis/Dialect/Weight/IR/WeightFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;

namespace tamis::weight {

static void closeFile(int descriptor) {
  if (descriptor >= 0)
    ::close(descriptor);
}

/// Opens each folder on the way without following links, where the kernel lacks openat2.
static int openByComponents(int folder, ArrayRef<StringRef> components) {
  int at = ::dup(folder);
  for (auto [i, component] : enumerate(components)) {
    if (at < 0)
      return -1;
    bool isLast = i + 1 == components.size();
    int next = ::openat(at, component.str().c_str(),
                        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (isLast ? 0 : O_DIRECTORY));
    int error = errno;
    ::close(at);
    errno = error;
    at = next;
  }
  return at;
}

static int openBeneath(int folder, StringRef location, ArrayRef<StringRef> components) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK; // Does not wait for a FIFO's writer.
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long descriptor = ::syscall(SYS_openat2, folder, location.str().c_str(), &how, sizeof(how));
  if (descriptor >= 0 || (errno != ENOSYS && errno != EPERM))
    return static_cast<int>(descriptor);
  return openByComponents(folder, components);
}

std::optional<std::string> WeightFile::open(const std::string &folder, StringRef location, bool isModel) {
  if (location.empty())
    return "names no file";
  if (location.contains('\0'))
    return "has a zero byte in its file name";
  if (location.starts_with("/"))
    return "is absolute, but must lie in the model's folder";
  SmallVector<StringRef> components;
  location.split(components, '/', -1, /*KeepEmpty=*/false);
  if (is_contained(components, "..") || location.contains("..\\"))
    return "leaves the model's folder";
  llvm::erase(components, ".");
  if (components.empty())
    return "names no file";

  int base = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (base < 0)
    return std::string("cannot be opened: ") + std::strerror(errno);
  descriptor = openBeneath(base, location, components);
  int error = errno;
  closeFile(base);
  if (descriptor < 0) {
    if (error == ELOOP || error == EXDEV || error == EMLINK)
      return "is or crosses a symbolic link, which could leave the model's folder";
    return std::string("cannot be opened: ") + std::strerror(error);
  }
  struct stat status;
  if (::fstat(descriptor, &status) != 0)
    return std::string("cannot be read: ") + std::strerror(errno);
  if (!S_ISREG(status.st_mode))
    return "is not a regular file";
  if (status.st_nlink > 1 && !isModel)
    return "has several hard links, so that it may belong to another folder; copy the file";
  bytes = status.st_size;
  return std::nullopt;
}

bool WeightFile::read(uint64_t offset, MutableArrayRef<char> into) const {
  while (!into.empty()) {
    ssize_t count = ::pread(descriptor, into.data(), into.size(), offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    into = into.drop_front(count);
    offset += count;
  }
  return true;
}

WeightFile::~WeightFile() { closeFile(descriptor); }

} // namespace tamis::weight
