//===- ArtifactTest.cpp - Damaged and wrong artifacts ---------------------------------------------------===//
#include "DecoderModel.h"
#include "Hash.h"
#include "Memory.h"
#include <functional>

using namespace tamis;
using namespace tamis::test;

namespace {
/// Memory on a page, so that loading takes it in place.
class Page {
public:
  explicit Page(size_t bytes) : bytes(bytes) {
    TamisAllocator allocator = defaultAllocator();
    data = static_cast<uint8_t *>(allocator.allocate(nullptr, bytes, 4096));
  }
  ~Page() { defaultAllocator().release(nullptr, data, bytes, 4096); }
  uint8_t *data;
  size_t bytes;
};
} // namespace

static TamisStatus load(const uint8_t *data, size_t bytes, Error &error, bool skipWeightHash = false) {
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  options.skip_weight_hash = skipWeightHash;
  TamisModel *model;
  TamisStatus status = tamis_model_load_memory(data, bytes, &options, &model, &error);
  EXPECT_EQ(model != nullptr, status == TAMIS_OK);
  tamis_model_destroy(model);
  return status;
}

TEST(Artifact, EveryTruncationIsRefused) {
  std::vector<uint8_t> file = copyFile();
  Error error;
  ASSERT_EQ(load(file.data(), file.size(), error), TAMIS_OK) << error.message;
  for (size_t bytes = 0; bytes < file.size(); ++bytes) {
    // A copy of just that size, so that a sanitizer sees a read behind it.
    std::vector<uint8_t> part(file.begin(), file.begin() + long(bytes));
    part.shrink_to_fit();
    TamisStatus status = load(part.data(), bytes, error);
    EXPECT_EQ(status, bytes == 0 ? TAMIS_ERROR_USAGE : TAMIS_ERROR_ARTIFACT) << bytes;
  }
}

TEST(Artifact, EveryFlippedByteIsRefused) {
  std::vector<uint8_t> file = copyFile();
  Page page(file.size());
  memcpy(page.data, file.data(), file.size());
  Error error;
  for (size_t i = 0; i < file.size(); ++i)
    for (int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      page.data[i] ^= uint8_t(flip);
      EXPECT_EQ(load(page.data, file.size(), error), TAMIS_ERROR_ARTIFACT) << i;
      page.data[i] ^= uint8_t(flip);
    }
  EXPECT_EQ(load(page.data, file.size(), error), TAMIS_OK) << error.message;
}

TEST(Artifact, WithoutTheWeightHashOnlyWeightsMayDiffer) {
  std::vector<uint8_t> file = copyFile();
  Error error;
  for (size_t i = 0; i < file.size(); ++i) {
    file[i] ^= 255;
    TamisStatus expected = i >= 12288 ? TAMIS_OK : TAMIS_ERROR_ARTIFACT;
    EXPECT_EQ(load(file.data(), file.size(), error, true), expected) << i;
    file[i] ^= 255;
  }
}

// The header's own bytes, flipped with right hashes around them: the checks behind the hashes must hold.
TEST(Artifact, DamagedHeadersWithRightHashesDoNotCrash) {
  std::vector<uint8_t> file = copyFile();
  TamisArtifactPrefix prefix;
  memcpy(&prefix, file.data(), sizeof(prefix));
  Error error;
  for (size_t i = sizeof(prefix); i < sizeof(prefix) + prefix.header_bytes; ++i)
    for (int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::vector<uint8_t> damaged = file;
      damaged[i] ^= uint8_t(flip);
      TamisArtifactPrefix changed = prefix;
      changed.header_hash = Hash::of(damaged.data() + sizeof(prefix), prefix.header_bytes);
      changed.prefix_hash = Hash::of(&changed, offsetof(TamisArtifactPrefix, prefix_hash));
      memcpy(damaged.data(), &changed, sizeof(changed));
      TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
      TamisModel *model;
      TamisStatus status = tamis_model_load_memory(damaged.data(), damaged.size(), &options, &model, &error);
      EXPECT_TRUE(status == TAMIS_OK || status == TAMIS_ERROR_ARTIFACT || status == TAMIS_ERROR_CPU);
      for (int32_t index = 0; index < tamis_model_input_count(model); ++index) {
        TamisSignature signature;
        EXPECT_EQ(tamis_model_input(model, index, &signature, &error), TAMIS_OK);
        EXPECT_LT(strlen(signature.name), prefix.header_bytes);
      }
      tamis_model_destroy(model);
    }
}

TEST(Artifact, ImpossibleHeadersAreRefused) {
  using Change = std::function<void(Description &)>;
  std::pair<const char *, Change> changes[] = {
      {"code interface", [](Description &d) { d.abi = 99; }},
      {"element type", [](Description &d) { d.inputs[0].type = 8; }},
      {"element type", [](Description &d) { d.outputs[0].type = 0; }},
      {"dimensions", [](Description &d) { d.inputs[0].dims.resize(9, {1}); }},
      {"size", [](Description &d) { d.inputs[0].dims[1].size = -2; }},
      {"size", [](Description &d) { d.outputs[0].dims[1].size = INT64_MAX; }},
      {"bounds", [](Description &d) { d.inputs[0].dims[0].min = -1; }},
      {"bounds", [](Description &d) { d.inputs[0].dims[0] = {-1, "n", 5, 4}; }},
      {"too many inputs", [](Description &d) { d.inputs.resize(4097, d.inputs[0]); }},
      {"mask", [](Description &d) { d.maskInput = "z"; }},
      {"does not exist", [](Description &d) { d.code[0].segment = 2; }},
      {"another kind", [](Description &d) { d.code[0].segment = 1; }},
      {"executable part", [](Description &d) { d.code[0].textOffset = 4097; }},
      {"executable part", [](Description &d) { d.code[0].textOffset = 8192; }},
      {"entry", [](Description &d) { d.code[0].entryOffset = 4095; }},
      {"entry", [](Description &d) { d.code[0].entryOffset = 4108; }},
      {"entry", [](Description &d) { d.code[0].entryOffset = UINT64_MAX; }},
      {"no code", [](Description &d) { d.code.clear(); }},
      {"unknown kind", [](Description &d) { d.segments[1].kind = 7; }},
      {"two weight", [](Description &d) { d.segments.push_back(d.segments[1]); }},
      {"outside the weight", [](Description &d) { d.weights[1].length = 37; }},
      {"outside the weight", [](Description &d) { d.weights[1].offset = UINT64_MAX; }},
      {"place", [](Description &d) { d.segments[0].offset = 0; }},
      {"place", [](Description &d) { d.segments[0].offset = 4097; }},
      {"place", [](Description &d) { d.segments[1].offset = 4096; }},
      {"place", [](Description &d) { d.segments[1].offset = 16384; }},
      {"place", [](Description &d) { d.segments[1].offset = UINT64_MAX - 4095; }},
      {"place", [](Description &d) { d.segments[1].length = 101; }},
      {"place", [](Description &d) { d.segments[0].length = UINT64_MAX; }},
      {"not empty", [](Description &d) { d.segments[0].length = 4104; }},
      {"something follows", [](Description &d) { d.segments[1].length = 99, d.weights.clear(); }},
  };
  for (auto &[reason, change] : changes) {
    std::vector<std::vector<uint8_t>> segments;
    Description description = copyDescription(segments);
    Description right = description;
    change(description);
    // Hashes that suit what is said, wherever it still lies in the file, and bytes where they were.
    std::vector<uint8_t> header = buildHeader(description);
    if (header.size() + 64 > 4096)
      for (SegmentSpec &segment : description.segments)
        right.segments[size_t(&segment - description.segments.data())].offset = segment.offset +=
            roundUp(header.size() + 64, 4096) - 4096;
    std::vector<uint8_t> file = buildFile(right, segments);
    for (SegmentSpec &segment : description.segments)
      if (segment.offset <= file.size() && segment.length <= file.size() - segment.offset)
        segment.hash = Hash::of(file.data() + segment.offset, segment.length);
    header = buildHeader(description);
    file.resize(std::max(file.size(), header.size() + 64));
    TamisArtifactPrefix prefix;
    memcpy(&prefix, file.data(), sizeof(prefix));
    memset(file.data() + sizeof(prefix), 0, prefix.header_bytes);
    memcpy(file.data() + sizeof(prefix), header.data(), header.size());
    prefix.header_bytes = header.size();
    prefix.file_bytes = file.size();
    prefix.header_hash = Hash::of(header.data(), header.size());
    prefix.prefix_hash = Hash::of(&prefix, offsetof(TamisArtifactPrefix, prefix_hash));
    memcpy(file.data(), &prefix, sizeof(prefix));
    Error error;
    EXPECT_EQ(load(file.data(), file.size(), error), TAMIS_ERROR_ARTIFACT) << reason;
    EXPECT_TRUE(error.mentions(reason)) << reason << ": " << error.message;
  }
}

TEST(Artifact, ImpossibleDecodersAreRefused) {
  using Change = std::function<void(Description &)>;
  std::pair<const char *, Change> changes[] = {
      {"a cache is none of", [](Description &d) { d.decoder->caches[0].first = 3; }},
      {"a cache is none of", [](Description &d) { d.decoder->caches[0].second = 2; }},
      {"impossible type", [](Description &d) { d.decoder->caches[0] = {0, 0}; }},
      {"impossible type", [](Description &d) { d.inputs[2].dims[1] = {-1, "heads"}; }},
      {"impossible type", [](Description &d) { d.outputs[1].dims[3] = {4}; }},
      {"impossible type", [](Description &d) { d.outputs[1].type = TAMIS_F16; }},
      {"impossible type", [](Description &d) { d.inputs[2].dims[2] = {5}; }},
      {"two of its caches are one",
       [](Description &d) { d.decoder->caches.push_back(d.decoder->caches[0]); }},
      {"a role of its decoder", [](Description &d) { d.decoder->mask = 3; }},
      {"a role of its decoder", [](Description &d) { d.decoder->ids = -2; }},
      {"impossible rank", [](Description &d) { d.decoder->positions = 2; }},
      {"its logits are none", [](Description &d) { d.decoder->logits = 2; }},
      {"impossible shape", [](Description &d) { d.decoder->logits = 1; }},
      {"impossible shape", [](Description &d) { d.decoder->vocabulary = 96; }},
      {"impossible length", [](Description &d) { d.decoder->maxLength = -1; }},
      {"lacks ids, logits or caches", [](Description &d) { d.decoder->ids = -1; }},
      {"lacks ids, logits or caches", [](Description &d) { d.decoder->caches.clear(); }},
  };
  static const char *const isas[] = {kIsa};
  void *entries[] = {reinterpret_cast<void *>(decoderEntry)};
  auto load = [&](const Description &description, Error &error) {
    std::vector<uint8_t> header = buildHeader(description);
    TamisEmbedded embedded = {
        sizeof(TamisEmbedded), header.data(), header.size(), nullptr, 0, nullptr, isas, entries, 1};
    TamisModel *model;
    TamisStatus status = tamis_model_load_embedded(&embedded, nullptr, nullptr, &model, &error);
    tamis_model_destroy(model);
    return status;
  };
  Error none;
  EXPECT_EQ(load(decoderDescription(), none), TAMIS_OK) << none.message;
  for (auto &[reason, change] : changes) {
    Description description = decoderDescription();
    change(description);
    Error error;
    EXPECT_EQ(load(description, error), TAMIS_ERROR_ARTIFACT) << reason;
    EXPECT_TRUE(error.mentions(reason)) << reason << ": " << error.message;
  }
}

TEST(Artifact, OtherFilesAreNamed) {
  Error error;
  std::vector<uint8_t> text(5000, 'a');
  EXPECT_EQ(load(text.data(), text.size(), error), TAMIS_ERROR_ARTIFACT);
  EXPECT_TRUE(error.mentions("no Tamis artifact")) << error.message;
  std::vector<uint8_t> file = copyFile();
  file[8] = TAMIS_ARTIFACT_VERSION + 1;
  EXPECT_EQ(load(file.data(), file.size(), error), TAMIS_ERROR_ARTIFACT);
  EXPECT_TRUE(
      error.mentions(("version " + std::to_string(TAMIS_ARTIFACT_VERSION + 1) + " of the format").c_str()))
      << error.message;
}
