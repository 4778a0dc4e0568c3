//===- TestModel.h - Models made by hand for the tests --------------------------------------------------===//
#ifndef TAMIS_TEST_RUNTIME_TESTMODEL_H
#define TAMIS_TEST_RUNTIME_TESTMODEL_H

#include "artifact_generated.h"
#include "tamis/artifact_format.h"
#include "tamis/code_abi.h"
#include "tamis/runtime.h"
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace tamis::test {

struct Dim {
  int64_t size;
  std::string symbol = "";
  int64_t min = 0, max = 0;
};

struct Spec {
  std::string name;
  int type;
  std::vector<Dim> dims;
};

struct SegmentSpec {
  int kind;
  uint64_t offset, length, hash;
};

struct CodeSpec {
  std::string isa;
  uint32_t segment;
  uint64_t textOffset, entryOffset;
};

struct WeightSpec {
  std::string name;
  uint64_t offset, length;
};

/// A decoder's part of a header: by default one cache, from input 2 to output 1.
struct DecoderSpec {
  std::vector<std::pair<uint32_t, uint32_t>> caches = {{2, 1}};
  int32_t ids = 0, mask = 1, positions = -1, logits = 0;
  int64_t vocabulary = 97, maxLength = 0;
  bool paddedBehind = false;
  std::string problem = "";
};

/// A header's policy: by default a setting from 0 to 1, and a step behind the dense one.
struct PolicySpec {
  struct Setting {
    std::string name;
    float dense = 1, min = 0, max = 1;
  };
  struct Step {
    std::string name;
    std::vector<float> values;
  };
  std::vector<Setting> settings = {{"share"}};
  std::vector<Step> steps = {{"dense", {1}}, {"half", {0.5F}}};
  uint32_t chosen = 1;
  struct Promise {
    uint8_t loss;
    uint32_t output;
    double eps, alpha;
  };
  std::optional<Promise> promise = std::nullopt;
  std::string certificate = {}; // JSON
  bool readsCache = false;
};

/// All of a header. The default is a model with one input x: f32[batch, 4] and one output of its type,
/// without code and weights.
struct Description {
  uint32_t abi = TAMIS_CODE_ABI_VERSION;
  std::vector<Spec> inputs = {{"x", TAMIS_F32, {{-1, "batch"}, {4}}}};
  std::vector<Spec> outputs = {{"y", TAMIS_F32, {{-1, "batch"}, {4}}}};
  std::vector<SegmentSpec> segments;
  std::vector<CodeSpec> code;
  std::vector<std::pair<std::string, std::string>> operations = {{"/layer/0", "test.first"},
                                                                 {"/layer/1", "test.second"}};
  std::vector<WeightSpec> weights;
  std::string maskInput;
  std::optional<DecoderSpec> decoder;
  std::optional<PolicySpec> policy;
};

/// The FlatBuffers header.
std::vector<uint8_t> buildHeader(const Description &description);

/// A file: prefix, header, and the bytes of the segments at the offsets that the description gives.
std::vector<uint8_t> buildFile(const Description &description,
                               const std::vector<std::vector<uint8_t>> &segments);

/// The default model with x86-64 code that copies input tensor 0 into output tensor 0, and 100 bytes of
/// weights: description and file.
Description copyDescription(std::vector<std::vector<uint8_t>> &segments);
std::vector<uint8_t> copyFile();

/// A path in a fresh folder that is removed with the object.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::vector<uint8_t> &bytes);
  ~TemporaryFile();
  std::string folder, path;
};

/// A model whose code is a function of the test. Aborts the test when it is refused.
class EmbeddedModel {
public:
  explicit EmbeddedModel(TamisEntry entry, const Description &description = {});
  ~EmbeddedModel() { tamis_model_destroy(model); }
  TamisModel *model = nullptr;

private:
  std::vector<uint8_t> header;
};

/// The lowest ISA level, which every machine that builds Tamis has.
inline constexpr const char *kIsa = "x86-64-v3";

/// A value of f32 type.
TamisValue floats(const std::vector<int64_t> &dims, const void *data);

struct Error : TamisError {
  Error() : TamisError(TAMIS_ERROR_INIT) {}
  bool mentions(const char *text) const { return std::string(message).find(text) != std::string::npos; }
};

} // namespace tamis::test

#endif
