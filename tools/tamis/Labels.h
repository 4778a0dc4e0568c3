//===- Labels.h - What is right for each request ------------------------------------------===//
#ifndef TAMIS_TOOLS_LABELS_H
#define TAMIS_TOOLS_LABELS_H

#include <cstdint>
#include <string>
#include <vector>

namespace tamis::tools {

/// Reads an npy file of integers, i64 or i32, [requests]: the number of the right class for each. Throws
/// ToolError: System if it cannot be read, Refused if it holds something else.
std::vector<int64_t> readLabels(const std::string &path);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_LABELS_H
