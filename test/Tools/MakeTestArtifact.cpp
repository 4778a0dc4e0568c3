//===- MakeTestArtifact.cpp - Writes an artifact for the tests of the tools ----------------===//
//
// usage: tamis-make-test-artifact OUT ISA...
//
// A model that needs no compiler: see Inputs/test-model-code.c. Every ISA level gets the same code.
//
//===--------------------------------------------------------------------------------------------===//

#include "artifact_generated.h"
#include "runtime/src/Hash.h"
#include "tamis/artifact_format.h"
#include "tamis/code_abi.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

// The section of the model's code, by the names that the linker gives its ends.
extern "C" const char __start_tamis_image[], __stop_tamis_image[];
extern "C" void tamisTestEntry(TamisHost *, const TamisTensor *, TamisTensor *);

namespace {

using namespace tamis;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

size_t pages(size_t bytes) {
  return (bytes + TAMIS_ARTIFACT_PAGE - 1) / TAMIS_ARTIFACT_PAGE * TAMIS_ARTIFACT_PAGE;
}

Offset<schema::TensorSpec> spec(FlatBufferBuilder &builder, const char *name, schema::ElementType type,
                                int64_t width) {
  std::vector<Offset<schema::Dimension>> dims = {schema::CreateDimensionDirect(builder, -1, "batch", 0, 0),
                                                 schema::CreateDimensionDirect(builder, -1, "seq", 1, 512)};
  if (width)
    dims.push_back(schema::CreateDimensionDirect(builder, width));
  return schema::CreateTensorSpecDirect(builder, name, type, &dims);
}

/// The header for segments that start at `start`: code for each level, then the weights.
std::string header(const std::vector<std::string> &isas, const std::string &code, const std::string &weights,
                   size_t start) {
  FlatBufferBuilder builder;
  std::vector<Offset<schema::TensorSpec>> inputs = {
      spec(builder, "input_ids", schema::ElementType::i64, 0),
      spec(builder, "attention_mask", schema::ElementType::i64, 0),
      spec(builder, "x", schema::ElementType::f32, 2)};
  std::vector<Offset<schema::TensorSpec>> outputs = {spec(builder, "y", schema::ElementType::f32, 2),
                                                     spec(builder, "ids", schema::ElementType::i64, 0)};
  std::vector<Offset<schema::Segment>> segments;
  std::vector<Offset<schema::CodeVariant>> variants;
  auto entry = static_cast<uint64_t>(reinterpret_cast<const char *>(&tamisTestEntry) - __start_tamis_image);
  for (const std::string &isa : isas) {
    variants.push_back(schema::CreateCodeVariantDirect(builder, isa.c_str(),
                                                       static_cast<uint32_t>(segments.size()), 0, entry));
    segments.push_back(schema::CreateSegment(builder, schema::SegmentKind::code, start, code.size(),
                                             Hash::of(code.data(), code.size())));
    start += pages(code.size());
  }
  segments.push_back(schema::CreateSegment(builder, schema::SegmentKind::weights, start, weights.size(),
                                           Hash::of(weights.data(), weights.size())));
  std::vector<Offset<schema::Operation>> operations = {
      schema::CreateOperationDirect(builder, "/model/Double", "nn.double")};
  std::vector<Offset<schema::Weight>> weightList = {
      schema::CreateWeightDirect(builder, "model.weight", 0, weights.size(), "transpose, pack 64")};
  std::vector<Offset<flatbuffers::String>> flags = {builder.CreateString("--target=x86-64-v3")};
  std::vector<Offset<flatbuffers::String>> passes = {builder.CreateString("token-remove-padding")};
  auto provenance = schema::CreateProvenanceDirect(builder, "0.1.0", "double.onnx", 0x1234, &flags, &passes);
  std::vector<Offset<schema::Remark>> remarks = {
      schema::CreateRemarkDirect(builder, "token-remove-padding", "padded rows are not computed")};
  std::vector<Offset<schema::LayerPrecision>> layers = {
      schema::CreateLayerPrecisionDirect(builder, "/model/Half", "bf16")};
  auto measured = schema::CreateMeasuredErrorDirect(builder, 0.0125, 0.5, "x86-64-v3", "batch.npz", 0x5678);
  auto precision = schema::CreatePrecisionDirect(builder, "f32", &layers, measured);
  builder.Finish(schema::CreateArtifactDirect(builder, TAMIS_CODE_ABI_VERSION, "double", &inputs, &outputs,
                                              &segments, &variants, &operations, &weightList, provenance,
                                              &remarks, "attention_mask", precision),
                 schema::ArtifactIdentifier());
  return {reinterpret_cast<const char *>(builder.GetBufferPointer()), builder.GetSize()};
}

std::string artifact(const std::vector<std::string> &isas) {
  std::string code(__start_tamis_image, __stop_tamis_image), weights(100, 'w');
  // The header's size does not depend on where the segments are.
  size_t headerBytes = header(isas, code, weights, TAMIS_ARTIFACT_PAGE).size();
  size_t start = pages(sizeof(TamisArtifactPrefix) + headerBytes);
  std::string head = header(isas, code, weights, start);
  std::string file(sizeof(TamisArtifactPrefix), '\0');
  file += head;
  for (size_t i = 0; i < isas.size(); ++i) {
    file.resize(pages(file.size()));
    file += code;
  }
  file.resize(pages(file.size()));
  file += weights;
  TamisArtifactPrefix prefix = {};
  std::memcpy(prefix.magic, TAMIS_ARTIFACT_MAGIC, sizeof(prefix.magic));
  prefix.version = TAMIS_ARTIFACT_VERSION;
  prefix.prefix_bytes = sizeof(prefix);
  prefix.header_bytes = head.size();
  prefix.file_bytes = file.size();
  prefix.header_hash = Hash::of(head.data(), head.size());
  prefix.prefix_hash = Hash::of(&prefix, offsetof(TamisArtifactPrefix, prefix_hash));
  std::memcpy(file.data(), &prefix, sizeof(prefix));
  return file;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s OUT ISA...\n", argv[0]);
    return 2;
  }
  std::string content = artifact({argv + 2, argv + argc});
  std::FILE *file = std::fopen(argv[1], "wb");
  bool written = file && std::fwrite(content.data(), 1, content.size(), file) == content.size();
  if (!file || std::fclose(file) != 0 || !written) {
    std::perror(argv[1]);
    return 4;
  }
  return 0;
}
