//===- AtomicFile.h - Files that appear whole or not at all
//------------------------------------------------===//
#ifndef TAMIS_TARGET_ATOMICFILE_H
#define TAMIS_TARGET_ATOMICFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace tamis {

/// Writes a temporary file beside `path`, which `commit` makes durable and renames to it. Without commit, the
/// destructor removes it. Errors name the path and the system's reason.
class AtomicFile {
public:
  static llvm::Expected<AtomicFile> create(llvm::StringRef path);
  AtomicFile(AtomicFile &&other);
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  llvm::Error write(llvm::ArrayRef<char> bytes, uint64_t offset);
  llvm::Error commit();

private:
  AtomicFile(std::string path, std::string temporary, int descriptor);

  std::string path, temporary;
  int descriptor;
};

/// Writes all of a file at once.
llvm::Error writeFileAtomically(llvm::StringRef path, llvm::StringRef contents);

} // namespace tamis

#endif
