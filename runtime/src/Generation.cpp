//===- Generation.cpp - Tokens that follow prompts ------------------------------------------------------===//
//
// A step is a run with the context's caches: the first of all prompts side by side, padded to the longest
// one, the others of one token a sequence. Padding is in front, as exported models are used to, so that all
// sequences append in the same row; or behind, for models that append each sequence behind its own tokens.
// Nothing of a generation changes before a step has succeeded.
//
//===----------------------------------------------------------------------------------------------------===//
#include "Context.h"
#include "Error.h"
#include "Memory.h"
#include "Sampling.h"

using namespace tamis;

namespace {
/// One sequence of the batch.
struct Sequence {
  int64_t promptTokens, newTokens;
  int64_t last;  ///< the last token
  bool isChosen; ///< by the last step
  bool ended;
};

/// An array that grows.
template <typename T> struct Room {
  T *data;
  int64_t capacity;
  bool hold(const TamisAllocator &allocator, int64_t count) {
    return growArray(allocator, data, capacity, count, capacity);
  }
  void release(const TamisAllocator &allocator) {
    releaseArray(allocator, data, size_t(capacity));
    data = nullptr;
    capacity = 0;
  }
};
} // namespace

/// Memory of the context's allocator.
struct TamisGeneration {
  TamisContext *context;
  Sampling sampling;
  int64_t maxNew, maxLength;
  Room<int64_t> endTokens;
  int32_t endTokenCount, count;
  Room<Sequence> sequences;
  Room<int64_t> prompts, rows;
  Room<uint8_t> ids, mask, positions;
  Room<Candidate> candidates;
  int64_t longest;     ///< prompt
  int64_t length;      ///< rows of the caches after the last step
  bool pending;        ///< the prompts have not run yet
  const float *logits; ///< of the last step
  int64_t logitRows;
};

//===----------------------------------------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------------------------------------===//

static void writeElement(TamisType type, void *data, int64_t at, int64_t value) {
  switch (type) {
  case TAMIS_I64:
    static_cast<int64_t *>(data)[at] = value;
    return;
  case TAMIS_I32:
    static_cast<int32_t *>(data)[at] = int32_t(value);
    return;
  case TAMIS_F32:
    static_cast<float *>(data)[at] = float(value);
    return;
  default: // tamis_generation_create refuses others than bool
    static_cast<uint8_t *>(data)[at] = value != 0;
  }
}

static bool isWritable(TamisType type) {
  return type == TAMIS_I64 || type == TAMIS_I32 || type == TAMIS_F32 || type == TAMIS_BOOL;
}

// Tokens of a sequence that ran or run now, without padding.
static int64_t tokensOf(const TamisGeneration *generation, int32_t b, int64_t step) {
  return generation->sequences.data[b].promptTokens + step;
}

// Steps after the first, that is, rows behind the longest prompt.
static int64_t stepsDone(const TamisGeneration *generation) {
  return generation->pending ? 0 : generation->length - generation->longest + 1;
}

// Fills ids, mask and positions of the next run, of `rows` new rows, and says which rows are wanted.
static void fillInputs(TamisGeneration *generation, int64_t rows) {
  const TamisModel *model = generation->context->model;
  const Decoder &decoder = model->decoder;
  int64_t step = stepsDone(generation), total = generation->longest + step;
  auto typeOf = [&](int32_t input) { return input < 0 ? TAMIS_I64 : model->inputs[input].signature.type; };
  const int64_t *prompt = generation->prompts.data;
  for (int32_t b = 0; b < generation->count; ++b) {
    const Sequence &sequence = generation->sequences.data[b];
    int64_t padding = generation->longest - sequence.promptTokens, tokens = tokensOf(generation, b, step);
    int64_t before = decoder.paddedBehind ? 0 : padding;
    for (int64_t i = 0; i < rows; ++i) {
      // Of a prompt, the token's number; -1 and too high ones are padding.
      int64_t number = generation->pending ? i - before : tokens - 1;
      bool isToken = number >= 0 && number < tokens;
      int64_t id = !generation->pending ? sequence.last : isToken ? prompt[number] : 0;
      writeElement(typeOf(decoder.ids), generation->ids.data, b * rows + i, id);
      if (decoder.positions >= 0)
        writeElement(typeOf(decoder.positions), generation->positions.data, b * rows + i,
                     isToken                ? number
                     : decoder.paddedBehind ? number
                                            : 0);
    }
    for (int64_t i = 0; decoder.mask >= 0 && i < total; ++i)
      writeElement(typeOf(decoder.mask), generation->mask.data, b * total + i,
                   i >= before && i < before + tokens);
    generation->rows.data[b] =
        generation->pending && decoder.paddedBehind ? sequence.promptTokens - 1 : rows - 1;
    prompt += sequence.promptTokens;
  }
}

static TamisStatus runStep(TamisGeneration *generation, const TamisRunOptions &given, TamisError *error) {
  TamisContext *context = generation->context;
  const TamisModel *model = context->model;
  const Decoder &decoder = model->decoder;
  int64_t rows = generation->pending ? generation->longest : 1, batch = generation->count;
  int64_t total = generation->longest + stepsDone(generation);
  const TamisAllocator &allocator = context->allocator;
  // The mask grows with the caches, not from step to step.
  int64_t room = context->caches.capacity() > total ? context->caches.capacity() : total;
  if (!generation->ids.hold(allocator, batch * rows * 8) ||
      !generation->positions.hold(allocator, batch * rows * 8) ||
      !generation->mask.hold(allocator, batch * room * 8))
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the inputs of a step");
  fillInputs(generation, rows);
  // Where tamis_run puts them in any case.
  TamisValue *inputs = context->values;
  memset(static_cast<void *>(inputs), 0, size_t(model->inputCount) * sizeof(TamisValue));
  auto set = [&](int32_t input, int64_t length, const void *data) {
    if (input >= 0)
      inputs[input] = {model->inputs[input].signature.type, 2, {batch, length}, data};
  };
  set(decoder.ids, rows, generation->ids.data);
  set(decoder.mask, total, generation->mask.data);
  set(decoder.positions, rows, generation->positions.data);
  TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
  options.deadline_ns = given.deadline_ns;
  options.use_cache = 1;
  options.wanted_rows = generation->rows.data;
  return tamis_run(context, inputs, model->inputCount, &options, error);
}

//===----------------------------------------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------------------------------------===//

const float *tamis_generation_logits(const TamisGeneration *generation, int32_t sequence) {
  if (!generation || !generation->logits || sequence < 0 || sequence >= generation->count)
    return nullptr;
  int64_t row = generation->logitRows == 1 ? 0 : generation->rows.data[sequence];
  return generation->logits +
         (sequence * generation->logitRows + row) * generation->context->model->decoder.vocabulary;
}

// What the signature leaves open of the logits of a run.
static TamisStatus checkLogits(const TamisGeneration *generation, const TamisTensor &logits,
                               TamisError *error) {
  bool good = logits.dims[0] == generation->count && logits.dims[1] >= 1 &&
              logits.dims[2] == generation->context->model->decoder.vocabulary;
  for (int32_t b = 0; good && logits.dims[1] > 1 && b < generation->count; ++b)
    good = generation->rows.data[b] < logits.dims[1];
  if (good)
    return TAMIS_OK;
  return fail(
      error, TAMIS_ERROR_ARTIFACT,
      "the model gave logits of %lld x %lld x %lld for %d sequences and %lld tokens; export it with logits "
      "[batch, new, vocabulary]",
      static_cast<long long>(logits.dims[0]), static_cast<long long>(logits.dims[1]),
      static_cast<long long>(logits.dims[2]), generation->count,
      static_cast<long long>(generation->context->model->decoder.vocabulary));
}

static bool isEnd(const TamisGeneration *generation, int64_t token) {
  for (int32_t i = 0; i < generation->endTokenCount; ++i)
    if (generation->endTokens.data[i] == token)
      return true;
  return false;
}

// The new token of each sequence; they count only when all could be chosen.
static TamisStatus chooseTokens(TamisGeneration *generation, int64_t *tokens, TamisError *error) {
  int64_t vocabulary = generation->context->model->decoder.vocabulary;
  for (int32_t b = 0; b < generation->count; ++b) {
    const Sequence &sequence = generation->sequences.data[b];
    tokens[b] = -1;
    if (sequence.ended)
      continue;
    double draw = uniformDraw(generation->sampling.seed, uint64_t(b), uint64_t(sequence.newTokens));
    tokens[b] = chooseToken(tamis_generation_logits(generation, b), vocabulary, generation->sampling, draw,
                            generation->candidates.data);
    if (tokens[b] < 0)
      return fail(
          error, TAMIS_ERROR_INPUT,
          "the logits of sequence %d have no greatest number (NaN or infinity); look at the model and "
          "its precision",
          b);
  }
  return TAMIS_OK;
}

// The last token of a sequence, counted already, and whether it ends there.
static void takeToken(const TamisGeneration *generation, Sequence &sequence, int64_t token) {
  sequence.last = token;
  bool isFull = generation->maxNew != 0 && sequence.newTokens >= generation->maxNew;
  // The token would be the next run's, whose rows, with those of padding, must still fit.
  int64_t most = generation->context->model->decoder.maxLength;
  bool isLong =
      (generation->maxLength != 0 && sequence.promptTokens + sequence.newTokens >= generation->maxLength) ||
      (most != 0 && generation->length + 1 > most);
  sequence.ended = isFull || isLong || isEnd(generation, token);
}

static bool allEnded(const TamisGeneration *generation) {
  for (int32_t b = 0; b < generation->count; ++b)
    if (!generation->sequences.data[b].ended)
      return false;
  return true;
}

TamisStatus tamis_generation_step(TamisGeneration *generation, const TamisRunOptions *given, int64_t *tokens,
                                  TamisError *error) {
  TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
  if (!generation || !tokens || generation->count == 0)
    return fail(error, TAMIS_ERROR_USAGE,
                "the generation has no sequences, or there is no place for their tokens");
  if (!readOptions(given, options))
    return fail(error, TAMIS_ERROR_USAGE, "the run options have no size; use TAMIS_RUN_OPTIONS_INIT");
  for (int32_t b = 0; b < generation->count; ++b)
    tokens[b] = -1;
  if (allEnded(generation)) {
    for (int32_t b = 0; b < generation->count; ++b)
      generation->sequences.data[b].isChosen = false;
    return TAMIS_OK;
  }
  TamisContext *context = generation->context;
  int64_t before = context->caches.length();
  if (before != generation->length || (before != 0 && context->caches.sequences() != generation->count))
    return fail(error, TAMIS_ERROR_USAGE,
                "the context's caches are not those of this generation any more; begin it again");
  generation->logits = nullptr;
  if (TamisStatus status = runStep(generation, options, error); status != TAMIS_OK)
    return status;
  const TamisTensor &logits = context->outputs[context->model->decoder.logits];
  if (TamisStatus status = checkLogits(generation, logits, error); status != TAMIS_OK) {
    context->caches.truncate(before);
    return status;
  }
  generation->logits = static_cast<const float *>(logits.data);
  generation->logitRows = logits.dims[1];
  if (TamisStatus status = chooseTokens(generation, tokens, error); status != TAMIS_OK) {
    context->caches.truncate(before);
    for (int32_t b = 0; b < generation->count; ++b)
      tokens[b] = -1;
    return status;
  }
  generation->pending = false;
  generation->length = context->caches.length();
  for (int32_t b = 0; b < generation->count; ++b) {
    Sequence &sequence = generation->sequences.data[b];
    sequence.isChosen = !sequence.ended;
    if (sequence.ended)
      continue;
    ++sequence.newTokens;
    takeToken(generation, sequence, tokens[b]);
  }
  return TAMIS_OK;
}

TamisStatus tamis_generation_replace(TamisGeneration *generation, const int64_t *tokens, TamisError *error) {
  if (!generation || !tokens || generation->count == 0)
    return fail(error, TAMIS_ERROR_USAGE, "the generation has no sequences, or the tokens are null");
  int64_t vocabulary = generation->context->model->decoder.vocabulary;
  for (int32_t b = 0; b < generation->count; ++b) {
    if (tokens[b] == -1)
      continue;
    if (tokens[b] < 0 || tokens[b] >= vocabulary)
      return fail(error, TAMIS_ERROR_INPUT, "the token of sequence %d is %lld; the vocabulary has %lld", b,
                  static_cast<long long>(tokens[b]), static_cast<long long>(vocabulary));
    if (!generation->sequences.data[b].isChosen)
      return fail(error, TAMIS_ERROR_USAGE,
                  "the last step chose no token of sequence %d that another could replace", b);
  }
  for (int32_t b = 0; b < generation->count; ++b)
    if (tokens[b] != -1)
      takeToken(generation, generation->sequences.data[b], tokens[b]);
  return TAMIS_OK;
}

//===----------------------------------------------------------------------------------------------------===//
// Making generations
//===----------------------------------------------------------------------------------------------------===//

TamisStatus tamis_model_decoder(const TamisModel *model, TamisDecoderInfo *info, TamisError *error) {
  if (!model || !info || info->size < sizeof(size_t))
    return fail(error, TAMIS_ERROR_USAGE, "the model or the information is null, or has no size");
  const Decoder &decoder = model->decoder;
  TamisDecoderInfo facts = {info->size < sizeof(TamisDecoderInfo) ? info->size : sizeof(TamisDecoderInfo),
                            decoder.cacheCount, decoder.cacheCount ? decoder.vocabulary : 0,
                            decoder.cacheCount ? decoder.maxLength : 0,
                            decoder.cacheCount && decoder.mask >= 0};
  size_t size = info->size;
  memcpy(info, &facts, facts.size);
  info->size = size;
  return TAMIS_OK;
}

static TamisStatus checkModel(const TamisModel *model, TamisError *error) {
  const Decoder &decoder = model->decoder;
  if (decoder.cacheCount == 0)
    return fail(error, TAMIS_ERROR_INPUT,
                "the model has no caches: no output is one of its inputs with new rows behind it; export it "
                "with past_key_values");
  if (decoder.problem)
    return fail(error, TAMIS_ERROR_INPUT, "the model cannot be stepped: %.400s", decoder.problem);
  for (int32_t input : {decoder.ids, decoder.mask, decoder.positions})
    if (input >= 0 && !isWritable(model->inputs[input].signature.type))
      return fail(error, TAMIS_ERROR_INPUT,
                  "the model cannot be stepped: input " TAMIS_NAME " has elements of "
                  "a type that ids, masks and positions do not have",
                  model->inputs[input].signature.name);
  if (model->outputs[decoder.logits].signature.type != TAMIS_F32)
    return fail(error, TAMIS_ERROR_INPUT,
                "the model cannot be stepped: its logits " TAMIS_NAME
                " are not of f32; export it with logits "
                "of float32",
                model->outputs[decoder.logits].signature.name);
  return TAMIS_OK;
}

static TamisStatus checkOptions(const TamisModel *model, const TamisGenerationOptions &options,
                                TamisError *error) {
  int64_t most = model->decoder.maxLength;
  if (options.max_new_tokens < 0 || options.max_length < 0)
    return fail(error, TAMIS_ERROR_USAGE, "a maximum of tokens is negative");
  if (most != 0 && options.max_length > most)
    return fail(error, TAMIS_ERROR_INPUT,
                "sequences of %lld tokens were asked for; the model's caches hold %lld",
                static_cast<long long>(options.max_length), static_cast<long long>(most));
  if (!(options.temperature >= 0) || options.temperature == __builtin_inff() || options.top_k < 0 ||
      !(options.top_p >= 0 && options.top_p <= 1))
    return fail(error, TAMIS_ERROR_USAGE,
                "the temperature or top_k is negative or no number, or top_p is not between 0 and 1");
  if (options.end_token_count < 0 || (options.end_token_count > 0 && !options.end_tokens))
    return fail(error, TAMIS_ERROR_USAGE, "there are %d end tokens, and no place that has them",
                options.end_token_count);
  return TAMIS_OK;
}

TamisStatus tamis_generation_create(TamisContext *context, const TamisGenerationOptions *given,
                                    TamisGeneration **out, TamisError *error) {
  if (!out)
    return fail(error, TAMIS_ERROR_USAGE, "there is no place for the generation: its pointer is null");
  *out = nullptr;
  if (!context)
    return fail(error, TAMIS_ERROR_USAGE, "the context is null");
  TamisGenerationOptions options = TAMIS_GENERATION_OPTIONS_INIT;
  if (!readOptions(given, options))
    return fail(error, TAMIS_ERROR_USAGE,
                "the generation's options have no size; use TAMIS_GENERATION_OPTIONS_INIT");
  TamisStatus status = checkModel(context->model, error);
  if (status == TAMIS_OK)
    status = checkOptions(context->model, options, error);
  if (status != TAMIS_OK)
    return status;
  auto *generation = allocateArray<TamisGeneration>(context->allocator, 1);
  if (!generation)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the generation");
  generation->context = context;
  generation->sampling = {options.temperature, options.top_k, options.top_p, options.seed};
  generation->maxNew = options.max_new_tokens;
  generation->maxLength = options.max_length ? options.max_length : context->model->decoder.maxLength;
  generation->endTokenCount = options.end_token_count;
  if (!generation->endTokens.hold(context->allocator, options.end_token_count) ||
      (options.temperature > 0 &&
       !generation->candidates.hold(context->allocator, context->model->decoder.vocabulary))) {
    tamis_generation_destroy(generation);
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the generation");
  }
  if (options.end_token_count > 0)
    memcpy(generation->endTokens.data, options.end_tokens, size_t(options.end_token_count) * sizeof(int64_t));
  *out = generation;
  return TAMIS_OK;
}

void tamis_generation_destroy(TamisGeneration *generation) {
  if (!generation)
    return;
  TamisAllocator allocator = generation->context->allocator;
  generation->endTokens.release(allocator);
  generation->sequences.release(allocator);
  generation->prompts.release(allocator);
  generation->rows.release(allocator);
  generation->ids.release(allocator);
  generation->mask.release(allocator);
  generation->positions.release(allocator);
  generation->candidates.release(allocator);
  releaseArray(allocator, generation, 1);
}

static TamisStatus checkPrompts(const TamisGeneration *generation, const int64_t *const *prompts,
                                const int64_t *lengths, int32_t count, TamisError *error) {
  const TamisModel *model = generation->context->model;
  if (!prompts || !lengths || count < 1)
    return fail(error, TAMIS_ERROR_USAGE, "there are no prompts");
  for (int32_t b = 0; b < count; ++b) {
    if (lengths[b] < 1 || !prompts[b])
      return fail(error, TAMIS_ERROR_INPUT, "prompt %d has no token; give it one, such as the first token",
                  b);
    if (generation->maxLength != 0 && lengths[b] >= generation->maxLength)
      return fail(error, TAMIS_ERROR_INPUT,
                  "prompt %d has %lld tokens; sequences may have %lld, with at least one that is new", b,
                  static_cast<long long>(lengths[b]), static_cast<long long>(generation->maxLength));
    if (model->decoder.mask < 0 && lengths[b] != lengths[0])
      return fail(error, TAMIS_ERROR_INPUT,
                  "prompt %d has %lld tokens and prompt 0 has %lld, but the model has no mask that could say "
                  "what is padding; give it prompts of one length, or one at a time",
                  b, static_cast<long long>(lengths[b]), static_cast<long long>(lengths[0]));
    for (int64_t i = 0; i < lengths[b]; ++i)
      if (prompts[b][i] < 0 || prompts[b][i] >= model->decoder.vocabulary)
        return fail(error, TAMIS_ERROR_INPUT, "token %lld of prompt %d is %lld; the vocabulary has %lld",
                    static_cast<long long>(i), b, static_cast<long long>(prompts[b][i]),
                    static_cast<long long>(model->decoder.vocabulary));
  }
  return TAMIS_OK;
}

TamisStatus tamis_generation_begin(TamisGeneration *generation, const int64_t *const *prompts,
                                   const int64_t *lengths, int32_t count, TamisError *error) {
  if (!generation)
    return fail(error, TAMIS_ERROR_USAGE, "the generation is null");
  if (generation->context->busy.load(std::memory_order_acquire))
    return fail(error, TAMIS_ERROR_USAGE, "the context is running; begin a generation between runs");
  if (TamisStatus status = checkPrompts(generation, prompts, lengths, count, error); status != TAMIS_OK)
    return status;
  const TamisAllocator &allocator = generation->context->allocator;
  int64_t total = 0, longest = 0;
  for (int32_t b = 0; b < count; ++b) {
    total += lengths[b];
    longest = lengths[b] > longest ? lengths[b] : longest;
  }
  if (!generation->sequences.hold(allocator, count) || !generation->rows.hold(allocator, count) ||
      !generation->prompts.hold(allocator, total))
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for %d sequences", count);
  int64_t *at = generation->prompts.data;
  for (int32_t b = 0; b < count; ++b) {
    memcpy(at, prompts[b], size_t(lengths[b]) * sizeof(int64_t));
    at += lengths[b];
    generation->sequences.data[b] = {lengths[b], 0, prompts[b][lengths[b] - 1], false, false};
  }
  generation->count = count;
  generation->longest = longest;
  generation->length = 0;
  generation->pending = true;
  generation->logits = nullptr;
  generation->context->caches.truncate(0);
  return TAMIS_OK;
}
