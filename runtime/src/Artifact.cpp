//===- Artifact.cpp - The checks of an artifact ---------------------------------------------------------===//
//
// After these checks the rest of the runtime may trust every offset, index and string of a header. What is
// outside, the machine code, is trusted as any program is.
//
//===----------------------------------------------------------------------------------------------------===//
#include "Artifact.h"
#include "Error.h"
#include "Memory.h"
#include "SegmentHash.h"
#include "tamis/artifact_format.h"
#include "tamis/code_abi.h"

using namespace tamis;

static constexpr uint32_t kMaxTensors = 4096, kMaxSettings = 4096;
static constexpr int64_t kMaxDimension = int64_t(1) << 47;

static TamisStatus damaged(TamisError *error, const char *what, const char *why) {
  return fail(error, TAMIS_ERROR_ARTIFACT,
              "'%.200s' is damaged: %s; copy it again or compile the model again", what, why);
}

static const char *
problemOfTensors(const flatbuffers::Vector<flatbuffers::Offset<schema::TensorSpec>> *specs) {
  if (specs->size() > kMaxTensors)
    return "it has too many inputs or outputs";
  for (const schema::TensorSpec *spec : *specs) {
    if (tamis_type_size(TamisType(spec->type())) == 0)
      return "an input or output has an unknown element type";
    if (spec->dims()->size() > TAMIS_MAX_DIMENSIONS)
      return "an input or output has too many dimensions";
    for (const schema::Dimension *dim : *spec->dims()) {
      if (dim->size() < -1 || dim->size() > kMaxDimension)
        return "an input or output has an impossible size";
      if (dim->min() < 0 || dim->max() < 0 || (dim->max() != 0 && dim->min() > dim->max()))
        return "a symbol has impossible bounds";
    }
  }
  return nullptr;
}

static const char *problemOfCode(const schema::Artifact *header) {
  for (const schema::CodeVariant *variant : *header->code()) {
    if (variant->segment() >= header->segments()->size())
      return "code is in a segment that does not exist";
    const schema::Segment *segment = header->segments()->Get(variant->segment());
    if (segment->kind() != schema::SegmentKind::code)
      return "code is in a segment of another kind";
    if (variant->text_offset() % TAMIS_ARTIFACT_PAGE != 0 || variant->text_offset() >= segment->length())
      return "the executable part of a segment has an impossible place";
    if (variant->entry_offset() < variant->text_offset() || variant->entry_offset() >= segment->length())
      return "the entry function lies outside its code";
  }
  return nullptr;
}

// The weight segment goes to `weights`.
static const char *problemOfWeights(const schema::Artifact *header, const schema::Segment *&weights) {
  weights = nullptr;
  for (const schema::Segment *segment : *header->segments()) {
    if (segment->kind() == schema::SegmentKind::code)
      continue;
    if (segment->kind() != schema::SegmentKind::weights)
      return "a segment has an unknown kind";
    if (weights)
      return "it has two weight segments";
    weights = segment;
  }
  uint64_t total = weights ? weights->length() : 0;
  for (const schema::Weight *weight : *header->weights())
    if (weight->offset() > total || weight->length() > total - weight->offset())
      return "a weight lies outside the weight segment";
  return nullptr;
}

static const char *problemOfMask(const schema::Artifact *header) {
  if (!header->mask_input())
    return nullptr;
  for (const schema::TensorSpec *input : *header->inputs())
    if (strcmp(input->name()->c_str(), header->mask_input()->c_str()) == 0)
      return nullptr;
  return "its mask is none of its inputs";
}

static const char *problemOfPolicy(const schema::Artifact *header) {
  const schema::Policy *policy = header->policy();
  if (!policy)
    return nullptr;
  const auto *settings = policy->settings();
  if (settings->size() == 0 || settings->size() > kMaxSettings || policy->chosen() >= policy->steps()->size())
    return "its policy has no settings, too many, or no step";
  for (const schema::Setting *setting : *settings)
    // Of NaN, no comparison holds.
    if (!(setting->min() <= setting->dense() && setting->dense() <= setting->max()))
      return "a setting has impossible bounds";
  if (const schema::Promise *promise = policy->promise())
    if (promise->output() >= header->outputs()->size() ||
        header->outputs()->Get(promise->output())->type() != schema::ElementType::f32 ||
        header->outputs()->Get(promise->output())->dims()->size() < 2 ||
        promise->loss() > schema::Loss::MAX || !(promise->eps() >= 0) ||
        !(promise->alpha() > 0 && promise->alpha() < 1))
      return "its policy promises something impossible";
  for (const schema::Step *step : *policy->steps()) {
    if (step->values()->size() != settings->size())
      return "a step has not one value for each setting";
    for (uint32_t i = 0; i < settings->size(); ++i)
      if (!(settings->Get(i)->min() <= step->values()->Get(i) &&
            step->values()->Get(i) <= settings->Get(i)->max()))
        return "a step has a value out of its setting's bounds";
  }
  return nullptr;
}

static bool isSame(const schema::Dimension *a, const schema::Dimension *b) { return a->size() == b->size(); }

// A cache's input and output are [batch, heads, rows, size] with heads and size known.
static bool isCache(const schema::TensorSpec *input, const schema::TensorSpec *output) {
  if (input->type() != output->type() || input->dims()->size() != 4 || output->dims()->size() != 4)
    return false;
  for (uint32_t d : {1u, 3u})
    if (input->dims()->Get(d)->size() < 1 || !isSame(input->dims()->Get(d), output->dims()->Get(d)))
      return false;
  return input->dims()->Get(2)->size() < 0 && output->dims()->Get(2)->size() < 0;
}

static const char *problemOfDecoder(const schema::Artifact *header) {
  const schema::Decoder *decoder = header->decoder();
  if (!decoder)
    return nullptr;
  const auto *inputs = header->inputs(), *outputs = header->outputs();
  auto inputCount = int64_t(inputs->size());
  for (const schema::Cache *cache : *decoder->caches()) {
    if (cache->input() >= inputs->size() || cache->output() >= outputs->size())
      return "a cache is none of its inputs and outputs";
    if (!isCache(inputs->Get(cache->input()), outputs->Get(cache->output())))
      return "a cache has an impossible type";
    for (const schema::Cache *other : *decoder->caches())
      if (other != cache && (other->input() == cache->input() || other->output() == cache->output()))
        return "two of its caches are one";
  }
  for (int32_t index : {decoder->ids(), decoder->mask(), decoder->positions()}) {
    if (index < -1 || index >= inputCount)
      return "a role of its decoder is none of its inputs";
    if (index >= 0 && inputs->Get(uint32_t(index))->dims()->size() != 2)
      return "an input of its decoder has an impossible rank";
  }
  if (decoder->logits() < -1 || decoder->logits() >= int64_t(outputs->size()))
    return "its logits are none of its outputs";
  if (decoder->logits() >= 0) {
    const auto *dims = outputs->Get(uint32_t(decoder->logits()))->dims();
    // A model may declare no size; a step then checks what it gets.
    if (dims->size() != 3 || decoder->vocabulary() < 1 ||
        (dims->Get(2)->size() >= 0 && dims->Get(2)->size() != decoder->vocabulary()))
      return "its logits have an impossible shape";
  }
  if (decoder->max_length() < 0 || decoder->max_length() > kMaxDimension)
    return "its caches have an impossible length";
  bool isWhole = decoder->ids() >= 0 && decoder->logits() >= 0 && decoder->caches()->size() != 0;
  if (!isWhole && !(decoder->problem() && decoder->problem()->size()))
    return "its decoder lacks ids, logits or caches";
  return nullptr;
}

TamisStatus tamis::checkHeader(const void *data, size_t bytes, const char *what, Artifact &artifact,
                               TamisError *error) {
  // FlatBuffers asserts on what is too large for it, and its fields must be aligned.
  if (!data || bytes < 16 || bytes > TAMIS_ARTIFACT_MAX_HEADER || reinterpret_cast<uintptr_t>(data) % 8 != 0)
    return damaged(error, what, "its header has an impossible size or place");
  flatbuffers::Verifier verifier(static_cast<const uint8_t *>(data), bytes);
  if (!schema::VerifyArtifactBuffer(verifier))
    return damaged(error, what, "its header is malformed");
  const schema::Artifact *header = schema::GetArtifact(data);
  if (header->code_abi() != TAMIS_CODE_ABI_VERSION)
    return fail(
        error, TAMIS_ERROR_ARTIFACT,
        "'%.200s' is made for version %u of the code interface and this runtime has version %d; compile "
        "the model with the Tamis of this runtime",
        what, header->code_abi(), TAMIS_CODE_ABI_VERSION);
  artifact = {header, data, bytes, nullptr};
  const char *problem = problemOfTensors(header->inputs());
  problem = problem ? problem : problemOfTensors(header->outputs());
  problem = problem ? problem : problemOfCode(header);
  problem = problem ? problem : problemOfWeights(header, artifact.weights);
  problem = problem ? problem : problemOfMask(header);
  problem = problem ? problem : problemOfDecoder(header);
  problem = problem ? problem : problemOfPolicy(header);
  return problem ? damaged(error, what, problem) : TAMIS_OK;
}

static bool allZero(const uint8_t *data, uint64_t begin, uint64_t end) {
  uint8_t bits = 0;
  for (uint64_t i = begin; i < end; ++i)
    bits |= data[i];
  return bits == 0;
}

// Segments in order, on pages, with nothing but zeros between; the last ends the file.
static const char *problemOfSegments(const schema::Artifact *header, const uint8_t *data, uint64_t bytes,
                                     uint64_t headerEnd, const TamisModelOptions &options) {
  uint64_t end = headerEnd;
  for (const schema::Segment *segment : *header->segments()) {
    uint64_t offset = segment->offset(), length = segment->length();
    uint64_t next = roundUp(end, TAMIS_ARTIFACT_PAGE), nextLarge = roundUp(end, TAMIS_ARTIFACT_LARGE_PAGE);
    bool placed = offset == next || (segment->kind() == schema::SegmentKind::weights && offset == nextLarge);
    if (!placed || offset > bytes || length > bytes - offset)
      return "a segment has an impossible place";
    if (!allZero(data, end, offset))
      return "the space between its parts is not empty";
    bool isWeights = segment->kind() == schema::SegmentKind::weights;
    bool skip = options.skip_weight_hash && isWeights, giveBack = options.resident_budget && isWeights;
    if (!skip && hashSegment(data + offset, length, options.hash_threads, giveBack) != segment->hash())
      return isWeights ? "the weights differ from what was written"
                       : "the code differs from what was written";
    end = offset + length;
  }
  if (bytes > roundUp(end, TAMIS_ARTIFACT_PAGE) || !allZero(data, end, bytes))
    return "something follows its last part";
  return nullptr;
}

TamisStatus tamis::checkFile(const uint8_t *data, size_t bytes, const TamisModelOptions &options,
                             const char *what, Artifact &artifact, TamisError *error) {
  TamisArtifactPrefix prefix;
  if (bytes >= sizeof(prefix.magic) && memcmp(data, TAMIS_ARTIFACT_MAGIC, sizeof(prefix.magic)) != 0)
    return fail(error, TAMIS_ERROR_ARTIFACT, "'%.200s' is no Tamis artifact; `tamis compile` makes one",
                what);
  if (bytes < sizeof(prefix))
    return damaged(error, what, "it is too short");
  memcpy(&prefix, data, sizeof(prefix));
  // The version comes first: what follows it may differ in another one.
  if (prefix.version != TAMIS_ARTIFACT_VERSION)
    return fail(
        error, TAMIS_ERROR_ARTIFACT,
        "'%.200s' has version %u of the format and this runtime reads version %d; compile the model with "
        "the Tamis of this runtime",
        what, prefix.version, TAMIS_ARTIFACT_VERSION);
  if (Hash::of(data, offsetof(TamisArtifactPrefix, prefix_hash)) != prefix.prefix_hash ||
      prefix.prefix_bytes != sizeof(prefix) || prefix.reserved[0] != 0 || prefix.reserved[1] != 0)
    return damaged(error, what, "its first 64 bytes differ from what was written");
  if (prefix.file_bytes != bytes)
    return fail(
        error, TAMIS_ERROR_ARTIFACT,
        "'%.200s' is damaged: it has %zu bytes instead of %llu; copy it again or compile the model again",
        what, bytes, static_cast<unsigned long long>(prefix.file_bytes));
  if (prefix.header_bytes > bytes - sizeof(prefix) || prefix.header_bytes > TAMIS_ARTIFACT_MAX_HEADER)
    return damaged(error, what, "its header has an impossible size");
  const uint8_t *header = data + sizeof(prefix);
  if (Hash::of(header, prefix.header_bytes) != prefix.header_hash)
    return damaged(error, what, "its header differs from what was written");
  if (TamisStatus status = checkHeader(header, prefix.header_bytes, what, artifact, error);
      status != TAMIS_OK)
    return status;
  if (artifact.header->code()->size() == 0)
    return damaged(error, what, "it has no code");
  const char *problem =
      problemOfSegments(artifact.header, data, bytes, sizeof(prefix) + prefix.header_bytes, options);
  return problem ? damaged(error, what, problem) : TAMIS_OK;
}
