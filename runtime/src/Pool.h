//===- Pool.h - The threads of a context ----------------------------------------------------------------===//
//
// A fork opens a region by one store to a word that the workers watch; a worker that sees it in time joins
// by a compare-and-swap, and the join closes the region and waits for those who did. A worker that sleeps
// or is not scheduled is not waited for: the work is claimed in chunks, so the caller does it meanwhile, and
// a short region never costs more than a wake-up.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_POOL_H
#define TAMIS_RUNTIME_POOL_H

#include "tamis/runtime.h"
#include <atomic>
#include <pthread.h>

namespace tamis {

class Pool {
public:
  using Task = void (*)(void *argument, int32_t thread);
  static constexpr int32_t kMaxThreads = 1024;

  /// Starts threads - 1 workers. On failure none is left. The object is zeroed memory before.
  TamisStatus start(int32_t threads, const TamisAllocator &allocator, TamisError *error);
  /// Ends the workers. Allowed when start failed or was not called.
  void stop();

  /// Calls task(argument, 0) on the caller and task(argument, i) on each worker i that comes in time, and
  /// returns when all that were called have returned.
  void run(Task task, void *argument);

  /// Wakes the workers, so that they watch for work by the time it is there.
  void wake();

private:
  struct Worker {
    Pool *pool;
    int32_t thread;
    pthread_t handle;
  };

  // state: the region's number (16 bits), whether it is closed (1 bit), workers inside (15 bits). A number
  // that comes round again does no harm: a worker joins the open region or none.
  static constexpr uint32_t kInside = 0x7fff, kClosed = 0x8000, kRegion = 0x10000;

  static void *main(void *worker);
  void work(int32_t thread);
  uint32_t awaitRegion(uint32_t done);

  alignas(64) std::atomic<uint32_t> state;
  alignas(64) std::atomic<uint32_t> wakeups; // what workers sleep on
  std::atomic<bool> sleeping;                // some worker may be asleep
  std::atomic<bool> stopping;
  alignas(64) Task task;
  void *argument;
  Worker *workers;
  int32_t threads, started;
  bool crowded; // more threads than cores: spinning would take the core from who has work
  TamisAllocator allocator;
};

} // namespace tamis

#endif
