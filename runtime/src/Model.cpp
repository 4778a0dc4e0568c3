//===- Model.cpp - Loading artifacts --------------------------------------------------------------------===//
#include "Model.h"
#include "Cpu.h"
#include "Error.h"
#include "Memory.h"
#include "Pool.h"
#include "SegmentHash.h"
#include "tamis/artifact_format.h"
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

using namespace tamis;

using TensorSpecs = flatbuffers::Vector<flatbuffers::Offset<schema::TensorSpec>>;

// The weights of a model that has none: generated code may form the address.
alignas(TAMIS_ARTIFACT_PAGE) static const uint8_t kNoWeights[64] = {};

//===----------------------------------------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------------------------------------===//

static void decode(const TensorSpecs *specs, Tensor *tensors) {
  for (uint32_t i = 0; i < specs->size(); ++i) {
    const schema::TensorSpec *spec = specs->Get(i);
    TamisSignature &signature = tensors[i].signature;
    signature.name = spec->name()->c_str();
    signature.type = TamisType(spec->type());
    signature.rank = int32_t(spec->dims()->size());
    for (int32_t d = 0; d < TAMIS_MAX_DIMENSIONS; ++d) {
      tensors[i].symbols[d] = -1;
      signature.dims[d] = {1, "", 0, 0};
      if (d >= signature.rank)
        continue;
      const schema::Dimension *dim = spec->dims()->Get(uint32_t(d));
      const char *symbol = dim->size() < 0 && dim->name() ? dim->name()->c_str() : "";
      signature.dims[d] = {dim->size(), symbol, dim->min(), dim->max()};
    }
  }
}

// Gives equal symbols of the inputs equal numbers, in the order of their first use.
static TamisStatus numberSymbols(TamisModel *model, TamisError *error) {
  size_t most = size_t(model->inputCount) * TAMIS_MAX_DIMENSIONS;
  auto *names = static_cast<const char **>(calloc(most ? most : 1, sizeof(char *)));
  if (!names)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the model");
  for (int32_t i = 0; i < model->inputCount; ++i) {
    Tensor &tensor = model->inputs[i];
    for (int32_t d = 0; d < tensor.signature.rank; ++d) {
      const char *name = tensor.signature.dims[d].symbol;
      if (*name == '\0')
        continue;
      int32_t symbol = 0;
      while (symbol < model->symbolCount && strcmp(names[symbol], name) != 0)
        ++symbol;
      names[symbol] = name;
      model->symbolCount = symbol == model->symbolCount ? symbol + 1 : model->symbolCount;
      tensor.symbols[d] = symbol;
    }
  }
  free(names);
  return TAMIS_OK;
}

static TamisStatus readDecoder(TamisModel *model, TamisError *error) {
  const schema::Decoder *decoder = model->artifact.header->decoder();
  if (!decoder)
    return TAMIS_OK;
  auto count = int32_t(decoder->caches()->size());
  const flatbuffers::String *problem = decoder->problem();
  model->decoder = {count,
                    decoder->ids(),
                    decoder->mask(),
                    decoder->positions(),
                    decoder->logits(),
                    decoder->vocabulary(),
                    decoder->max_length(),
                    decoder->padding() == schema::PaddingSide::behind,
                    decoder->wanted_rows(),
                    problem && problem->size() ? problem->c_str() : nullptr};
  model->cacheInputs = static_cast<int32_t *>(calloc(count ? size_t(count) * 2 : 1, sizeof(int32_t)));
  if (!model->cacheInputs)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the model");
  model->cacheOutputs = model->cacheInputs + count;
  for (int32_t i = 0; i < count; ++i) {
    model->cacheInputs[i] = int32_t(decoder->caches()->Get(uint32_t(i))->input());
    model->cacheOutputs[i] = int32_t(decoder->caches()->Get(uint32_t(i))->output());
  }
  return TAMIS_OK;
}

static TamisStatus readSignature(TamisModel *model, TamisError *error) {
  const schema::Artifact *header = model->artifact.header;
  model->inputCount = int32_t(header->inputs()->size());
  model->outputCount = int32_t(header->outputs()->size());
  size_t count = size_t(model->inputCount) + size_t(model->outputCount);
  model->inputs = static_cast<Tensor *>(calloc(count ? count : 1, sizeof(Tensor)));
  if (!model->inputs)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the model");
  model->outputs = model->inputs + model->inputCount;
  decode(header->inputs(), model->inputs);
  decode(header->outputs(), model->outputs);
  if (TamisStatus status = readDecoder(model, error); status != TAMIS_OK)
    return status;
  return numberSymbols(model, error);
}

//===----------------------------------------------------------------------------------------------------===//
// ISA level
//===----------------------------------------------------------------------------------------------------===//

namespace {
/// The ISA levels that an artifact has code for.
struct IsaList {
  int32_t count;
  const char *(*name)(const void *owner, int32_t index);
  const void *owner;
};
} // namespace

static TamisStatus refuseIsa(const IsaList &list, const char *wanted, const char *what, TamisError *error) {
  char has[160] = "nothing", cpu[96];
  size_t used = 0;
  for (int32_t i = 0; i < list.count && used < sizeof(has); ++i)
    used += size_t(
        snprintf(has + used, sizeof(has) - used, "%s%.40s", used ? ", " : "", list.name(list.owner, i)));
  describeCpu(cpu, sizeof(cpu));
  if (!wanted)
    return fail(
        error, TAMIS_ERROR_CPU,
        "'%.120s' has code for %s, of which this CPU runs none (it has %s); compile it for one that it has",
        what, has, cpu);
  const char *why = !isaKnown(wanted)      ? "is not known"
                    : isaRank(wanted) == 0 ? "is not supported by this CPU"
                                           : "is not in the artifact";
  return fail(error, TAMIS_ERROR_CPU,
              "the ISA level '%.40s' that was asked for %s: '%.120s' has code for %s, this CPU has %s",
              wanted, why, what, has, cpu);
}

// The index of the best variant that the CPU runs, or of the one asked for.
static TamisStatus chooseIsa(const IsaList &list, const char *wanted, const char *what, int32_t &chosen,
                             TamisError *error) {
  if (!wanted || *wanted == '\0')
    wanted = getenv("TAMIS_ISA");
  if (wanted && *wanted == '\0')
    wanted = nullptr;
  chosen = -1;
  int bestRank = 0;
  for (int32_t i = 0; i < list.count; ++i) {
    const char *name = list.name(list.owner, i);
    if (wanted && strcmp(wanted, name) != 0)
      continue;
    int rank = isaRank(name); // which may ask the system for registers
    if (rank <= bestRank)
      continue;
    chosen = i;
    bestRank = rank;
  }
  return chosen >= 0 ? TAMIS_OK : refuseIsa(list, wanted, what, error);
}

//===----------------------------------------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------------------------------------===//

static const char *variantName(const void *owner, int32_t index) {
  return static_cast<const schema::Artifact *>(owner)->code()->Get(uint32_t(index))->isa()->c_str();
}

static const char *embeddedName(const void *owner, int32_t index) {
  return static_cast<const TamisEmbedded *>(owner)->isas[index];
}

// Maps the chosen code from `file`; or from a copy when `file` is memory of the caller.
static TamisStatus mapCode(TamisModel *model, const uint8_t *data, const schema::CodeVariant *variant,
                           TamisError *error) {
  const schema::Segment *segment = model->artifact.header->segments()->Get(variant->segment());
  const Mapping *mapping = &model->file;
  uint64_t start = segment->offset();
  if (!model->file.data) {
    if (TamisStatus status = model->code.mapCopy(data + start, segment->length(), error); status != TAMIS_OK)
      return status;
    mapping = &model->code;
    start = 0;
  }
  uint64_t text = variant->text_offset();
  if (TamisStatus status = mapping->makeExecutable(start + text, segment->length() - text, error);
      status != TAMIS_OK)
    return status;
  auto entry = reinterpret_cast<uintptr_t>(mapping->data + start + variant->entry_offset());
  model->entry = reinterpret_cast<TamisEntry>(entry);
  return TAMIS_OK;
}

// Begins to keep the experts within the budget that was asked for; model->file holds the weights.
static TamisStatus beginPaging(TamisModel *model, size_t bytes, const TamisModelOptions &options,
                               TamisError *error) {
  model->pager = static_cast<ExpertPager *>(calloc(1, sizeof(ExpertPager)));
  if (!model->pager)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the model");
  model->pager->begin(model->weights, bytes, options.resident_budget);
  // A large page would hold parts of several experts, and be there for the sake of one.
  madvise(const_cast<uint8_t *>(model->weights), bytes, MADV_NOHUGEPAGE);
  for (const schema::Operation *operation : *model->artifact.header->operations())
    if (strncmp(operation->kind()->c_str(), "moe.experts", strlen("moe.experts")) == 0)
      return TAMIS_OK;
  log(options.logger, options.logger_user, TAMIS_LOG_WARNING,
      "the model has no layers of experts, so that a resident budget changes nothing");
  return TAMIS_OK;
}

// What a budget is for is a file of which parts can be given back.
static TamisStatus refuseBudget(const char *what, TamisError *error) {
  return fail(error, TAMIS_ERROR_USAGE,
              "a resident budget needs weights in a file, and %.200s has none there; load the artifact by "
              "its path, or "
              "emit the weights beside the object",
              what);
}

// Loads from the bytes of a file, which model->file holds or which outlive the model.
static TamisStatus loadBytes(TamisModel *model, const uint8_t *data, size_t bytes, const char *what,
                             const TamisModelOptions &options, TamisError *error) {
  TamisStatus status = checkFile(data, bytes, options, what, model->artifact, error);
  if (status != TAMIS_OK)
    return status;
  const schema::Artifact *header = model->artifact.header;
  int32_t chosen;
  IsaList list = {int32_t(header->code()->size()), variantName, header};
  status = chooseIsa(list, options.isa, what, chosen, error);
  if (status != TAMIS_OK)
    return status;
  const schema::CodeVariant *variant = header->code()->Get(uint32_t(chosen));
  model->isa = variant->isa()->c_str();
  status = mapCode(model, data, variant, error);
  if (status != TAMIS_OK)
    return status;
  const schema::Segment *weights = model->artifact.weights;
  model->weights = weights && weights->length() ? data + weights->offset() : kNoWeights;
  if (weights && weights->length() && model->file.data) {
    if (!options.resident_budget)
      askForPages(model->weights, weights->length());
    else if (status = beginPaging(model, weights->length(), options, error); status != TAMIS_OK)
      return status;
  }
  status = readSignature(model, error);
  if (status == TAMIS_OK)
    log(options.logger, options.logger_user, TAMIS_LOG_INFO, "loaded %s: %zu bytes, code for %s", what, bytes,
        model->isa);
  return status;
}

// The weights of an embedded model that lie beside the program: exactly the bytes of the weight segment.
static TamisStatus loadWeightsBeside(TamisModel *model, const TamisEmbedded &embedded, const char *folder,
                                     const TamisModelOptions &options, TamisError *error) {
  char path[4096];
  bool plain = !folder || *folder == '\0';
  int length =
      snprintf(path, sizeof(path), "%s%s%s", plain ? "" : folder, plain ? "" : "/", embedded.weights_file);
  if (length < 0 || size_t(length) >= sizeof(path))
    return fail(error, TAMIS_ERROR_USAGE, "the path of the weights is longer than %zu bytes",
                sizeof(path) - 1);
  if (TamisStatus status = model->file.mapFile(path, error); status != TAMIS_OK)
    return status;
  const schema::Segment *weights = model->artifact.weights;
  if (model->file.bytes != weights->length())
    return fail(
        error, TAMIS_ERROR_ARTIFACT,
        "the weights '%.200s' have %zu bytes instead of %llu; copy the file that was made with the program",
        path, model->file.bytes, static_cast<unsigned long long>(weights->length()));
  if (!options.skip_weight_hash && hashSegment(model->file.data, model->file.bytes, options.hash_threads,
                                               options.resident_budget) != weights->hash())
    return fail(error, TAMIS_ERROR_ARTIFACT,
                "the weights '%.200s' are not those of this program; copy the file that was made with it",
                path);
  model->weights = model->file.data;
  return options.resident_budget ? beginPaging(model, model->file.bytes, options, error) : TAMIS_OK;
}

static TamisStatus loadEmbedded(TamisModel *model, const TamisEmbedded &embedded, const char *folder,
                                const TamisModelOptions &options, TamisError *error) {
  if (!embedded.header || embedded.code_count <= 0 || !embedded.isas || !embedded.entries)
    return fail(error, TAMIS_ERROR_USAGE, "the embedded model has no header or no code");
  for (int32_t i = 0; i < embedded.code_count; ++i)
    if (!embedded.isas[i] || !embedded.entries[i])
      return fail(error, TAMIS_ERROR_USAGE, "the embedded model's code %d has no name or no entry", i);
  TamisStatus status =
      checkHeader(embedded.header, embedded.header_bytes, "the embedded model", model->artifact, error);
  if (status != TAMIS_OK)
    return status;
  const char *what = model->artifact.header->name()->c_str();
  int32_t chosen;
  status = chooseIsa({embedded.code_count, embeddedName, &embedded}, options.isa, what, chosen, error);
  if (status != TAMIS_OK)
    return status;
  model->isa = embedded.isas[chosen];
  model->entry = reinterpret_cast<TamisEntry>(reinterpret_cast<uintptr_t>(embedded.entries[chosen]));

  const schema::Segment *weights = model->artifact.weights;
  uint64_t wanted = weights ? weights->length() : 0;
  if (wanted == 0) {
    model->weights = kNoWeights;
  } else if (embedded.weights) {
    if (options.resident_budget)
      return refuseBudget("an embedded model", error);
    // These were linked with the header, so their hash is not taken.
    if (embedded.weights_bytes != wanted || reinterpret_cast<uintptr_t>(embedded.weights) % 64 != 0)
      return fail(error, TAMIS_ERROR_USAGE,
                  "the embedded weights have %zu bytes instead of %llu, or are not aligned to 64 bytes",
                  embedded.weights_bytes, static_cast<unsigned long long>(wanted));
    model->weights = static_cast<const uint8_t *>(embedded.weights);
  } else if (embedded.weights_file) {
    status = loadWeightsBeside(model, embedded, folder, options, error);
    if (status != TAMIS_OK)
      return status;
  } else {
    return fail(error, TAMIS_ERROR_USAGE,
                "the embedded model has neither weights nor the name of their file");
  }
  return readSignature(model, error);
}

// What all ways of loading share: the options and an empty model.
static TamisStatus prepare(const TamisModelOptions *given, TamisModelOptions &options, TamisModel **out,
                           TamisError *error) {
  if (!out)
    return fail(error, TAMIS_ERROR_USAGE, "there is no place for the model: its pointer is null");
  *out = nullptr;
  if (!readOptions(given, options))
    return fail(error, TAMIS_ERROR_USAGE, "the model options have no size; use TAMIS_MODEL_OPTIONS_INIT");
  if (options.hash_threads < 0 || options.hash_threads > Pool::kMaxThreads)
    return fail(error, TAMIS_ERROR_USAGE, "%d threads were asked for; 0 (4 at most) to %d are possible",
                options.hash_threads, Pool::kMaxThreads);
  *out = static_cast<TamisModel *>(calloc(1, sizeof(TamisModel)));
  return *out ? TAMIS_OK : fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the model");
}

static TamisStatus finish(TamisStatus status, TamisModel **out) {
  if (status != TAMIS_OK) {
    tamis_model_destroy(*out);
    *out = nullptr;
  }
  return status;
}

TamisStatus tamis_model_load(const char *path, const TamisModelOptions *given, TamisModel **out,
                             TamisError *error) {
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  TamisStatus status = prepare(given, options, out, error);
  if (status != TAMIS_OK)
    return status;
  TamisModel *model = *out;
  status = path ? model->file.mapFile(path, error) : fail(error, TAMIS_ERROR_USAGE, "the path is null");
  if (status == TAMIS_OK)
    status = loadBytes(model, model->file.data, model->file.bytes, path, options, error);
  return finish(status, out);
}

TamisStatus tamis_model_load_memory(const void *data, size_t bytes, const TamisModelOptions *given,
                                    TamisModel **out, TamisError *error) {
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  TamisStatus status = prepare(given, options, out, error);
  if (status != TAMIS_OK)
    return status;
  TamisModel *model = *out;
  auto *start = static_cast<const uint8_t *>(data);
  if (!data || bytes == 0)
    status = fail(error, TAMIS_ERROR_USAGE, "there are no bytes to load from");
  else if (options.resident_budget)
    status = refuseBudget("an artifact in memory", error);
  else if (reinterpret_cast<uintptr_t>(data) % TAMIS_ARTIFACT_PAGE != 0) {
    status = model->file.mapCopy(data, bytes, error);
    start = model->file.data;
  }
  if (status == TAMIS_OK)
    status = loadBytes(model, start, bytes, "artifact in memory", options, error);
  return finish(status, out);
}

TamisStatus tamis_model_load_embedded(const TamisEmbedded *given, const char *folder,
                                      const TamisModelOptions *givenOptions, TamisModel **out,
                                      TamisError *error) {
  TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT;
  TamisStatus status = prepare(givenOptions, options, out, error);
  if (status != TAMIS_OK)
    return status;
  TamisEmbedded embedded = {};
  if (!given || !readOptions(given, embedded))
    status = fail(error, TAMIS_ERROR_USAGE, "the embedded model is null or has no size");
  else
    status = loadEmbedded(*out, embedded, folder, options, error);
  return finish(status, out);
}

void tamis_model_destroy(TamisModel *model) {
  if (!model)
    return;
  if (model->pager)
    model->pager->end();
  free(model->pager);
  model->file.unmap();
  model->code.unmap();
  free(model->inputs);
  free(model->cacheInputs);
  free(model);
}

//===----------------------------------------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------------------------------------===//

int32_t tamis_model_input_count(const TamisModel *model) { return model ? model->inputCount : 0; }
int32_t tamis_model_output_count(const TamisModel *model) { return model ? model->outputCount : 0; }

static TamisStatus copySignature(const Tensor *tensors, int32_t count, int32_t index, const char *kind,
                                 TamisSignature *out, TamisError *error) {
  if (!out)
    return fail(error, TAMIS_ERROR_USAGE, "there is no place for the signature: its pointer is null");
  if (index < 0 || index >= count)
    return fail(error, TAMIS_ERROR_USAGE, "there is no %s %d: the model has %d", kind, index, count);
  *out = tensors[index].signature;
  return TAMIS_OK;
}

TamisStatus tamis_model_input(const TamisModel *model, int32_t index, TamisSignature *out,
                              TamisError *error) {
  if (!model)
    return fail(error, TAMIS_ERROR_USAGE, "the model is null");
  return copySignature(model->inputs, model->inputCount, index, "input", out, error);
}

TamisStatus tamis_model_output(const TamisModel *model, int32_t index, TamisSignature *out,
                               TamisError *error) {
  if (!model)
    return fail(error, TAMIS_ERROR_USAGE, "the model is null");
  return copySignature(model->outputs, model->outputCount, index, "output", out, error);
}

const char *tamis_model_isa(const TamisModel *model) { return model ? model->isa : nullptr; }

const char *tamis_model_mask_input(const TamisModel *model) {
  const flatbuffers::String *name = model ? model->artifact.header->mask_input() : nullptr;
  return name ? name->c_str() : nullptr;
}

const void *tamis_model_header(const TamisModel *model, size_t *bytes) {
  if (bytes)
    *bytes = model ? model->artifact.headerBytes : 0;
  return model ? model->artifact.headerData : nullptr;
}
