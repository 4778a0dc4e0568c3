//===- PeakMemory.h - The most memory that this program had -----------------------------===//
#ifndef TAMIS_TOOLS_PEAKMEMORY_H
#define TAMIS_TOOLS_PEAKMEMORY_H

#include <cstdint>

namespace tamis::tools {

/// Bytes that were resident at once, at most, since the program began.
uint64_t peakMemory();

} // namespace tamis::tools

#endif // TAMIS_TOOLS_PEAKMEMORY_H
