//===- WeightFile.h - A file in a model's folder that holds weights ------------------------------------===//
#ifndef TAMIS_DIALECT_WEIGHT_IR_WEIGHTFILE_H
#define TAMIS_DIALECT_WEIGHT_IR_WEIGHTFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace tamis::weight {

/// A file inside a folder: opened, checked, of a known size. Whoever reads weights opens files by it, so that
/// a model reaches nothing outside its folder.
class WeightFile {
public:
  /// Opens `location`, relative to `folder`. It must not leave the folder, neither by its text (absolute,
  /// "..") nor through symbolic links, and must be a regular file without other hard links; the model itself,
  /// which its user named, may have some (`isModel`). Absent on success, else why not, as the end of a
  /// sentence about the file.
  std::optional<std::string> open(const std::string &folder, llvm::StringRef location, bool isModel = false);
  uint64_t size() const { return bytes; }
  /// Reads from `offset` on until `into` is full; false when that fails or the file ends before.
  bool read(uint64_t offset, llvm::MutableArrayRef<char> into) const;

  WeightFile() = default;
  WeightFile(const WeightFile &) = delete;
  WeightFile &operator=(const WeightFile &) = delete;
  ~WeightFile();

private:
  int descriptor = -1;
  uint64_t bytes = 0;
};

} // namespace tamis::weight

#endif
