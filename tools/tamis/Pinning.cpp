//===- Pinning.cpp - Threads that stay on a core of their own -------------------------===//

#include "Pinning.h"

#include <fmt/format.h>
#include <fstream>

namespace tamis::tools {

/// Whether the logical core is not the first of its physical one.
static bool isSibling(int core) {
  std::ifstream file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", core));
  int first;
  return file >> first && first != core;
}

Pinning::Pinning(int32_t threads) {
  CPU_ZERO(&before);
  if (threads == 1 || sched_getaffinity(0, sizeof(before), &before) != 0 || threads > CPU_COUNT(&before))
    return;
  std::vector<int> siblings;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(core, &before))
      (isSibling(core) ? siblings : cores).push_back(core);
  cores.insert(cores.end(), siblings.begin(), siblings.end());
}

Pinning::~Pinning() {
  if (!cores.empty())
    sched_setaffinity(0, sizeof(before), &before);
}

void Pinning::pin(int32_t thread) const {
  if (cores.empty())
    return;
  cpu_set_t own;
  CPU_ZERO(&own);
  CPU_SET(cores[thread], &own);
  sched_setaffinity(0, sizeof(own), &own); // a wish
}

} // namespace tamis::tools
