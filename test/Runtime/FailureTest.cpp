//===- FailureTest.cpp - Runs that end early ------------------------------------------------------------===//
#include "Clock.h"
#include "TestModel.h"
#include <atomic>
#include <thread>

using namespace tamis;
using namespace tamis::test;

// What the entries of this file do is told by the first float of the input.
enum Behaviour : int {
  kNothing,
  kFailAtOnce,
  kFailInBody,
  kFailInEveryBody,
  kFailOnWorker,
  kForever,
  kForeverInBody,
  kHuge,
  kNegative,
  kAllocateInBody,
  kFailWithoutOperation,
  kFailNested,
  kBehaviours
};

static std::atomic<bool> running;

static void body(TamisHost *host, void *captures, int64_t begin, int64_t, int64_t thread) {
  switch (*static_cast<int *>(captures)) {
  case kFailInBody:
    if (begin == 77)
      host->fail(host, 1, "unit 77 is bad");
    break;
  case kFailInEveryBody:
    host->fail(host, 1, "every unit is bad");
    break;
  case kFailOnWorker:
    // The region never ends by itself, so a worker comes some time.
    if (thread != 0)
      host->fail(host, 1, "a worker is bad");
    std::this_thread::yield();
    break;
  case kForeverInBody:
    running = true;
    break;
  case kAllocateInBody:
    host->allocate(host, 64);
    break;
  case kFailNested: {
    int inner = kFailInEveryBody;
    host->parallel(host, body, &inner, 5, 1, 0, 0, 0);
    break;
  }
  }
}

static void entry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  int behaviour = int(*static_cast<const float *>(inputs[0].data));
  void *block = host->allocate(host, 1000);
  switch (behaviour) {
  case kFailAtOnce:
    host->fail(host, 0, "id 9 lies outside the vocabulary");
    break;
  case kFailWithoutOperation:
    host->fail(host, 99, nullptr);
    break;
  case kHuge:
    host->allocate(host, int64_t(1) << 46);
    break;
  case kNegative:
    host->allocate(host, -5);
    break;
  case kForever:
    for (;;)
      running = true, host->parallel(host, body, &behaviour, 4, 1, 0, 0, 0);
  case kForeverInBody:
    host->parallel(host, body, &behaviour, INT64_MAX, 1, 0, 0, 0);
    break;
  case kFailOnWorker:
    host->parallel(host, body, &behaviour, INT64_MAX, 3, 0, 0, 0);
    break;
  default:
    host->parallel(host, body, &behaviour, 100, 1, 0, 0, 0);
  }
  host->release(host, block);
  outputs[0] = inputs[0];
}

namespace {
class FailureTest : public testing::TestWithParam<int32_t> {
protected:
  FailureTest() : model(entry) {}
  void SetUp() override {
    TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
    options.threads = GetParam();
    ASSERT_EQ(tamis_context_create(model.model, &options, &context, &error), TAMIS_OK) << error.message;
  }
  void TearDown() override { tamis_context_destroy(context); }

  TamisStatus run(int behaviour, const TamisRunOptions *options = nullptr) {
    float data[4] = {float(behaviour)};
    TamisValue input = floats({1, 4}, data);
    return tamis_run(context, &input, 1, options, &error);
  }
  // Ends with the status and message, and the context works afterwards.
  void ends(int behaviour, TamisStatus status, const char *message) {
    EXPECT_EQ(run(behaviour), status);
    EXPECT_STREQ(error.message, message);
    TamisValue output;
    EXPECT_EQ(tamis_context_output(context, 0, &output, nullptr), TAMIS_ERROR_USAGE);
    EXPECT_EQ(run(kNothing), TAMIS_OK) << error.message;
    EXPECT_EQ(tamis_context_output(context, 0, &output, nullptr), TAMIS_OK);
  }

  EmbeddedModel model;
  TamisContext *context = nullptr;
  Error error;
};
} // namespace

namespace {
class WorkerFailureTest : public FailureTest {};
} // namespace

TEST_P(FailureTest, OfTheEntry) {
  ends(kFailAtOnce, TAMIS_ERROR_INPUT, "/layer/0: id 9 lies outside the vocabulary");
  ends(kFailWithoutOperation, TAMIS_ERROR_INPUT, "the model: an input is refused");
}

TEST_P(FailureTest, OfABody) {
  for (int i = 0; i < 100; ++i) {
    ends(kFailInBody, TAMIS_ERROR_INPUT, "/layer/1: unit 77 is bad");
    ends(kFailInEveryBody, TAMIS_ERROR_INPUT, "/layer/1: every unit is bad");
    ends(kFailNested, TAMIS_ERROR_INPUT, "/layer/1: every unit is bad");
  }
}

TEST_P(WorkerFailureTest, OfAWorker) {
  for (int i = 0; i < 20; ++i)
    ends(kFailOnWorker, TAMIS_ERROR_INPUT, "/layer/1: a worker is bad");
}

TEST_P(FailureTest, OfMemory) {
  ends(kNegative, TAMIS_ERROR_MEMORY, "there is no memory for -5 bytes; give the run smaller inputs");
  ends(kAllocateInBody, TAMIS_ERROR_MEMORY, "there is no memory for 64 bytes; give the run smaller inputs");
}

TEST_P(FailureTest, ByCancel) {
  for (int behaviour : {kForever, kForeverInBody}) {
    running = false;
    std::thread canceller([&] {
      while (!running)
        std::this_thread::yield();
      tamis_context_cancel(context);
    });
    ends(behaviour, TAMIS_ERROR_CANCELLED, "the run was cancelled");
    canceller.join();
  }
}

TEST_P(FailureTest, ByADeadline) {
  for (int behaviour : {kForever, kForeverInBody}) {
    TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
    options.deadline_ns = monotonicNanoseconds() + 2'000'000;
    EXPECT_EQ(run(behaviour, &options), TAMIS_ERROR_DEADLINE);
    EXPECT_GE(monotonicNanoseconds(), options.deadline_ns);
    options.deadline_ns = 1;
    EXPECT_EQ(run(kNothing, &options), TAMIS_ERROR_DEADLINE);
    options.deadline_ns = INT64_MAX;
    EXPECT_EQ(run(kNothing, &options), TAMIS_OK) << error.message;
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, FailureTest, testing::Values(1, 2, 5));
INSTANTIATE_TEST_SUITE_P(Threads, WorkerFailureTest, testing::Values(2, 5));

TEST(Failure, ByTheLimitOfTheArena) {
  EmbeddedModel model(entry);
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.max_arena_bytes = 512;
  TamisContext *context;
  Error error;
  ASSERT_EQ(tamis_context_create(model.model, &options, &context, &error), TAMIS_OK);
  float data[4] = {};
  TamisValue input = floats({1, 4}, data);
  EXPECT_EQ(tamis_run(context, &input, 1, nullptr, &error), TAMIS_ERROR_MEMORY);
  EXPECT_TRUE(error.mentions("max_arena_bytes")) << error.message;
  tamis_context_destroy(context);
}

static TamisContext *inner;
static TamisStatus innerStatus;
static void recursiveEntry(TamisHost *, const TamisTensor *inputs, TamisTensor *outputs) {
  TamisValue input = floats({1, 4}, inputs[0].data);
  innerStatus = tamis_run(inner, &input, 1, nullptr, nullptr);
  outputs[0] = inputs[0];
}

TEST(Failure, OfARunWithinARun) {
  EmbeddedModel model(recursiveEntry);
  ASSERT_EQ(tamis_context_create(model.model, nullptr, &inner, nullptr), TAMIS_OK);
  float data[4] = {};
  TamisValue input = floats({1, 4}, data);
  EXPECT_EQ(tamis_run(inner, &input, 1, nullptr, nullptr), TAMIS_OK);
  EXPECT_EQ(innerStatus, TAMIS_ERROR_USAGE);
  tamis_context_destroy(inner);
}
