//===- Pinning.h - Threads that stay on a core of their own ---------------------------===//
#ifndef TAMIS_TOOLS_PINNING_H
#define TAMIS_TOOLS_PINNING_H

#include <cstdint>
#include <sched.h>
#include <vector>

namespace tamis::tools {

/// Where the threads of a measurement run: each on a logical core of its own, on different physical ones as
/// long as there are enough. Without it the system may put two threads on one core when another program is
/// busy on the other, and the measurement would be of half the machine. Does nothing for one thread, and for
/// more threads than cores.
class Pinning {
public:
  explicit Pinning(int32_t threads);
  /// Lets the calling thread, which was pinned as one of the threads, run where it did before.
  ~Pinning();
  Pinning(const Pinning &) = delete;
  Pinning &operator=(const Pinning &) = delete;

  /// To be called by thread number `thread`.
  void pin(int32_t thread) const;

private:
  cpu_set_t before;
  std::vector<int> cores; // of each thread; empty: none is pinned
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_PINNING_H
