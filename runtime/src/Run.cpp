//===- Run.cpp - One run of a model ---------------------------------------------------------------------===//
#include "Context.h"
#include "Error.h"
#include <xmmintrin.h>

using namespace tamis;

static constexpr unsigned kFloatState = 0x1f80; // as in Host.cpp, for the entry's own arithmetic

// The status and message of a run that ended early.
static TamisStatus explain(const TamisContext *context, TamisError *error) {
  const Failure &failure = context->failure;
  auto *operations = context->model->artifact.header->operations();
  switch (failure.status) {
  case TAMIS_ERROR_INPUT: {
    bool known = failure.operation >= 0 && failure.operation < int64_t(operations->size());
    return fail(error, TAMIS_ERROR_INPUT, "%.160s: %.300s",
                known ? operations->Get(uint32_t(failure.operation))->name()->c_str() : "the model",
                failure.reason ? failure.reason : "an input is refused");
  }
  case TAMIS_ERROR_MEMORY:
    if (failure.operation >= 0)
      return fail(error, TAMIS_ERROR_MEMORY,
                  "%.160s: its tokens want %lld bytes of experts at once, and the resident budget is %llu "
                  "bytes; raise "
                  "it to that at least, or give the run fewer tokens",
                  operationName(context, failure.operation), static_cast<long long>(failure.bytes),
                  static_cast<unsigned long long>(context->model->pager->budgetBytes()));
    if (context->arena.limitReached())
      return fail(error, TAMIS_ERROR_MEMORY,
                  "the run needs %lld more bytes than its limit allows; raise max_arena_bytes or give it "
                  "smaller inputs",
                  static_cast<long long>(failure.bytes));
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for %lld bytes; give the run smaller inputs",
                static_cast<long long>(failure.bytes));
  case TAMIS_ERROR_CANCELLED:
    return fail(error, TAMIS_ERROR_CANCELLED, "the run was cancelled");
  default:
    return fail(error, TAMIS_ERROR_DEADLINE, "the run was not done by its deadline");
  }
}

// Generated code names every output; what it says is checked as far as a caller's safety depends on it.
static TamisStatus checkOutputs(const TamisContext *context, TamisError *error) {
  const TamisModel *model = context->model;
  for (int32_t i = 0; i < model->outputCount; ++i) {
    const TamisSignature &signature = model->outputs[i].signature;
    const TamisTensor &tensor = context->outputs[i];
    bool empty = false, wrong = false;
    for (int32_t d = 0; d < signature.rank; ++d) {
      wrong |=
          tensor.dims[d] < 0 || (signature.dims[d].size >= 0 && tensor.dims[d] != signature.dims[d].size);
      empty |= tensor.dims[d] == 0;
    }
    if (wrong || (!tensor.data && !empty))
      return fail(error, TAMIS_ERROR_ARTIFACT,
                  "output " TAMIS_NAME " is not what the model's signature says; compile the model again",
                  signature.name);
  }
  return TAMIS_OK;
}

// The entry, with the frame that failures come back to. Not inlined: its locals are lost by a longjmp.
[[gnu::noinline]] static bool callEntry(TamisContext *context) {
  Thread *thread = context->threads;
  thread->escape = &context->runEscape;
  thread->inRegion = false;
  if (_setjmp(context->runEscape) != 0)
    return false;
  context->model->entry(&thread->host, context->inputs, context->outputs);
  return true;
}

static TamisStatus runChecked(TamisContext *context, TamisError *error) {
  context->arena.begin();
  context->hasOutputs = false;
  context->recordCount = context->expertsCount = context->expertCountsSize = context->tokensCount = 0;
  context->traffic = {};
  for (int32_t i = 0; i < context->threadCount; ++i)
    memset(context->threads[i].host.counters, 0, sizeof(context->threads[i].host.counters));
  memset(static_cast<void *>(context->outputs), 0, size_t(context->model->outputCount) * sizeof(TamisTensor));
  context->failure.claimed.store(false, std::memory_order_relaxed);
  context->interrupt.store(0, std::memory_order_relaxed);

  unsigned floatState = _mm_getcsr();
  _mm_setcsr(kFloatState);
  bool done = callEntry(context);
  _mm_setcsr(floatState);

  TamisStatus status = done ? checkOutputs(context, error) : explain(context, error);
  context->hasOutputs = status == TAMIS_OK;
  if (context->arena.end())
    log(context->logger, context->loggerUser, TAMIS_LOG_DEBUG, "the arena grows to %llu bytes",
        static_cast<unsigned long long>(context->arena.reservedBytes()));
  return status;
}

// The outputs of the last run are gone when the next begins, so they cannot be its inputs.
static TamisStatus refuseOwnOutputs(const TamisContext *context, const TamisValue *inputs,
                                    TamisError *error) {
  for (int32_t i = 0; i < context->model->inputCount; ++i)
    if (inputs[i].data && context->arena.owns(inputs[i].data))
      return fail(error, TAMIS_ERROR_USAGE,
                  "input " TAMIS_NAME " lies in the memory of this context's last outputs; copy it first",
                  context->model->inputs[i].signature.name);
  return TAMIS_OK;
}

// Generated code reads a row number for each sequence without looking at it.
static TamisStatus checkWantedRows(const TamisContext *context, const int64_t *rows, TamisError *error) {
  const Decoder &decoder = context->model->decoder;
  if (decoder.cacheCount == 0 || decoder.ids < 0)
    return fail(error, TAMIS_ERROR_USAGE,
                "rows of the logits were asked for, but the model is no decoder with caches");
  const TamisTensor &ids = context->inputs[decoder.ids];
  for (int64_t b = 0; b < ids.dims[0]; ++b)
    if (rows[b] < 0 || rows[b] >= ids.dims[1])
      return fail(error, TAMIS_ERROR_INPUT, "row %lld of sequence %lld was asked for; it has %lld",
                  static_cast<long long>(rows[b]), static_cast<long long>(b),
                  static_cast<long long>(ids.dims[1]));
  return TAMIS_OK;
}

static bool isZero(TamisType type, const void *data, int64_t at) {
  switch (type) {
  case TAMIS_I64:
    return static_cast<const int64_t *>(data)[at] == 0;
  case TAMIS_I32:
    return static_cast<const int32_t *>(data)[at] == 0;
  case TAMIS_F32:
    return static_cast<const float *>(data)[at] == 0;
  default: // the compiler takes bool beside these
    return static_cast<const uint8_t *>(data)[at] == 0;
  }
}

// Code that reads a part of the caches takes all that is behind the padding in front for tokens.
static TamisStatus checkCacheMask(const TamisContext *context, TamisError *error) {
  const schema::Policy *policy = context->model->artifact.header->policy();
  const Decoder &decoder = context->model->decoder;
  if (!policy || !policy->reads_cache() || decoder.mask < 0 || decoder.paddedBehind)
    return TAMIS_OK;
  const TamisTensor &mask = context->inputs[decoder.mask];
  const TamisSignature &signature = context->model->inputs[decoder.mask].signature;
  int64_t columns = mask.dims[1];
  if (double(context->settings[0]) >= double(columns))
    return TAMIS_OK; // all rows are read
  for (int64_t b = 0; b < mask.dims[0]; ++b) {
    int64_t at = b * columns, end = at + columns;
    while (at < end && isZero(signature.type, mask.data, at))
      ++at;
    for (; at < end; ++at)
      if (isZero(signature.type, mask.data, at))
        return fail(
            error, TAMIS_ERROR_INPUT,
            "input " TAMIS_NAME
            ": sequence %lld has padding behind or among its tokens, and a step that reads a part of the "
            "caches wants it in front; pad there, or take the step dense",
            signature.name, static_cast<long long>(b));
  }
  return TAMIS_OK;
}

static TamisStatus run(TamisContext *context, const TamisValue *inputs, int32_t count,
                       const TamisRunOptions *given, TamisError *error) {
  TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
  if (!readOptions(given, options))
    return fail(error, TAMIS_ERROR_USAGE, "the run options have no size; use TAMIS_RUN_OPTIONS_INIT");
  if (context->ownPool)
    context->pool.wake(); // it takes them about as long as the code before the first region
  TamisStatus status = TAMIS_OK;
  if (options.use_cache) {
    status = bindCaches(context, inputs, count, error);
    inputs = context->values;
  }
  if (status == TAMIS_OK)
    status = checkInputs(context->model, inputs, count, context->inputs, context->symbols, error);
  if (status == TAMIS_OK)
    status = refuseOwnOutputs(context, inputs, error);
  if (status == TAMIS_OK && options.wanted_rows)
    status = checkWantedRows(context, options.wanted_rows, error);
  if (status == TAMIS_OK)
    status = checkCacheMask(context, error);
  if (status != TAMIS_OK)
    return status;
  context->deadline = options.deadline_ns;
  context->caches.begin(options.use_cache != 0);
  context->threads->host.wanted_rows = options.wanted_rows;
  status = runChecked(context, error);
  context->threads->host.wanted_rows = nullptr;
  if (status == TAMIS_OK)
    context->caches.commit();
  return status;
}

TamisStatus tamis_run(TamisContext *context, const TamisValue *inputs, int32_t count,
                      const TamisRunOptions *options, TamisError *error) {
  if (!context)
    return fail(error, TAMIS_ERROR_USAGE, "the context is null");
  if (context->busy.exchange(true, std::memory_order_acquire))
    return fail(error, TAMIS_ERROR_USAGE,
                "the context is running already; give each thread a context of its own");
  TamisStatus status = run(context, inputs, count, options, error);
  context->busy.store(false, std::memory_order_release);
  return status;
}
