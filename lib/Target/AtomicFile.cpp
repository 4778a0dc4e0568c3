//===- AtomicFile.cpp - Write, sync, rename ------------------------------------------------------------===//
#include "tamis/Target/AtomicFile.h"

#include <cerrno>

using namespace tamis;

llvm::Error AtomicFile::fail(llvm::StringRef path, int error) {
  std::error_code code(error, std::generic_category());
  // Of pwrite: what is no file can only be written front to back.
  std::string reason = error == ESPIPE ? "it is not a regular file" : code.message();
  return llvm::createStringError(code, "cannot write %s: %s", path.str().c_str(), reason.c_str());
}

llvm::Expected<AtomicFile> AtomicFile::create(llvm::StringRef path) {
  AtomicFile file(path.str());
  if (int error = file.file.open(file.path))
    return fail(path, error);
  return file;
}

llvm::Error AtomicFile::write(llvm::ArrayRef<char> bytes, uint64_t offset) {
  if (int error = file.write(bytes.data(), bytes.size(), offset))
    return fail(path, error);
  return llvm::Error::success();
}

llvm::Error AtomicFile::commit() {
  if (int error = file.commit())
    return fail(path, error);
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
