//===- MemoryLevels.cpp - The caches of this CPU, and the memory behind them ----------===//

#include "MemoryLevels.h"

#include <algorithm>
#include <cpuid.h>

namespace tamis::tools {

int32_t MemoryLevel::cachesOf(int32_t threads, int32_t available) const {
  return std::max(std::min(threads, (available + cores - 1) / cores), 1);
}

std::vector<MemoryLevel> memoryLevels() {
  std::vector<MemoryLevel> levels;
  // Intel's leaf; AMD has the same table at another place, and zeros here.
  for (uint32_t leaf : {0x4U, 0x8000001dU}) {
    uint32_t a, b, c, d;
    for (uint32_t i = 0; levels.size() < 3 && __get_cpuid_count(leaf, i, &a, &b, &c, &d); ++i) {
      uint32_t type = a & 0x1f, level = a >> 5 & 7;
      if (type == 0)
        break;
      if (type == 2) // instructions
        continue;
      int64_t ways = (b >> 22) + 1, partitions = (b >> 12 & 0x3ff) + 1, line = (b & 0xfff) + 1;
      levels.push_back({"L" + std::to_string(level), ways * partitions * line * (int64_t{c} + 1),
                        static_cast<int32_t>((a >> 14 & 0xfff) + 1)});
    }
    if (!levels.empty())
      break;
  }
  levels.push_back({"DRAM"});
  return levels;
}

} // namespace tamis::tools
