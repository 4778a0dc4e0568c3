//===- TemporaryFolder.h - A folder that goes with its object ---------------------------===//
#ifndef TAMIS_TOOLS_TEMPORARYFOLDER_H
#define TAMIS_TOOLS_TEMPORARYFOLDER_H

#include <string>

namespace tamis::tools {

/// A new folder where temporary files go, which is removed with all that it holds.
class TemporaryFolder {
public:
  /// `purpose` is part of its name. Throws ToolError(System).
  explicit TemporaryFolder(const std::string &purpose);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  std::string file(const std::string &name) const { return path + "/" + name; }

private:
  std::string path;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_TEMPORARYFOLDER_H
