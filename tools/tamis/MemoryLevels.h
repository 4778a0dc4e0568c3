//===- MemoryLevels.h - The caches of this CPU, and the memory behind them ------------===//
#ifndef TAMIS_TOOLS_MEMORYLEVELS_H
#define TAMIS_TOOLS_MEMORYLEVELS_H

#include <cstdint>
#include <string>
#include <vector>

namespace tamis::tools {

/// A level of caches, or the memory behind all of them.
struct MemoryLevel {
  std::string name;  // "L1", "L2", "L3", "DRAM"
  int64_t bytes = 0; // of one cache; 0: memory
  int32_t cores = 1; // that share one cache; logical ones

  /// How many caches of the level `threads` threads use, on the `available` cores of this process.
  int32_t cachesOf(int32_t threads, int32_t available) const;
};

/// From the nearest to DRAM, which is always there; without caches that the CPU does not report.
std::vector<MemoryLevel> memoryLevels();

} // namespace tamis::tools

#endif // TAMIS_TOOLS_MEMORYLEVELS_H
