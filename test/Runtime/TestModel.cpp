//===- TestModel.cpp - Models made by hand for the tests ------------------------------------------------===//
#include "TestModel.h"
#include "Hash.h"
#include "Memory.h"
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

using namespace tamis;
using namespace tamis::test;

static auto buildTensors(flatbuffers::FlatBufferBuilder &builder, const std::vector<Spec> &specs) {
  std::vector<flatbuffers::Offset<schema::TensorSpec>> tensors;
  for (const Spec &spec : specs) {
    std::vector<flatbuffers::Offset<schema::Dimension>> dims;
    for (const Dim &dim : spec.dims)
      dims.push_back(schema::CreateDimensionDirect(builder, dim.size, dim.symbol.c_str(), dim.min, dim.max));
    tensors.push_back(schema::CreateTensorSpecDirect(builder, spec.name.c_str(),
                                                     static_cast<schema::ElementType>(spec.type), &dims));
  }
  return builder.CreateVector(tensors);
}

std::vector<uint8_t> test::buildHeader(const Description &description) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<schema::Segment>> segments;
  for (const SegmentSpec &segment : description.segments)
    segments.push_back(schema::CreateSegment(builder, static_cast<schema::SegmentKind>(segment.kind),
                                             segment.offset, segment.length, segment.hash));
  std::vector<flatbuffers::Offset<schema::CodeVariant>> code;
  for (const CodeSpec &variant : description.code)
    code.push_back(schema::CreateCodeVariantDirect(builder, variant.isa.c_str(), variant.segment,
                                                   variant.textOffset, variant.entryOffset));
  std::vector<flatbuffers::Offset<schema::Operation>> operations;
  for (const auto &[name, kind] : description.operations)
    operations.push_back(schema::CreateOperationDirect(builder, name.c_str(), kind.c_str()));
  std::vector<flatbuffers::Offset<schema::Weight>> weights;
  for (const WeightSpec &weight : description.weights)
    weights.push_back(schema::CreateWeightDirect(builder, weight.name.c_str(), weight.offset, weight.length));
  std::vector<flatbuffers::Offset<schema::Remark>> remarks;
  auto mask = description.maskInput.empty() ? 0 : builder.CreateString(description.maskInput);
  auto provenance = schema::CreateProvenanceDirect(builder, "0.1.0", "test.onnx");
  auto inputs = buildTensors(builder, description.inputs);
  auto outputs = buildTensors(builder, description.outputs);
  flatbuffers::Offset<schema::Decoder> decoder;
  if (description.decoder) {
    const DecoderSpec &spec = *description.decoder;
    std::vector<flatbuffers::Offset<schema::Cache>> caches;
    for (auto [input, output] : spec.caches)
      caches.push_back(schema::CreateCache(builder, input, output));
    decoder = schema::CreateDecoderDirect(
        builder, &caches, spec.ids, spec.mask, spec.positions, spec.logits, spec.vocabulary,
        spec.paddedBehind ? schema::PaddingSide::behind : schema::PaddingSide::front, spec.maxLength, true,
        spec.problem.c_str());
  }
  flatbuffers::Offset<schema::Policy> policy;
  if (description.policy) {
    std::vector<flatbuffers::Offset<schema::Setting>> settings;
    for (const PolicySpec::Setting &setting : description.policy->settings)
      settings.push_back(schema::CreateSettingDirect(builder, setting.name.c_str(), setting.dense,
                                                     setting.min, setting.max));
    std::vector<flatbuffers::Offset<schema::Step>> steps;
    for (const PolicySpec::Step &step : description.policy->steps)
      steps.push_back(schema::CreateStepDirect(builder, step.name.c_str(), &step.values));
    flatbuffers::Offset<schema::Promise> promise;
    if (auto &promised = description.policy->promise)
      promise = schema::CreatePromise(builder, static_cast<schema::Loss>(promised->loss), promised->output,
                                      promised->eps, promised->alpha, 0.05);
    policy = schema::CreatePolicyDirect(builder, &settings, &steps, description.policy->chosen,
                                        description.policy->certificate.c_str(), promise,
                                        description.policy->readsCache);
  }
  auto artifact = schema::CreateArtifact(builder, description.abi, builder.CreateString("test"), inputs,
                                         outputs, builder.CreateVector(segments), builder.CreateVector(code),
                                         builder.CreateVector(operations), builder.CreateVector(weights),
                                         provenance, builder.CreateVector(remarks), mask, 0, decoder, policy);
  schema::FinishArtifactBuffer(builder, artifact);
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::vector<uint8_t> test::buildFile(const Description &description,
                                     const std::vector<std::vector<uint8_t>> &segments) {
  std::vector<uint8_t> header = buildHeader(description);
  std::vector<uint8_t> file(sizeof(TamisArtifactPrefix) + header.size());
  memcpy(file.data() + sizeof(TamisArtifactPrefix), header.data(), header.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    size_t offset = description.segments[i].offset;
    file.resize(std::max(file.size(), offset + segments[i].size()));
    memcpy(file.data() + offset, segments[i].data(), segments[i].size());
  }
  TamisArtifactPrefix prefix = {};
  memcpy(prefix.magic, TAMIS_ARTIFACT_MAGIC, sizeof(prefix.magic));
  prefix.version = TAMIS_ARTIFACT_VERSION;
  prefix.prefix_bytes = sizeof(prefix);
  prefix.header_bytes = header.size();
  prefix.file_bytes = file.size();
  prefix.header_hash = Hash::of(header.data(), header.size());
  prefix.prefix_hash = Hash::of(&prefix, offsetof(TamisArtifactPrefix, prefix_hash));
  memcpy(file.data(), &prefix, sizeof(prefix));
  return file;
}

Description test::copyDescription(std::vector<std::vector<uint8_t>> &segments) {
  std::vector<uint8_t> code(TAMIS_ARTIFACT_PAGE, 0x90);
  // mov rdi, rdx; mov ecx, 9; rep movsq; ret: the nine words of a TamisTensor from rsi to rdx.
  for (uint8_t byte : {0x48, 0x89, 0xd7, 0xb9, 0x09, 0x00, 0x00, 0x00, 0xf3, 0x48, 0xa5, 0xc3})
    code.push_back(byte);
  std::vector<uint8_t> weights;
  for (uint8_t i = 0; i < 100; ++i)
    weights.push_back(uint8_t(i * 7 + 1));
  segments = {code, weights};

  Description description;
  description.segments = {{0, 4096, code.size(), Hash::of(code.data(), code.size())},
                          {1, 12288, weights.size(), Hash::of(weights.data(), weights.size())}};
  description.code = {{kIsa, 0, 4096, 4096}};
  description.weights = {{"w", 0, 64}, {"v", 64, 36}};
  return description;
}

std::vector<uint8_t> test::copyFile() {
  std::vector<std::vector<uint8_t>> segments;
  Description description = copyDescription(segments);
  return buildFile(description, segments);
}

TemporaryFile::TemporaryFile(const std::vector<uint8_t> &bytes) {
  const char *parent = getenv("TMPDIR");
  folder = std::string(parent && *parent ? parent : P_tmpdir) + "/tamis-XXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  path = folder + "/file";
  FILE *file = fopen(path.c_str(), "wb");
  EXPECT_NE(file, nullptr);
  EXPECT_EQ(fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  EXPECT_EQ(fclose(file), 0);
}

TemporaryFile::~TemporaryFile() {
  unlink(path.c_str());
  rmdir(folder.c_str());
}

EmbeddedModel::EmbeddedModel(TamisEntry entry, const Description &description)
    : header(buildHeader(description)) {
  static const char *const isas[] = {kIsa};
  void *entries[] = {reinterpret_cast<void *>(entry)};
  TamisEmbedded embedded = {
      sizeof(TamisEmbedded), header.data(), header.size(), nullptr, 0, nullptr, isas, entries, 1};
  Error error;
  EXPECT_EQ(tamis_model_load_embedded(&embedded, nullptr, nullptr, &model, &error), TAMIS_OK)
      << error.message;
}

TamisValue test::floats(const std::vector<int64_t> &dims, const void *data) {
  TamisValue value = {TAMIS_F32, int32_t(dims.size()), {}, data};
  for (size_t i = 0; i < dims.size(); ++i)
    value.dims[i] = dims[i];
  return value;
}
