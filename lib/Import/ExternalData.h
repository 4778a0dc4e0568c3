//===- ExternalData.h - Files beside a model that hold its weights -------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_EXTERNALDATA_H
#define TAMIS_LIB_IMPORT_EXTERNALDATA_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace tamis::import {

/// A file inside a folder: opened, checked, of a known size.
class ExternalFile {
public:
  /// Opens `location`, relative to `folder`. It must not leave the folder, neither by its text (absolute,
  /// "..") nor through symbolic or hard links, and must be a regular file. Absent on success, else why not.
  std::optional<std::string> open(const std::string &folder, llvm::StringRef location);
  uint64_t size() const { return bytes; }
  /// Reads `length` bytes from `offset` on; false when that fails.
  bool read(uint64_t offset, uint64_t length, std::string &into) const;

  ExternalFile() = default;
  ExternalFile(const ExternalFile &) = delete;
  ExternalFile &operator=(const ExternalFile &) = delete;
  ~ExternalFile();

private:
  int descriptor = -1;
  uint64_t bytes = 0;
};

} // namespace tamis::import

#endif
