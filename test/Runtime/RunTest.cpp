//===- RunTest.cpp - Runs that succeed ------------------------------------------------------------------===//
#include "TestModel.h"
#include <cfenv>
#include <thread>
#include <xmmintrin.h>

using namespace tamis;
using namespace tamis::test;

namespace {
struct Captures {
  const float *from;
  float *to;
};
} // namespace

static void doubleRows(TamisHost *host, void *captures, int64_t begin, int64_t end, int64_t) {
  auto *rows = static_cast<Captures *>(captures);
  for (int64_t i = begin * 4; i < end * 4; ++i)
    rows->to[i] = 2 * rows->from[i];
  host->counters[TAMIS_COUNTER_TOKENS_COMPUTED] += end - begin;
}

// Two parallel regions over the rows, with a block between, and counters.
static void doubleTwice(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  int64_t rows = inputs[0].dims[0], bytes = rows * 16;
  auto *middle = static_cast<float *>(host->allocate(host, bytes));
  Captures first = {static_cast<const float *>(inputs[0].data), middle};
  host->parallel(host, doubleRows, &first, rows, 3, 0, rows * 4, bytes * 2);
  outputs[0] = inputs[0];
  outputs[0].data = host->allocate(host, bytes);
  Captures second = {middle, static_cast<float *>(outputs[0].data)};
  host->parallel(host, doubleRows, &second, rows, 3, 1, rows * 4, bytes * 2);
  host->release(host, middle);
  host->counters[TAMIS_COUNTER_TOKENS_IN] += rows;
}

static TamisContext *createContext(const TamisModel *model, const TamisContextOptions &options) {
  Error error;
  TamisContext *context;
  EXPECT_EQ(tamis_context_create(model, &options, &context, &error), TAMIS_OK) << error.message;
  return context;
}

static void expectFourfold(TamisContext *context, int64_t rows) {
  std::vector<float> data(size_t(rows) * 4);
  for (size_t i = 0; i < data.size(); ++i)
    data[i] = float(i);
  TamisValue input = floats({rows, 4}, data.data()), output;
  Error error;
  ASSERT_EQ(tamis_run(context, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
  ASSERT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK);
  ASSERT_EQ(output.dims[0], rows);
  for (size_t i = 0; i < data.size(); ++i)
    ASSERT_EQ(static_cast<const float *>(output.data)[i], 4 * float(i));
}

static TamisReport reportOf(const TamisContext *context) {
  TamisReport report = TAMIS_REPORT_INIT;
  EXPECT_EQ(tamis_context_report(context, &report, nullptr), TAMIS_OK);
  return report;
}

class ThreadsTest : public testing::TestWithParam<int32_t> {};

TEST_P(ThreadsTest, SizesInAnyOrder) {
  EmbeddedModel model(doubleTwice);
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.threads = GetParam();
  TamisContext *context = createContext(model.model, options);
  for (int round = 0; round < 2; ++round)
    for (int64_t rows : {1, 1000, 7, 200'000, 0, 64, 300'000}) {
      expectFourfold(context, rows);
      TamisReport report = reportOf(context);
      EXPECT_EQ(report.tokens_in, rows);
      EXPECT_EQ(report.tokens_computed, 2 * rows);
      EXPECT_EQ(report.threads, GetParam());
      EXPECT_EQ(report.arena_peak_bytes, 2 * std::max<int64_t>((rows * 16 + 63) / 64 * 64, 64));
      if (round)
        EXPECT_EQ(report.system_allocations, 0);
    }
  tamis_context_destroy(context);
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadsTest, testing::Values(1, 2, 5));

// Two layers of experts for each row, of 3 and 2 experts; the first sends all rows to its experts 0 and 2.
static void twoLayers(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  int64_t rows = inputs[0].dims[0];
  outputs[0] = inputs[0];
  int64_t first[] = {rows, 0, rows}, second[] = {0, 0};
  host->experts(host, 1, first, 3, rows, 3 * rows, nullptr, nullptr, 60, nullptr, 40);
  host->experts(host, -1, second, 2, 0, 0, nullptr, nullptr, 1 << 19, nullptr, 1 << 19);
}

TEST(Run, LayersOfExperts) {
  EmbeddedModel model(twoLayers);
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.threads = 2;
  TamisContext *context = createContext(model.model, options);
  EXPECT_EQ(tamis_context_experts(context, nullptr, 0), 0);
  EXPECT_EQ(tamis_context_experts(nullptr, nullptr, 0), 0);
  for (int64_t rows : {5, 7}) {
    std::vector<float> data(size_t(rows) * 4);
    TamisValue input = floats({rows, 4}, data.data());
    Error error;
    ASSERT_EQ(tamis_run(context, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
    ASSERT_EQ(tamis_context_experts(context, nullptr, 0), 2);
    TamisExpertLayer layers[3] = {};
    ASSERT_EQ(tamis_context_experts(context, layers, 1), 2);
    EXPECT_EQ(layers[1].name, nullptr);
    ASSERT_EQ(tamis_context_experts(context, layers, 3), 2);
    EXPECT_STRNE(layers[0].name, "");
    EXPECT_EQ(layers[0].experts, 3);
    EXPECT_EQ(layers[0].experts_touched, 2);
    EXPECT_EQ(layers[0].tokens, rows);
    EXPECT_EQ(layers[0].pairs, 2 * rows);
    EXPECT_EQ(layers[0].pairs_skipped, rows);
    EXPECT_EQ(layers[0].weight_bytes, 200);
    EXPECT_EQ(layers[0].pairs_of_expert[2], rows);
    EXPECT_STREQ(layers[1].name, "");
    EXPECT_EQ(layers[1].experts_touched, 0);
    EXPECT_EQ(layers[1].weight_bytes, 0);
    EXPECT_EQ(layers[1].pairs_of_expert[1], 0);
  }
  tamis_context_destroy(context);
}

static void threadEach(void *user, void (*task)(void *argument, int32_t thread), void *argument) {
  auto *pool = static_cast<TamisPool *>(user);
  std::vector<std::thread> threads;
  for (int32_t i = 1; i < pool->threads; ++i)
    threads.emplace_back(task, argument, i);
  task(argument, 0);
  for (std::thread &thread : threads)
    thread.join();
}

// A pool that does not keep its promise of a thread for each, but calls them all.
static void oneAfterTheOther(void *user, void (*task)(void *argument, int32_t thread), void *argument) {
  auto *pool = static_cast<TamisPool *>(user);
  for (int32_t i = 0; i < pool->threads; ++i)
    task(argument, i);
  task(argument, 1000);
  task(argument, -1);
}

TEST(Run, PoolOfTheCaller) {
  EmbeddedModel model(doubleTwice);
  for (auto run : {threadEach, oneAfterTheOther}) {
    TamisPool pool = {&pool, 3, run};
    TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
    options.pool = &pool;
    TamisContext *context = createContext(model.model, options);
    for (int64_t rows : {1, 1000, 50'000})
      expectFourfold(context, rows);
    EXPECT_EQ(reportOf(context).threads, 3);
    tamis_context_destroy(context);
  }
}

TEST(Run, ContextsOfOneModelAtOnce) {
  EmbeddedModel model(doubleTwice);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
      options.threads = 2;
      TamisContext *context = createContext(model.model, options);
      for (int64_t rows = 1; rows < 300; ++rows)
        expectFourfold(context, rows);
      tamis_context_destroy(context);
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST(Run, Profile) {
  EmbeddedModel model(doubleTwice);
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.profile = 1;
  TamisContext *context = createContext(model.model, options);
  for (int i = 0; i < 2; ++i) {
    expectFourfold(context, 100);
    TamisEvent events[2];
    EXPECT_EQ(tamis_context_events(context, nullptr, 0), 2);
    EXPECT_EQ(tamis_context_events(context, events, 1), 2);
    EXPECT_EQ(tamis_context_events(context, events, 2), 2);
    EXPECT_STREQ(events[0].name, "/layer/0");
    EXPECT_STREQ(events[1].kind, "test.second");
    EXPECT_EQ(events[1].flops, 400);
    EXPECT_EQ(events[1].bytes, 3200);
    EXPECT_LE(events[0].begin_ns, events[0].end_ns);
    EXPECT_LE(events[0].end_ns, events[1].begin_ns);
  }
  tamis_context_destroy(context);
}

TEST(Run, ReportOfAnOlderCaller) {
  EmbeddedModel model(doubleTwice);
  TamisContext *context = createContext(model.model, TAMIS_CONTEXT_OPTIONS_INIT);
  expectFourfold(context, 10);
  TamisReport report = TAMIS_REPORT_INIT;
  report.size = offsetof(TamisReport, arena_bytes);
  report.arena_bytes = -7;
  EXPECT_EQ(tamis_context_report(context, &report, nullptr), TAMIS_OK);
  EXPECT_EQ(report.tokens_in, 10);
  EXPECT_EQ(report.arena_bytes, -7);
  EXPECT_EQ(report.size, offsetof(TamisReport, arena_bytes));
  tamis_context_destroy(context);
}

TEST(Run, OwnOutputsAreNoInputs) {
  EmbeddedModel model(doubleTwice);
  TamisContext *context = createContext(model.model, TAMIS_CONTEXT_OPTIONS_INIT);
  expectFourfold(context, 10);
  TamisValue output;
  Error error;
  ASSERT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK);
  EXPECT_EQ(tamis_run(context, &output, 1, nullptr, &error), TAMIS_ERROR_USAGE);
  EXPECT_TRUE(error.mentions("copy it first")) << error.message;
  EXPECT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK) << "a refused run changes nothing";
  tamis_context_destroy(context);
}

static void nested(TamisHost *host, void *captures, int64_t begin, int64_t end, int64_t) {
  auto *outer = static_cast<Captures *>(captures);
  Captures inner = {outer->from + begin * 4, outer->to + begin * 4};
  host->parallel(host, doubleRows, &inner, end - begin, 1, 1, 0, 0);
}

static void nestedEntry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  outputs[0] = inputs[0];
  outputs[0].data = host->allocate(host, inputs[0].dims[0] * 16);
  Captures rows = {static_cast<const float *>(inputs[0].data), static_cast<float *>(outputs[0].data)};
  host->parallel(host, nested, &rows, inputs[0].dims[0], 2, 0, 0, 0);
  Captures again = {rows.to, rows.to};
  host->parallel(host, nested, &again, inputs[0].dims[0], 2, 0, 0, 0);
}

TEST(Run, RegionsWithinRegions) {
  EmbeddedModel model(nestedEntry);
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.threads = 2;
  TamisContext *context = createContext(model.model, options);
  for (int i = 0; i < 50; ++i)
    expectFourfold(context, 100);
  tamis_context_destroy(context);
}

static unsigned floatStateSeen;
static void floatStateEntry(TamisHost *, const TamisTensor *inputs, TamisTensor *outputs) {
  floatStateSeen = _mm_getcsr();
  outputs[0] = inputs[0];
}

TEST(Run, TheCallersFloatStateDoesNotMatterAndStays) {
  EmbeddedModel model(floatStateEntry);
  TamisContext *context = createContext(model.model, TAMIS_CONTEXT_OPTIONS_INIT);
  unsigned before = _mm_getcsr();
  _mm_setcsr(0xffc0); // flush to zero, denormals are zero, round to zero
  float data[4] = {};
  TamisValue input = floats({1, 4}, data);
  EXPECT_EQ(tamis_run(context, &input, 1, nullptr, nullptr), TAMIS_OK);
  EXPECT_EQ(_mm_getcsr(), 0xffc0u);
  _mm_setcsr(before);
  EXPECT_EQ(floatStateSeen, 0x1f80u);
  tamis_context_destroy(context);
}

static void wrongEntry(TamisHost *, const TamisTensor *inputs, TamisTensor *outputs) {
  outputs[0] = inputs[0];
  outputs[0].dims[1] = 5;
}
static void silentEntry(TamisHost *, const TamisTensor *, TamisTensor *outputs) { outputs[0].dims[0] = 1; }

TEST(Run, OutputsThatContradictTheSignature) {
  for (TamisEntry entry : {wrongEntry, silentEntry}) {
    EmbeddedModel model(entry);
    TamisContext *context = createContext(model.model, TAMIS_CONTEXT_OPTIONS_INIT);
    float data[4] = {};
    TamisValue input = floats({1, 4}, data), output;
    Error error;
    EXPECT_EQ(tamis_run(context, &input, 1, nullptr, &error), TAMIS_ERROR_ARTIFACT);
    EXPECT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_ERROR_USAGE);
    tamis_context_destroy(context);
  }
}

TEST(Run, OptionsOfAContext) {
  EmbeddedModel model(doubleTwice);
  Error error;
  TamisContext *context;
  auto refused = [&](auto change) {
    TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
    TamisPool pool = {nullptr, 2, threadEach};
    TamisAllocator allocator = {};
    change(options, pool, allocator);
    EXPECT_EQ(tamis_context_create(model.model, &options, &context, &error), TAMIS_ERROR_USAGE);
    EXPECT_EQ(context, nullptr);
  };
  refused([](auto &options, auto &, auto &) { options.size = 1; });
  refused([](auto &options, auto &, auto &) { options.threads = -1; });
  refused([](auto &options, auto &, auto &) { options.threads = 100'000; });
  refused([](auto &options, auto &, auto &allocator) { options.allocator = &allocator; });
  refused([](auto &options, auto &pool, auto &) { options.pool = &pool, pool.threads = 0; });
  refused([](auto &options, auto &pool, auto &) { options.pool = &pool, pool.run = nullptr; });
}
