//===- Pool.cpp - The threads of a context --------------------------------------------------------------===//
#include "Pool.h"
#include "Clock.h"
#include "Cpu.h"
#include "Error.h"
#include "Memory.h"
#include <climits>
#include <csignal>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace tamis;

// How long an idle worker watches for work: first without leaving the core (regions of one run follow each
// other within microseconds), then yielding it, then asleep. A sleeping worker takes tens of microseconds to
// wake; a watching one well under one.
static constexpr int64_t kSpinNanoseconds = 50'000;
static constexpr int64_t kAwakeNanoseconds = 1'000'000;
static constexpr size_t kStackBytes = size_t(8) << 20;

static void sleepOn(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

static void wakeAll(std::atomic<uint32_t> &word) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

TamisStatus Pool::start(int32_t threads, const TamisAllocator &allocator, TamisError *error) {
  this->threads = threads;
  this->allocator = allocator;
  crowded = threads > coreCount();
  state.store(kClosed, std::memory_order_relaxed);
  if (threads <= 1)
    return TAMIS_OK;
  workers = allocateArray<Worker>(allocator, size_t(threads));
  if (!workers)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for %d threads", threads);

  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) {
    stop();
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for %d threads", threads);
  }
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // The process's signals are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failure = 0;
  for (started = 0; started < threads - 1 && failure == 0;) {
    Worker &worker = workers[started];
    worker = {this, started + 1, {}};
    failure = pthread_create(&worker.handle, &attributes, main, &worker);
    started += failure == 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (failure == 0)
    return TAMIS_OK;
  stop();
  return fail(error, TAMIS_ERROR_SYSTEM, "thread %d of %d cannot be started (%s); ask for fewer threads",
              started + 2, threads, strerror(failure));
}

void Pool::stop() {
  if (!workers)
    return;
  stopping.store(true);
  wakeups.fetch_add(1);
  wakeAll(wakeups);
  for (int32_t i = 0; i < started; ++i)
    pthread_join(workers[i].handle, nullptr);
  releaseArray(allocator, workers, size_t(threads));
  workers = nullptr;
}

void *Pool::main(void *argument) {
  auto *worker = static_cast<Worker *>(argument);
  pthread_setname_np(pthread_self(), "tamis");
  worker->pool->work(worker->thread);
  return nullptr;
}

// Returns the state once it is an open region other than `done`, or once the pool stops.
uint32_t Pool::awaitRegion(uint32_t done) {
  auto idle = [&](uint32_t now) {
    return ((now & kClosed) || now / kRegion == done) && !stopping.load(std::memory_order_relaxed);
  };
  int64_t begin = 0;
  for (uint32_t round = 1;; ++round) {
    uint32_t now = state.load(std::memory_order_relaxed);
    if (!idle(now))
      return now;
    if (!crowded) {
      __builtin_ia32_pause();
      if (round % 32 != 0)
        continue;
    }
    int64_t time = monotonicNanoseconds();
    begin = begin ? begin : time;
    if (crowded || time - begin > kSpinNanoseconds)
      sched_yield();
    if (time - begin < (crowded ? kSpinNanoseconds : kAwakeNanoseconds))
      continue;
    // Announced before the last look: run() looks for sleepers after it has changed the state. Whoever takes
    // the announcement back changes `wakeups`, so that this worker does not sleep on.
    uint32_t ticket = wakeups.load();
    sleeping.store(true);
    if (idle(state.load()))
      sleepOn(wakeups, ticket);
    begin = 0;
  }
}

void Pool::work(int32_t thread) {
  uint32_t done = 0;
  for (;;) {
    uint32_t now = awaitRegion(done);
    if (stopping.load(std::memory_order_relaxed))
      return;
    while (!(now & kClosed) && now / kRegion != done) {
      if (!state.compare_exchange_weak(now, now + 1, std::memory_order_acquire, std::memory_order_relaxed))
        continue;
      done = now / kRegion;
      task(argument, thread);
      state.fetch_sub(1, std::memory_order_release);
    }
  }
}

void Pool::wake() {
  // One call for all who sleep, even if they take a few regions to come.
  if (sleeping.load() && sleeping.exchange(false)) {
    wakeups.fetch_add(1);
    wakeAll(wakeups);
  }
}

void Pool::run(Task task, void *argument) {
  this->task = task;
  this->argument = argument;
  uint32_t open = ((state.load(std::memory_order_relaxed) & ~(kInside | kClosed)) + kRegion);
  state.store(open);
  wake();
  task(argument, 0);
  state.fetch_or(kClosed, std::memory_order_acquire);
  for (uint32_t round = 1; state.load(std::memory_order_acquire) & kInside; ++round) {
    if (crowded || round > 4096)
      sched_yield(); // a worker lost its core within a chunk
    else
      __builtin_ia32_pause();
  }
}
