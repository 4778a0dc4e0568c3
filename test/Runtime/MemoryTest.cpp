//===- MemoryTest.cpp - The caller's allocator, and one that fails --------------------------------------===//
#include "Memory.h"
#include "TestModel.h"
#include <map>

using namespace tamis;
using namespace tamis::test;

namespace {
/// Counts, checks that what is released was allocated so, and fails the one call it is told to.
struct CheckedAllocator {
  int64_t calls = 0, failing = -1;
  std::map<void *, std::pair<size_t, size_t>> live;

  static void *allocate(void *user, size_t bytes, size_t alignment) {
    auto *self = static_cast<CheckedAllocator *>(user);
    if (self->calls++ == self->failing)
      return nullptr;
    void *data = defaultAllocator().allocate(nullptr, bytes, alignment);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % alignment, 0u);
    self->live[data] = {bytes, alignment};
    return data;
  }
  static void release(void *user, void *data, size_t bytes, size_t alignment) {
    auto *self = static_cast<CheckedAllocator *>(user);
    EXPECT_EQ(self->live[data], std::make_pair(bytes, alignment));
    self->live.erase(data);
    defaultAllocator().release(nullptr, data, bytes, alignment);
  }
  TamisAllocator hooks() { return {this, allocate, release}; }
};
} // namespace

static void emptyBody(TamisHost *, void *, int64_t, int64_t, int64_t) {}

// More live blocks than the arena's first table holds, and more bytes than its first base.
static void greedyEntry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  void *blocks[600];
  for (void *&block : blocks)
    block = host->allocate(host, 10'000);
  for (int i = 0; i < 1100; ++i)
    host->parallel(host, emptyBody, nullptr, 10, 1, 0, 0, 0);
  for (void *block : blocks)
    host->release(host, block);
  outputs[0] = inputs[0];
  outputs[0].data = host->allocate(host, 64);
  static_cast<float *>(outputs[0].data)[0] = 5;
}

// Creates a context, runs it three times; the status of the first step that fails.
static TamisStatus useContext(const TamisModel *model, CheckedAllocator &checked) {
  TamisAllocator allocator = checked.hooks();
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.threads = 2;
  options.allocator = &allocator;
  options.profile = 1;
  TamisContext *context;
  Error error;
  TamisStatus first = tamis_context_create(model, &options, &context, &error);
  EXPECT_EQ(context != nullptr, first == TAMIS_OK);
  if (!context)
    return first;
  float data[4] = {};
  TamisValue input = floats({1, 4}, data), output;
  for (int i = 0; i < 3; ++i) {
    int64_t before = checked.calls;
    TamisStatus status = tamis_run(context, &input, 1, nullptr, &error);
    first = first == TAMIS_OK ? status : first;
    if (status == TAMIS_OK) {
      EXPECT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK);
      EXPECT_EQ(*static_cast<const float *>(output.data), 5);
    }
    if (i == 2) {
      EXPECT_EQ(status, TAMIS_OK) << "a context recovers: " << error.message;
    }
    if (i > 0 && checked.failing < 0)
      EXPECT_EQ(checked.calls, before) << "only the first run allocates";
  }
  tamis_context_destroy(context);
  return first;
}

TEST(Memory, EveryAllocationMayFail) {
  EmbeddedModel model(greedyEntry);
  CheckedAllocator counted;
  ASSERT_EQ(useContext(model.model, counted), TAMIS_OK);
  EXPECT_TRUE(counted.live.empty());
  int refused = 0;
  for (int64_t failing = 0; failing < counted.calls; ++failing) {
    CheckedAllocator checked;
    checked.failing = failing;
    TamisStatus status = useContext(model.model, checked);
    EXPECT_TRUE(status == TAMIS_OK || status == TAMIS_ERROR_MEMORY) << failing;
    refused += status == TAMIS_ERROR_MEMORY;
    EXPECT_TRUE(checked.live.empty()) << failing << ": something leaked";
  }
  EXPECT_GT(refused, 10);
}
