//===- ArenaTest.cpp - The memory of one run ------------------------------------------------------------===//
#include "Arena.h"
#include "Memory.h"
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace tamis;

namespace {
class ArenaTest : public testing::Test {
protected:
  void SetUp() override { arena.initialize(defaultAllocator(), 0); }
  void TearDown() override { arena.destroy(); }

  struct Live {
    uint8_t *data;
    int64_t bytes;
    uint8_t mark;
  };

  /// Blocks of random sizes in random order; checks that none overlaps another, by their contents.
  void randomRun(uint32_t seed, int64_t largest) {
    std::mt19937 random(seed);
    std::vector<Live> live;
    arena.begin();
    for (int i = 0; i < 2000; ++i) {
      if (live.size() > 20 || (!live.empty() && random() % 3 == 0)) {
        Live &chosen = live[random() % live.size()];
        uint8_t difference = 0;
        for (int64_t at = 0; at < chosen.bytes; ++at)
          difference |= chosen.data[at] ^ chosen.mark;
        ASSERT_EQ(difference, 0);
        arena.release(chosen.data);
        chosen = live.back();
        live.pop_back();
      }
      auto bytes = int64_t(random() % uint64_t(largest));
      auto *data = static_cast<uint8_t *>(arena.allocate(bytes));
      ASSERT_NE(data, nullptr);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
      ASSERT_TRUE(arena.owns(data));
      memset(data, i & 255, size_t(bytes));
      live.push_back({data, bytes, uint8_t(i)});
    }
    arena.end();
  }

  Arena arena;
};
} // namespace

TEST_F(ArenaTest, TheSecondRunOfASizeAllocatesNothing) {
  randomRun(1, 100'000); // exceeds the first base while blocks of many sizes are in use
  EXPECT_GT(arena.systemAllocations(), 0);
  uint64_t peak = arena.peakBytes();
  for (int i = 0; i < 3; ++i) {
    randomRun(1, 100'000);
    EXPECT_EQ(arena.systemAllocations(), 0);
    EXPECT_EQ(arena.peakBytes(), peak);
  }
}

TEST_F(ArenaTest, SizesSeenBeforeAllocateNothingAfterOthers) {
  for (int round = 0; round < 2; ++round)
    for (uint32_t seed = 1; seed <= 5; ++seed) {
      randomRun(seed, 300'000 / seed);
      if (round)
        EXPECT_EQ(arena.systemAllocations(), 0) << seed;
    }
}

TEST_F(ArenaTest, ReusesTheSmallestGapThatFits) {
  arena.begin();
  void *blocks[7];
  int64_t sizes[] = {64, 640, 64, 256, 64, 256, 64};
  for (int i = 0; i < 7; ++i)
    blocks[i] = arena.allocate(sizes[i]);
  for (int i : {1, 3, 5})
    arena.release(blocks[i]);
  EXPECT_EQ(arena.allocate(200), blocks[3]) << "the lowest of the smallest";
  EXPECT_EQ(arena.allocate(256), blocks[5]);
  EXPECT_EQ(arena.allocate(300), blocks[1]);
  arena.end();
}

TEST_F(ArenaTest, NeighboursJoinWhateverTheOrder) {
  arena.begin();
  void *a = arena.allocate(1000), *b = arena.allocate(1000), *c = arena.allocate(1000),
       *d = arena.allocate(1);
  arena.release(a);
  arena.release(c);
  arena.release(b);
  EXPECT_EQ(arena.allocate(3 * 1024), a);
  EXPECT_NE(d, nullptr);
  arena.end();
}

TEST_F(ArenaTest, LeavesForeignMemoryAlone) {
  arena.begin();
  alignas(64) char foreign[64];
  auto *block = static_cast<char *>(arena.allocate(128));
  arena.release(foreign);
  arena.release(nullptr);
  arena.release(block + 64);
  EXPECT_FALSE(arena.owns(foreign));
  EXPECT_NE(arena.allocate(64), block);
  arena.release(block);
  arena.release(block);
  arena.end();
}

TEST_F(ArenaTest, RefusesImpossibleSizes) {
  arena.begin();
  EXPECT_EQ(arena.allocate(-1), nullptr);
  EXPECT_EQ(arena.allocate(INT64_MIN), nullptr);
  EXPECT_EQ(arena.allocate(INT64_MAX), nullptr);
  EXPECT_FALSE(arena.limitReached());
  EXPECT_NE(arena.allocate(0), nullptr);
  arena.end();
}

TEST(ArenaLimit, HoldsForEveryRunAlike) {
  Arena arena;
  arena.initialize(defaultAllocator(), 1 << 20);
  for (int i = 0; i < 3; ++i) {
    arena.begin();
    void *half = arena.allocate(1 << 19);
    EXPECT_NE(half, nullptr);
    EXPECT_EQ(arena.allocate((1 << 19) + 1), nullptr);
    EXPECT_TRUE(arena.limitReached());
    EXPECT_NE(arena.allocate(1 << 19), nullptr);
    arena.end();
    EXPECT_LE(arena.reservedBytes(), uint64_t(1) << 20);
  }
  arena.destroy();
}

TEST_F(ArenaTest, OutputsOfARunOutliveItsEnd) {
  arena.begin();
  auto *data = static_cast<uint8_t *>(arena.allocate(10 << 20)); // larger than the base
  memset(data, 42, 10 << 20);
  EXPECT_TRUE(arena.end());
  for (int i = 0; i < 10 << 20; i += 4096)
    ASSERT_EQ(data[i], 42);
  EXPECT_TRUE(arena.owns(data));
}

TEST(LazyArena, HoldsTheFirstRunAndReportsWhatItTouched) {
  Arena arena;
  arena.initialize(defaultAllocator(), 0, /*isLazy=*/true);
  arena.begin();
  for (int i = 0; i < 10; ++i)
    ASSERT_NE(arena.allocate(1 << 20), nullptr);
  EXPECT_EQ(arena.systemAllocations(), 2) << "the base and the table of blocks";
  EXPECT_FALSE(arena.end());
  EXPECT_EQ(arena.reservedBytes(), 10u << 20);
  arena.begin();
  ASSERT_NE(arena.allocate(int64_t(Arena::kFirstLazyBase) + 1), nullptr);
  EXPECT_TRUE(arena.end()) << "a run that does not fit makes it grow";
  arena.begin();
  EXPECT_GT(arena.reservedBytes(), Arena::kFirstLazyBase);
  arena.destroy();
}
