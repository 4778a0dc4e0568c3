//===- LoadTest.cpp - Ways to load a model --------------------------------------------------------------===//
#include "Cpu.h"
#include "Hash.h"
#include "TestModel.h"
#include <cstdlib>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace tamis;
using namespace tamis::test;

// Runs the copying model and looks at what comes out.
static void expectCopies(const TamisModel *model) {
  Error error;
  TamisContext *context;
  ASSERT_EQ(tamis_context_create(model, nullptr, &context, &error), TAMIS_OK) << error.message;
  float data[12] = {1, 2, 3};
  TamisValue input = floats({3, 4}, data), output;
  ASSERT_EQ(tamis_run(context, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
  ASSERT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK) << error.message;
  EXPECT_EQ(output.data, data);
  EXPECT_EQ(output.type, TAMIS_F32);
  EXPECT_EQ(output.rank, 2);
  EXPECT_EQ(output.dims[0], 3);
  EXPECT_EQ(output.dims[1], 4);
  EXPECT_EQ(tamis_context_output(context, 1, &output, &error), TAMIS_ERROR_USAGE);
  tamis_context_destroy(context);
}

TEST(Load, File) {
  TemporaryFile file(copyFile());
  Error error;
  TamisModel *model;
  ASSERT_EQ(tamis_model_load(file.path.c_str(), nullptr, &model, &error), TAMIS_OK) << error.message;
  EXPECT_STREQ(tamis_model_isa(model), kIsa);
  EXPECT_EQ(tamis_model_mask_input(model), nullptr);
  EXPECT_EQ(tamis_model_input_count(model), 1);
  TamisSignature signature;
  ASSERT_EQ(tamis_model_input(model, 0, &signature, &error), TAMIS_OK);
  EXPECT_STREQ(signature.name, "x");
  EXPECT_EQ(signature.type, TAMIS_F32);
  EXPECT_EQ(signature.rank, 2);
  EXPECT_EQ(signature.dims[0].size, -1);
  EXPECT_STREQ(signature.dims[0].symbol, "batch");
  EXPECT_EQ(signature.dims[1].size, 4);
  EXPECT_STREQ(signature.dims[1].symbol, "");
  EXPECT_EQ(tamis_model_output(model, 1, &signature, &error), TAMIS_ERROR_USAGE);
  EXPECT_EQ(tamis_model_input(model, -1, &signature, &error), TAMIS_ERROR_USAGE);
  size_t bytes;
  EXPECT_NE(tamis_model_header(model, &bytes), nullptr);
  EXPECT_GT(bytes, 100u);
  expectCopies(model);
  tamis_model_destroy(model);
}

TEST(Load, FileByALink) {
  TemporaryFile file(copyFile());
  std::string link = file.folder + "/link";
  ASSERT_EQ(symlink("file", link.c_str()), 0);
  Error error;
  TamisModel *model;
  EXPECT_EQ(tamis_model_load(link.c_str(), nullptr, &model, &error), TAMIS_OK) << error.message;
  tamis_model_destroy(model);
  unlink(link.c_str());
}

TEST(Load, WhatIsNoFile) {
  TemporaryFile file({});
  Error error;
  TamisModel *model;
  EXPECT_EQ(tamis_model_load(file.path.c_str(), nullptr, &model, &error), TAMIS_ERROR_ARTIFACT);
  EXPECT_TRUE(error.mentions("is empty")) << error.message;
  EXPECT_EQ(tamis_model_load(file.folder.c_str(), nullptr, &model, &error), TAMIS_ERROR_SYSTEM);
  EXPECT_TRUE(error.mentions("not a regular file")) << error.message;
  std::string pipe = file.folder + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(tamis_model_load(pipe.c_str(), nullptr, &model, &error), TAMIS_ERROR_SYSTEM);
  unlink(pipe.c_str());
  EXPECT_EQ(model, nullptr);
}

TEST(Load, MemoryOfAnyAlignment) {
  std::vector<uint8_t> file = copyFile(), shifted(file.size() + 8192);
  auto start = reinterpret_cast<uintptr_t>(shifted.data());
  for (size_t shift : {(4096 - start % 4096) % 4096, (4096 - start % 4096) % 4096 + 1}) {
    memcpy(shifted.data() + shift, file.data(), file.size());
    Error error;
    TamisModel *model;
    ASSERT_EQ(tamis_model_load_memory(shifted.data() + shift, file.size(), nullptr, &model, &error), TAMIS_OK)
        << error.message;
    expectCopies(model);
    tamis_model_destroy(model);
  }
}

TEST(Load, OptionsOfAnotherSize) {
  std::vector<uint8_t> file = copyFile();
  Error error;
  TamisModel *model;
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  options.size = 0;
  EXPECT_EQ(tamis_model_load_memory(file.data(), file.size(), &options, &model, &error), TAMIS_ERROR_USAGE);
  options.size = sizeof(size_t); // an older caller: the level behind is not read
  options.isa = "nonsense";
  EXPECT_EQ(tamis_model_load_memory(file.data(), file.size(), &options, &model, &error), TAMIS_OK);
  tamis_model_destroy(model);
  struct {
    TamisModelOptions known = TAMIS_MODEL_OPTIONS_INIT;
    int64_t unknown = 1;
  } larger; // a newer caller
  larger.known.size = sizeof(larger);
  EXPECT_EQ(tamis_model_load_memory(file.data(), file.size(), &larger.known, &model, &error), TAMIS_OK);
  tamis_model_destroy(model);
}

TEST(Load, MessagesAreCutToFit) {
  struct {
    size_t size = sizeof(size_t) + 8;
    char message[16] = "xxxxxxxxxxxxxxx";
  } small;
  TamisModel *model;
  tamis_model_load("no such file", nullptr, &model, reinterpret_cast<TamisError *>(&small));
  EXPECT_STREQ(small.message, "cannot ");
  EXPECT_EQ(small.message[8], 'x');
}

TEST(Isa, ChoosesTheBestOrTheOneAskedFor) {
  std::vector<std::vector<uint8_t>> segments;
  Description description = copyDescription(segments);
  description.code = {
      {kIsa, 0, 4096, 4096}, {"x86-64-v4", 0, 4096, 4096}, {"from-the-future", 0, 4096, 4096}};
  std::vector<uint8_t> file = buildFile(description, segments);
  const char *best = isaRank("x86-64-v4") ? "x86-64-v4" : kIsa;
  Error error;
  TamisModel *model;
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  auto load = [&] { return tamis_model_load_memory(file.data(), file.size(), &options, &model, &error); };

  ASSERT_EQ(load(), TAMIS_OK) << error.message;
  EXPECT_STREQ(tamis_model_isa(model), best);
  tamis_model_destroy(model);

  options.isa = kIsa;
  ASSERT_EQ(load(), TAMIS_OK) << error.message;
  EXPECT_STREQ(tamis_model_isa(model), kIsa);
  tamis_model_destroy(model);

  options.isa = nullptr;
  setenv("TAMIS_ISA", kIsa, 1);
  ASSERT_EQ(load(), TAMIS_OK) << error.message;
  EXPECT_STREQ(tamis_model_isa(model), kIsa);
  tamis_model_destroy(model);
  setenv("TAMIS_ISA", "x86-64-v9", 1);
  EXPECT_EQ(load(), TAMIS_ERROR_CPU);
  EXPECT_TRUE(error.mentions("'x86-64-v9'") && error.mentions("is not known")) << error.message;
  unsetenv("TAMIS_ISA");

  options.isa = "from-the-future";
  EXPECT_EQ(load(), TAMIS_ERROR_CPU);
}

// The permission for tile registers holds for the whole process, so it is not for every program.
TEST(Isa, AsksForTilesOnlyForCodeWithThem) {
  char text[256];
  describeCpu(text, sizeof(text));
  isaRank("x86-64-v3");
  isaRank("x86-64-v4-bf16");
  constexpr int kGetPermission = 0x1022, kTileData = 18; // ARCH_GET_XCOMP_PERM, XFEATURE_XTILEDATA
  uint64_t granted = 0;
  if (syscall(SYS_arch_prctl, kGetPermission, &granted) != 0)
    GTEST_SKIP() << "this kernel knows no such permission";
  EXPECT_EQ(granted >> kTileData & 1, 0u);
}

TEST(Isa, SaysWhatIsThere) {
  std::vector<std::vector<uint8_t>> segments;
  Description description = copyDescription(segments);
  description.code[0].isa = "x86-64-v4";
  std::vector<uint8_t> file = buildFile(description, segments);
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  options.isa = kIsa;
  Error error;
  TamisModel *model;
  EXPECT_EQ(tamis_model_load_memory(file.data(), file.size(), &options, &model, &error), TAMIS_ERROR_CPU);
  EXPECT_TRUE(error.mentions("is not in the artifact") && error.mentions("x86-64-v4") && error.mentions(kIsa))
      << error.message;
  options.isa = nullptr;
  description.code[0].isa = "from-the-future";
  file = buildFile(description, segments);
  EXPECT_EQ(tamis_model_load_memory(file.data(), file.size(), &options, &model, &error), TAMIS_ERROR_CPU);
  EXPECT_TRUE(error.mentions("from-the-future")) << error.message;
}

static void copyEntry(TamisHost *, const TamisTensor *inputs, TamisTensor *outputs) {
  outputs[0] = inputs[0];
}

namespace {
class EmbeddedTest : public testing::Test {
protected:
  void SetUp() override {
    for (size_t i = 0; i < sizeof(weights); ++i)
      weights[i] = uint8_t(i);
    description.segments = {{1, 0, sizeof(weights), Hash::of(weights, sizeof(weights))}};
    rebuild();
  }
  void rebuild() {
    header = buildHeader(description);
    embedded = {sizeof(TamisEmbedded),
                header.data(),
                header.size(),
                weights,
                sizeof(weights),
                nullptr,
                isas,
                entries,
                1};
  }
  TamisStatus load(const char *folder = nullptr) {
    return tamis_model_load_embedded(&embedded, folder, nullptr, &model, &error);
  }
  void TearDown() override { tamis_model_destroy(model); }

  alignas(64) uint8_t weights[256];
  const char *isas[1] = {kIsa};
  void *entries[1] = {reinterpret_cast<void *>(copyEntry)};
  Description description;
  std::vector<uint8_t> header;
  TamisEmbedded embedded = {};
  TamisModel *model = nullptr;
  Error error;
};
} // namespace

TEST_F(EmbeddedTest, WeightsInside) {
  ASSERT_EQ(load(), TAMIS_OK) << error.message;
  EXPECT_STREQ(tamis_model_isa(model), kIsa);
  expectCopies(model);
}

TEST_F(EmbeddedTest, WeightsBeside) {
  TemporaryFile file({weights, weights + sizeof(weights)});
  embedded.weights = nullptr;
  embedded.weights_file = "file";
  ASSERT_EQ(load(file.folder.c_str()), TAMIS_OK) << error.message;
  expectCopies(model);
}

TEST_F(EmbeddedTest, OtherWeightsBeside) {
  weights[7] ^= 1;
  TemporaryFile changed({weights, weights + sizeof(weights)}), shorter({weights, weights + 255});
  embedded.weights = nullptr;
  embedded.weights_file = "file";
  EXPECT_EQ(load(changed.folder.c_str()), TAMIS_ERROR_ARTIFACT);
  EXPECT_TRUE(error.mentions("not those of this program")) << error.message;
  EXPECT_EQ(load(shorter.folder.c_str()), TAMIS_ERROR_ARTIFACT);
  EXPECT_TRUE(error.mentions("255 bytes instead of 256")) << error.message;
  EXPECT_EQ(load("no/such/folder"), TAMIS_ERROR_SYSTEM);
}

TEST_F(EmbeddedTest, PartsThatAreMissing) {
  auto refused = [&](auto change, TamisStatus expected) {
    rebuild();
    change();
    EXPECT_EQ(load(), expected) << error.message;
    EXPECT_EQ(model, nullptr);
  };
  refused([&] { embedded.weights = nullptr; }, TAMIS_ERROR_USAGE);
  refused([&] { embedded.weights_bytes = 255; }, TAMIS_ERROR_USAGE);
  refused([&] { embedded.weights = weights + 1; }, TAMIS_ERROR_USAGE);
  refused([&] { embedded.header = nullptr; }, TAMIS_ERROR_USAGE);
  refused([&] { embedded.header_bytes = 10; }, TAMIS_ERROR_ARTIFACT);
  refused([&] { embedded.header_bytes = SIZE_MAX; }, TAMIS_ERROR_ARTIFACT);
  refused([&] { embedded.code_count = 0; }, TAMIS_ERROR_USAGE);
  refused([&] { embedded.isas = nullptr; }, TAMIS_ERROR_USAGE);
  refused([&] { embedded.size = 0; }, TAMIS_ERROR_USAGE);
}
