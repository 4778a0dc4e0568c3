//===- AtomicFile.cpp - Write, sync, rename
//------------------------------------------------------------------===//
#include "tamis/Target/AtomicFile.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tamis;

static llvm::Error systemError(llvm::StringRef what, llvm::StringRef path) {
  std::error_code code(errno, std::generic_category());
  return llvm::createStringError(code, "cannot %s %s: %s", what.str().c_str(), path.str().c_str(),
                                 code.message().c_str());
}

AtomicFile::AtomicFile(std::string path, std::string temporary, int descriptor)
    : path(std::move(path)), temporary(std::move(temporary)), descriptor(descriptor) {}

AtomicFile::AtomicFile(AtomicFile &&other)
    : path(std::move(other.path)), temporary(std::move(other.temporary)), descriptor(other.descriptor) {
  other.descriptor = -1;
}

AtomicFile::~AtomicFile() {
  if (descriptor < 0)
    return;
  close(descriptor);
  unlink(temporary.c_str());
}

llvm::Expected<AtomicFile> AtomicFile::create(llvm::StringRef path) {
  std::string pattern = (path + ".XXXXXX").str();
  int descriptor = mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor < 0)
    return systemError("write", path);
  mode_t mask = umask(0); // mkostemp makes the file private; an output is as public as any other
  umask(mask);
  fchmod(descriptor, 0666 & ~mask);
  return AtomicFile(path.str(), pattern, descriptor);
}

llvm::Error AtomicFile::write(llvm::ArrayRef<char> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    ssize_t count = pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return systemError("write", path);
    bytes = bytes.drop_front(count);
    offset += count;
  }
  return llvm::Error::success();
}

llvm::Error AtomicFile::commit() {
  if (fsync(descriptor) || rename(temporary.c_str(), path.c_str()))
    return systemError("write", path);
  close(descriptor);
  descriptor = -1;
  // The name must last as well; a folder that cannot be opened for it is not worth failing for.
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  int directory = open(folder.empty() ? "." : folder.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    close(directory);
  }
  return llvm::Error::success();
}

llvm::Error tamis::writeFileAtomically(llvm::StringRef path, llvm::StringRef contents) {
  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = file->write(llvm::ArrayRef(contents.data(), contents.size()), 0))
    return error;
  return file->commit();
}
