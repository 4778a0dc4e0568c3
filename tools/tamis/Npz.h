//===- Npz.h - NumPy's file format for several arrays: a zip of npy files --------===//
#ifndef TAMIS_TOOLS_NPZ_H
#define TAMIS_TOOLS_NPZ_H

#include "Tensor.h"

#include <vector>

namespace tamis::tools {

/// Reads all arrays of an npz file, stored or compressed. Nothing larger than what the file can hold is
/// allocated. Throws ToolError: Refused if the file is damaged or holds something else, System if it
/// cannot be read.
TensorMap readNpz(const std::string &path);

/// The npz files of a folder, in the order of their names. Throws ToolError: System if it cannot be read,
/// Refused if it holds none.
std::vector<std::string> npzFilesIn(const std::string &folder);

struct NamedValue {
  std::string name;
  TamisValue value; // the data need only live through the call
};

/// Writes arrays, uncompressed, under a temporary name, and renames the file when it is complete and
/// synced. The same arrays give the same bytes. Throws ToolError(System); then the earlier file, if any,
/// is as it was.
void writeNpz(const std::string &path, const std::vector<NamedValue> &values);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_NPZ_H
