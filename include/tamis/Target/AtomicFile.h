//===- AtomicFile.h - Files that appear whole or not at all --------------------------------------------===//
#ifndef TAMIS_TARGET_ATOMICFILE_H
#define TAMIS_TARGET_ATOMICFILE_H

#include "tamis/Support/ReplacementFile.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace tamis {

/// A ReplacementFile with errors that name the path and the system's reason. Without commit, nothing stays.
class AtomicFile {
public:
  static llvm::Expected<AtomicFile> create(llvm::StringRef path);

  llvm::Error write(llvm::ArrayRef<char> bytes, uint64_t offset);
  /// A path under which libraries can open the file while it is not committed.
  std::string descriptorPath() const { return file.descriptorPath(); }
  llvm::Error commit();

private:
  explicit AtomicFile(std::string path) : path(std::move(path)) {}
  static llvm::Error fail(llvm::StringRef path, int error);

  std::string path;
  ReplacementFile file;
};

/// Writes all of a file at once.
llvm::Error writeFileAtomically(llvm::StringRef path, llvm::StringRef contents);

} // namespace tamis

#endif
