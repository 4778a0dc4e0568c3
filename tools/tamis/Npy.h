//===- Npy.h - NumPy's file format for one array --------------------------------===//
//
// Versions 1.0 to 3.0, little-endian. bfloat16, which NumPy lacks, is two raw bytes ('V2').
// Every error is a ToolError(Refused) that starts with `source`.
//
//===----------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_NPY_H
#define TAMIS_TOOLS_NPY_H

#include "Tensor.h"

#include <vector>

namespace tamis::tools {

/// What stands before the elements of an array.
struct NpyHeader {
  TamisType type;
  bool fortranOrder;
  std::vector<int64_t> dims;
  size_t headerBytes;  // up to the first element
  size_t payloadBytes; // of all elements
};

/// Bytes that a header has at most: longer ones are refused, as NumPy refuses them.
inline constexpr size_t npyMaxHeaderBytes = 12 + 65536;

/// Reads the header of an array from the first bytes of a file: all of it, or at least npyMaxHeaderBytes.
NpyHeader parseNpyHeader(std::span<const std::byte> bytes, const std::string &source);

/// Reads a whole file. Bytes after the last element are refused.
Tensor parseNpy(std::span<const std::byte> bytes, const std::string &source);
Tensor readNpyFile(const std::string &path);

/// Puts an array that was read in Fortran order into row-major order.
Tensor toRowMajor(Tensor tensor, const std::string &source);

/// The header of a row-major array; a multiple of 64 bytes, so that elements are aligned.
std::string formatNpyHeader(TamisType type, std::span<const int64_t> dims);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_NPY_H
