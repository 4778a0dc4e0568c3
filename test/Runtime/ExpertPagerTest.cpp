//===- ExpertPagerTest.cpp - Experts within a budget ----------------------------------------------------===//
#include "ExpertPager.h"
#include "Mapping.h"
#include "TestModel.h"
#include <thread>

using namespace tamis;
using namespace tamis::test;

namespace {
constexpr size_t kInBytes = 8192, kOutBytes = 4096, kBytes = kInBytes + kOutBytes;
constexpr int64_t kExperts = 4;

/// A file with two layers of four experts each, and a pager for it.
class Paged {
public:
  explicit Paged(size_t budget) {
    Error error;
    EXPECT_EQ(mapping.mapFile(file.path.c_str(), &error), TAMIS_OK) << error.message;
    pager.begin(mapping.data, mapping.bytes, budget);
  }
  ~Paged() {
    pager.end();
    mapping.unmap();
  }
  bool bring(const std::vector<int64_t> &counts, int layer = 0, const int64_t *places = nullptr) {
    const uint8_t *begin = mapping.data + size_t(layer) * kExperts * kBytes;
    ExpertDemand demand = {counts.data(),
                           places,
                           int64_t(counts.size()),
                           {begin, kInBytes},
                           {begin + kExperts * kInBytes, kOutBytes}};
    traffic = {};
    return pager.bring(demand, traffic, needed);
  }
  void expect(int64_t hits, int64_t stalls, size_t resident) {
    EXPECT_EQ(traffic.hits, hits);
    EXPECT_EQ(traffic.stalls, stalls);
    EXPECT_EQ(traffic.stallBytes, stalls * int64_t(kBytes));
    EXPECT_EQ(traffic.stallNanoseconds > 0, stalls > 0);
    EXPECT_EQ(pager.residentBytes(), resident * kBytes);
  }

  std::vector<uint8_t> bytes = [] {
    std::vector<uint8_t> numbers(2 * kExperts * kBytes);
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = uint8_t(i * 31 + i / 4096);
    return numbers;
  }();
  TemporaryFile file{bytes};
  Mapping mapping = {};
  ExpertPager pager = {};
  ExpertTraffic traffic = {};
  size_t needed = 0;
};
} // namespace

TEST(ExpertPager, CountsWhatItFinds) {
  Paged paged(4 * kBytes);
  ASSERT_TRUE(paged.bring({1, 0, 7, 0}));
  paged.expect(0, 2, 2);
  EXPECT_EQ(paged.needed, 2 * kBytes);
  ASSERT_TRUE(paged.bring({2, 0, 0, 1}));
  paged.expect(1, 1, 3);
  ASSERT_TRUE(paged.bring({0, 0, 0, 0}));
  paged.expect(0, 0, 3);
}

TEST(ExpertPager, ThoseThatWereWantedLongestAgoGiveWay) {
  Paged paged(2 * kBytes);
  ASSERT_TRUE(paged.bring({1, 0, 0, 0}));
  ASSERT_TRUE(paged.bring({0, 1, 0, 0}));
  ASSERT_TRUE(paged.bring({1, 0, 0, 0}));
  paged.expect(1, 0, 2);
  // Of another layer: expert 1 of the first goes.
  ASSERT_TRUE(paged.bring({0, 0, 1, 0}, 1));
  paged.expect(0, 1, 2);
  ASSERT_TRUE(paged.bring({1, 0, 0, 0}));
  paged.expect(1, 0, 2);
  ASSERT_TRUE(paged.bring({0, 1, 0, 0}));
  paged.expect(0, 1, 2);
}

TEST(ExpertPager, KeepsWhatTheSameLayerWants) {
  Paged paged(2 * kBytes);
  ASSERT_TRUE(paged.bring({1, 0, 0, 0}));
  ASSERT_TRUE(paged.bring({0, 1, 0, 0}));
  // Expert 0 is the oldest, and wanted now.
  ASSERT_TRUE(paged.bring({1, 0, 1, 0}));
  paged.expect(1, 1, 2);
  ASSERT_TRUE(paged.bring({1, 0, 1, 0}));
  paged.expect(2, 0, 2);
}

TEST(ExpertPager, RefusesMoreThanTheBudget) {
  Paged paged(2 * kBytes + kBytes / 2);
  ASSERT_TRUE(paged.bring({1, 0, 0, 0}));
  EXPECT_FALSE(paged.bring({1, 1, 1, 0}));
  EXPECT_EQ(paged.needed, 3 * kBytes);
  paged.expect(0, 0, 1);
  ASSERT_TRUE(paged.bring({1, 1, 0, 0}));
  paged.expect(1, 1, 2);
}

TEST(ExpertPager, CountsAPlaceThatTwoShareOnce) {
  Paged paged(4 * kBytes);
  const int64_t places[] = {1, 1, 0, -1};
  ASSERT_TRUE(paged.bring({3, 4, 0, 0}, 0, places));
  paged.expect(0, 1, 1);
  ASSERT_TRUE(paged.bring({0, 1, 1, 0}, 0, places));
  paged.expect(1, 1, 2);
}

TEST(ExpertPager, LeavesAloneWhatIsNotInTheFile) {
  Paged paged(kBytes);
  std::vector<uint8_t> elsewhere(kExperts * kBytes);
  int64_t counts[kExperts] = {1, 1, 1, 1};
  for (const uint8_t *out : {static_cast<const uint8_t *>(elsewhere.data()),
                             paged.mapping.data + paged.mapping.bytes - kOutBytes}) {
    ExpertDemand demand = {counts, nullptr, kExperts, {paged.mapping.data, kInBytes}, {out, kOutBytes}};
    EXPECT_TRUE(paged.pager.bring(demand, paged.traffic, paged.needed));
    paged.expect(0, 0, 0);
  }
}

TEST(ExpertPager, BytesStayWhatTheyAre) {
  Paged paged(kBytes);
  for (int64_t expert : {0, 3, 1, 0, 2})
    for (int layer : {0, 1}) {
      std::vector<int64_t> counts(kExperts);
      counts[size_t(expert)] = 1;
      ASSERT_TRUE(paged.bring(counts, layer));
      paged.expect(0, 1, 1);
    }
  EXPECT_EQ(memcmp(paged.mapping.data, paged.bytes.data(), paged.bytes.size()), 0);
}

// Two threads whose experts never fit together.
TEST(ExpertPager, MayBeUsedByThreads) {
  Paged paged(2 * kBytes);
  auto ask = [&](int layer) {
    const uint8_t *begin = paged.mapping.data + size_t(layer) * kExperts * kBytes;
    ExpertTraffic traffic = {};
    for (int64_t i = 0; i < 200; ++i) {
      int64_t counts[kExperts] = {};
      counts[i % kExperts] = counts[(i * 3 + 1) % kExperts] = 1;
      size_t needed;
      ExpertDemand demand = {
          counts, nullptr, kExperts, {begin, kInBytes}, {begin + kExperts * kInBytes, kOutBytes}};
      EXPECT_TRUE(paged.pager.bring(demand, traffic, needed));
    }
    EXPECT_GT(traffic.stalls, 0);
  };
  std::thread other(ask, 1);
  ask(0);
  other.join();
  EXPECT_LE(paged.pager.residentBytes(), 2 * kBytes);
}

TEST(ExpertPager, NeedsAFile) {
  std::vector<uint8_t> file = copyFile();
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  options.resident_budget = 1 << 20;
  TamisModel *model;
  Error error;
  EXPECT_EQ(tamis_model_load_memory(file.data(), file.size(), &options, &model, &error), TAMIS_ERROR_USAGE);
  EXPECT_STREQ(error.message,
               "a resident budget needs weights in a file, and an artifact in memory has none there; load "
               "the artifact by its path, or emit the weights beside the object");
}

TEST(ExpertPager, AModelWithoutExpertsSaysSo) {
  TemporaryFile file(copyFile());
  std::string message;
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  options.resident_budget = 1 << 20;
  options.logger = [](void *user, TamisLogLevel level, const char *text) {
    if (level == TAMIS_LOG_WARNING)
      *static_cast<std::string *>(user) = text;
  };
  options.logger_user = &message;
  TamisModel *model;
  Error error;
  ASSERT_EQ(tamis_model_load(file.path.c_str(), &options, &model, &error), TAMIS_OK) << error.message;
  tamis_model_destroy(model);
  EXPECT_EQ(message, "the model has no layers of experts, so that a resident budget changes nothing");
}
