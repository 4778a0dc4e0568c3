//===- CacheTest.cpp - Runs with a context's caches
//---------------------------------------------------------===//
#include "DecoderModel.h"
#include <algorithm>

using namespace tamis::test;

namespace {
/// A context of the decoder.
struct Decoder {
  explicit Decoder(const Description &description = decoderDescription(), TamisEntry entry = decoderEntry)
      : model(entry, description) {
    TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
    options.threads = 1;
    EXPECT_EQ(tamis_context_create(model.model, &options, &context, &error), TAMIS_OK) << error.message;
  }
  ~Decoder() { tamis_context_destroy(context); }

  /// Runs on `ids`, side by side; `padding` are elements of the mask that are 0.
  TamisStatus run(const std::vector<std::vector<int64_t>> &ids, bool usesCache, int64_t past = 0,
                  const float *rows = nullptr, const int64_t *wanted = nullptr,
                  const std::vector<int64_t> &padding = {}) {
    auto batch = int64_t(ids.size()), fresh = int64_t(ids[0].size());
    int64_t total = (usesCache ? tamis_cache_length(context) : past) + fresh;
    std::vector<int64_t> flat, mask(size_t(batch * total), 1);
    for (int64_t at : padding)
      mask[size_t(at)] = 0;
    for (const std::vector<int64_t> &sequence : ids)
      flat.insert(flat.end(), sequence.begin(), sequence.end());
    TamisValue inputs[3] = {{TAMIS_I64, 2, {batch, fresh}, flat.data()},
                            {TAMIS_I64, 2, {batch, total}, mask.data()},
                            floats({batch, 2, past, 3}, rows)};
    if (usesCache)
      inputs[2] = {};
    TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
    options.use_cache = usesCache;
    options.wanted_rows = wanted;
    return tamis_run(context, inputs, 3, &options, &error);
  }
  /// The tokens of the greatest logits of the last run, by sequence and row.
  std::vector<int64_t> greatest() {
    TamisValue logits;
    EXPECT_EQ(tamis_context_output(context, 0, &logits, &error), TAMIS_OK) << error.message;
    std::vector<int64_t> result;
    const auto *data = static_cast<const float *>(logits.data);
    for (int64_t i = 0; i < logits.dims[0] * logits.dims[1]; ++i, data += kVocabulary)
      result.push_back(std::max_element(data, data + kVocabulary) - data);
    return result;
  }

  EmbeddedModel model;
  TamisContext *context = nullptr;
  Error error;
};
} // namespace

TEST(Cache, AddsUpRunsWithoutPast) {
  Decoder decoder;
  ASSERT_EQ(decoder.run({{4, 8, 15}, {16, 23, 42}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest(),
            (std::vector<int64_t>{nextToken({4}), nextToken({4, 8}), nextToken({4, 8, 15}), nextToken({16}),
                                  nextToken({16, 23}), nextToken({16, 23, 42})}));
  EXPECT_EQ(tamis_cache_length(decoder.context), 3);
  ASSERT_EQ(decoder.run({{9}, {10}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest(),
            (std::vector<int64_t>{nextToken({4, 8, 15, 9}), nextToken({16, 23, 42, 10})}));
  // What lies in the cache is no output.
  TamisValue present;
  EXPECT_EQ(tamis_context_output(decoder.context, 1, &present, &decoder.error), TAMIS_ERROR_USAGE);
  EXPECT_TRUE(decoder.error.mentions("use_cache"));
}

TEST(Cache, IsLeftAloneByARunOfTheModelAsItIs) {
  Decoder decoder;
  ASSERT_EQ(decoder.run({{1, 2}}, true), TAMIS_OK) << decoder.error.message;
  float past[2 * 2 * 3] = {7, 7, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8};
  ASSERT_EQ(decoder.run({{9}}, false, 2, past), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken({7, 8, 9})}));
  TamisValue present;
  ASSERT_EQ(tamis_context_output(decoder.context, 1, &present, &decoder.error), TAMIS_OK);
  EXPECT_EQ(present.dims[2], 3);
  EXPECT_EQ(static_cast<const float *>(present.data)[8], 9);
  ASSERT_EQ(decoder.run({{3}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken({1, 2, 3})}));
}

TEST(Cache, ReadsNoPartOfOneWithPaddingAmongItsRows) {
  Description description = decoderDescription();
  description.policy.emplace();
  description.policy->settings = {{"rows", 1 << 24, 1, 1 << 24}};
  description.policy->steps = {{"dense", {1 << 24}}, {"near", {4}}, {"far", {8}}};
  description.policy->readsCache = true;
  Decoder decoder(description);
  auto runAt = [&](int32_t step, const std::vector<int64_t> &padding) {
    EXPECT_EQ(tamis_context_set_step(decoder.context, step, &decoder.error), TAMIS_OK);
    return decoder.run({{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}, false, 0, nullptr, nullptr, padding);
  };
  EXPECT_EQ(runAt(1, {}), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(runAt(1, {0, 1, 5}), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(runAt(1, {0, 1, 2, 3, 4}), TAMIS_OK) << decoder.error.message; // a row that is nobody's
  for (int64_t at : {6, 9}) {
    EXPECT_EQ(runAt(1, {5, at}), at == 6 ? TAMIS_OK : TAMIS_ERROR_INPUT);
    EXPECT_EQ(runAt(1, {at}), TAMIS_ERROR_INPUT);
    EXPECT_TRUE(decoder.error.mentions("sequence 1 has padding behind or among its tokens"));
    EXPECT_EQ(runAt(0, {at}), TAMIS_OK) << decoder.error.message;
    EXPECT_EQ(runAt(2, {at}), TAMIS_OK) << decoder.error.message; // all rows are read
  }
}

TEST(Cache, GrowsWithoutLosingRows) {
  Decoder decoder;
  std::vector<int64_t> first = {11}, second = {12};
  for (int64_t step = 0; step < 300; ++step) {
    ASSERT_EQ(decoder.run({{first.back()}, {second.back()}}, true), TAMIS_OK) << decoder.error.message;
    std::vector<int64_t> next = {nextToken(first), nextToken(second)};
    ASSERT_EQ(decoder.greatest(), next) << "step " << step;
    first.push_back(next[0]);
    second.push_back(next[1]);
  }
}

TEST(Cache, ReservesWithoutLosingRoom) {
  Decoder decoder;
  std::vector<int64_t> tokens = {11};
  auto step = [&] {
    ASSERT_EQ(decoder.run({{tokens.back()}}, true), TAMIS_OK) << decoder.error.message;
    ASSERT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken(tokens)}));
    tokens.push_back(nextToken(tokens));
  };
  auto bytes = [&] {
    TamisReport report = TAMIS_REPORT_INIT;
    EXPECT_EQ(tamis_context_report(decoder.context, &report, nullptr), TAMIS_OK);
    return report.cache_bytes;
  };
  EXPECT_EQ(bytes(), 0);
  for (int i = 0; i < 200; ++i)
    step();
  // More sequences, of fewer rows than are in use; fewer of both.
  ASSERT_EQ(tamis_cache_reserve(decoder.context, 3, 10, &decoder.error), TAMIS_OK);
  int64_t reserved = bytes();
  EXPECT_EQ(reserved, 3 * 2 * 256 * 3 * int64_t(sizeof(float)));
  ASSERT_EQ(tamis_cache_reserve(decoder.context, 1, 1, &decoder.error), TAMIS_OK);
  EXPECT_EQ(bytes(), reserved);
  for (int i = 0; i < 100; ++i)
    step();
  // What grows for the rows of one keeps the room of three.
  EXPECT_EQ(bytes(), 2 * reserved);
  ASSERT_EQ(tamis_cache_truncate(decoder.context, 0, &decoder.error), TAMIS_OK);
  ASSERT_EQ(decoder.run({{1, 2}, {3, 4}, {5, 6}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest()[5], nextToken({5, 6}));
  EXPECT_EQ(bytes(), 2 * reserved);
}

TEST(Cache, IsCutAndBegunAnew) {
  Decoder decoder;
  ASSERT_EQ(decoder.run({{1, 2, 3}}, true), TAMIS_OK);
  ASSERT_EQ(tamis_cache_truncate(decoder.context, 1, &decoder.error), TAMIS_OK);
  ASSERT_EQ(decoder.run({{5}}, true), TAMIS_OK);
  EXPECT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken({1, 5})}));
  EXPECT_EQ(tamis_cache_truncate(decoder.context, 3, &decoder.error), TAMIS_ERROR_USAGE);
  EXPECT_EQ(tamis_cache_truncate(decoder.context, -1, &decoder.error), TAMIS_ERROR_USAGE);
  // Sequences of another number need new caches.
  EXPECT_EQ(decoder.run({{5}, {6}}, true), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(decoder.error.mentions("2 sequences were given, but the context's caches hold 1"));
  EXPECT_EQ(tamis_cache_length(decoder.context), 2);
  ASSERT_EQ(tamis_cache_truncate(decoder.context, 0, &decoder.error), TAMIS_OK);
  ASSERT_EQ(decoder.run({{5}, {6}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken({5}), nextToken({6})}));
}

TEST(Cache, GivesTheWantedRows) {
  Decoder decoder;
  int64_t rows[] = {1, 0};
  ASSERT_EQ(decoder.run({{4, 8, 15}, {16, 23, 42}}, true, 0, nullptr, rows), TAMIS_OK)
      << decoder.error.message;
  EXPECT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken({4, 8}), nextToken({16})}));
  int64_t wrong[] = {0, 3};
  EXPECT_EQ(decoder.run({{4, 8, 15}, {16, 23, 42}}, true, 0, nullptr, wrong), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(decoder.error.mentions("row 3 of sequence 1 was asked for; it has 3"));
}

TEST(Cache, EndsAtTheModelsLength) {
  Description description = decoderDescription();
  description.decoder->maxLength = 4;
  Decoder decoder(description);
  ASSERT_EQ(decoder.run({{1, 2, 3}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.run({{4, 5}}, true), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(decoder.error.mentions("longer than the model's caches"));
  EXPECT_EQ(tamis_cache_length(decoder.context), 3);
  ASSERT_EQ(decoder.run({{6}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(decoder.greatest(), (std::vector<int64_t>{nextToken({1, 2, 3, 6})}));
  EXPECT_EQ(tamis_cache_reserve(decoder.context, 1, 5, &decoder.error), TAMIS_ERROR_INPUT);
  EXPECT_EQ(tamis_cache_reserve(decoder.context, 0, 2, &decoder.error), TAMIS_ERROR_USAGE);
  EXPECT_EQ(tamis_cache_reserve(decoder.context, 1, 4, &decoder.error), TAMIS_OK);
}

/// The decoder, which counts the runs that the memory beside its caches has seen: rows as its cache, and as
/// many bytes as sequences.
static int64_t runsSeen, wasKept;
static void countingEntry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  decoderEntry(host, inputs, outputs);
  TamisCacheRows first, place;
  host->keep(host, 1, outputs[1].dims[2], inputs[0].dims[0] * 8, &first);
  host->keep(host, 0, outputs[1].dims[2] * 100, inputs[0].dims[0] * 8, &place);
  auto *runs = static_cast<int64_t *>(place.data);
  wasKept = place.kept;
  runsSeen = place.kept ? ++runs[0] : 0;
  // What is beside it is another's.
  static_cast<int64_t *>(first.data)[0] = -1;
  // Rows are zeros where nobody wrote.
  for (int64_t i = 1; place.kept && i < outputs[1].dims[2] * 100 * inputs[0].dims[0]; ++i)
    EXPECT_EQ(runs[i], 0);
}

TEST(Cache, HasMemoryBeside) {
  Decoder decoder(decoderDescription(), countingEntry);
  for (int64_t run = 1; run <= 80; ++run) {
    ASSERT_EQ(decoder.run({{1}}, true), TAMIS_OK) << decoder.error.message;
    EXPECT_EQ(runsSeen, run);
  }
  TamisReport report = TAMIS_REPORT_INIT;
  ASSERT_EQ(tamis_context_report(decoder.context, &report, &decoder.error), TAMIS_OK);
  EXPECT_GE(report.cache_bytes, 80 * 100 * 8);
  // A run of the model as it is has memory of its own.
  float past[2 * 3] = {7, 7, 7, 8, 8, 8};
  ASSERT_EQ(decoder.run({{9}}, false, 1, past), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(wasKept, 0);
  ASSERT_EQ(decoder.run({{1}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(runsSeen, 81);
  // Rows of another size begin anew.
  ASSERT_EQ(tamis_cache_truncate(decoder.context, 0, &decoder.error), TAMIS_OK);
  ASSERT_EQ(decoder.run({{1}, {2}}, true), TAMIS_OK) << decoder.error.message;
  EXPECT_EQ(runsSeen, 1);
}

TEST(Cache, IsRefusedByAModelWithout) {
  Description description = decoderDescription();
  description.decoder.reset();
  Decoder decoder(description);
  EXPECT_EQ(decoder.run({{1}}, true), TAMIS_ERROR_USAGE);
  EXPECT_TRUE(decoder.error.mentions("the model has no caches"));
  EXPECT_EQ(tamis_cache_reserve(decoder.context, 1, 1, &decoder.error), TAMIS_ERROR_USAGE);
  EXPECT_EQ(tamis_cache_length(decoder.context), 0);
  EXPECT_EQ(tamis_cache_length(nullptr), 0);
}
