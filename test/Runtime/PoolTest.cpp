//===- PoolTest.cpp - The threads of a context ----------------------------------------------------------===//
#include "Pool.h"
#include "Memory.h"
#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <unistd.h>

using namespace tamis;

namespace {
struct Work {
  std::atomic<int64_t> next{0};
  std::vector<int> done;
  std::atomic<int> wrongThreads{0};
  int32_t threads;

  static void task(void *argument, int32_t thread) {
    auto &work = *static_cast<Work *>(argument);
    if (thread < 0 || thread >= work.threads)
      ++work.wrongThreads;
    for (size_t i; (i = size_t(work.next.fetch_add(1))) < work.done.size();)
      ++work.done[i];
  }
};

class PoolTest : public testing::TestWithParam<int32_t> {
protected:
  void SetUp() override {
    storage = allocateArray<Pool>(allocator, 1);
    TamisError error = TAMIS_ERROR_INIT;
    ASSERT_EQ(storage->start(GetParam(), allocator, &error), TAMIS_OK) << error.message;
  }
  void TearDown() override {
    storage->stop();
    releaseArray(allocator, storage, 1);
  }
  void runOnce(size_t units) {
    Work work;
    work.done.resize(units);
    work.threads = GetParam();
    storage->run(Work::task, &work);
    EXPECT_EQ(work.wrongThreads, 0);
    for (int count : work.done)
      ASSERT_EQ(count, 1);
  }

  TamisAllocator allocator = defaultAllocator();
  Pool *storage = nullptr;
};
} // namespace

namespace {
class WorkerTest : public PoolTest {};
} // namespace

TEST_P(PoolTest, DoesEveryUnitOnce) {
  for (int i = 0; i < 200; ++i)
    runOnce(1000);
}

TEST_P(PoolTest, StandsMoreRegionsThanItCounts) {
  for (int i = 0; i < 70'000; ++i)
    runOnce(2);
}

TEST_P(PoolTest, WakesAfterSleep) {
  for (int i = 0; i < 20; ++i) {
    usleep(3000); // longer than workers stay awake
    storage->wake();
    runOnce(100'000);
    usleep(i % 2 ? 900 : 1100); // about when they fall asleep
    storage->wake();
    runOnce(100);
  }
}

// Wakes and regions that cross a worker on its way to sleep: it must come to a region that lasts.
TEST_P(WorkerTest, NoWorkerSleepsForEver) {
  for (int i = 0; i < 200; ++i) {
    usleep(useconds_t(1000 + i % 20 * 10));
    storage->wake();
    std::atomic<bool> came{false};
    auto untilOneComes = [](void *argument, int32_t thread) {
      auto *came = static_cast<std::atomic<bool> *>(argument);
      if (thread != 0)
        *came = true;
      while (!*came)
        usleep(10);
    };
    storage->run(untilOneComes, &came);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, PoolTest, testing::Values(1, 2, 5));
INSTANTIATE_TEST_SUITE_P(Threads, WorkerTest, testing::Values(2, 5));

TEST(Pool, StopsWithoutARegion) {
  TamisAllocator allocator = defaultAllocator();
  Pool *pool = allocateArray<Pool>(allocator, 1);
  pool->stop();
  EXPECT_EQ(pool->start(3, allocator, nullptr), TAMIS_OK);
  usleep(5000);
  pool->stop();
  releaseArray(allocator, pool, 1);
}
