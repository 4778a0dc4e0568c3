//===- Context.cpp - Making contexts and asking them ----------------------------------------------------===//
#include "Context.h"
#include "Cpu.h"
#include "Error.h"
#include "Memory.h"

using namespace tamis;

static size_t atLeastOne(int32_t count) { return count > 0 ? size_t(count) : 1; }

static TamisStatus checkOptions(const TamisContextOptions &options, TamisError *error) {
  if (options.threads < 0 || options.threads > Pool::kMaxThreads)
    return fail(error, TAMIS_ERROR_USAGE, "%d threads were asked for; 0 (all cores) to %d are possible",
                options.threads, Pool::kMaxThreads);
  if (options.pool &&
      (!options.pool->run || options.pool->threads < 1 || options.pool->threads > Pool::kMaxThreads))
    return fail(error, TAMIS_ERROR_USAGE, "the pool has no run function, or not 1 to %d threads",
                Pool::kMaxThreads);
  if (options.allocator && (!options.allocator->allocate || !options.allocator->release))
    return fail(error, TAMIS_ERROR_USAGE, "the allocator lacks a function");
  return TAMIS_OK;
}

static TamisStatus fill(TamisContext *context, const TamisContextOptions &options, TamisError *error) {
  const TamisModel *model = context->model;
  context->arena.initialize(context->allocator, options.max_arena_bytes,
                            /*isLazy=*/!options.allocator);
  context->threadCount = options.pool      ? options.pool->threads
                         : options.threads ? options.threads
                                           : coreCount();
  if (context->threadCount > Pool::kMaxThreads)
    context->threadCount = Pool::kMaxThreads;
  context->threads = allocateArray<Thread>(context->allocator, size_t(context->threadCount));
  context->inputs = allocateArray<TamisTensor>(context->allocator, atLeastOne(model->inputCount));
  context->outputs = allocateArray<TamisTensor>(context->allocator, atLeastOne(model->outputCount));
  context->values = allocateArray<TamisValue>(context->allocator, atLeastOne(model->inputCount));
  context->symbols = allocateArray<int64_t>(context->allocator, atLeastOne(model->symbolCount));
  context->settings = allocateArray<float>(context->allocator, atLeastOne(tamis_model_setting_count(model)));
  if (!context->threads || !context->inputs || !context->outputs || !context->values || !context->symbols ||
      !context->settings || !context->caches.initialize(context->allocator, model))
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the context");
  for (int32_t i = 0; i < context->threadCount; ++i) {
    Thread &thread = context->threads[i];
    thread.host = {
        hostAllocate, hostRelease,       hostParallel, hostFail,  model->weights, context->threadCount,
        {},           hostExperts,       hostObserve,  hostCache, nullptr,        context->settings,
        hostTokens,   hostObserveStates, hostKeep};
    thread.context = context;
    thread.index = i;
  }
  context->step = -1;
  if (const schema::Policy *policy = model->artifact.header->policy())
    chooseStep(context, int32_t(policy->chosen()));
  if (options.pool) {
    context->callerPool = *options.pool;
    return TAMIS_OK;
  }
  context->ownPool = true;
  return context->pool.start(context->threadCount, context->allocator, error);
}

TamisStatus tamis_context_create(const TamisModel *model, const TamisContextOptions *given,
                                 TamisContext **out, TamisError *error) {
  if (!out)
    return fail(error, TAMIS_ERROR_USAGE, "there is no place for the context: its pointer is null");
  *out = nullptr;
  if (!model)
    return fail(error, TAMIS_ERROR_USAGE, "the model is null");
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  if (!readOptions(given, options))
    return fail(error, TAMIS_ERROR_USAGE, "the context options have no size; use TAMIS_CONTEXT_OPTIONS_INIT");
  if (TamisStatus status = checkOptions(options, error); status != TAMIS_OK)
    return status;
  TamisAllocator allocator = options.allocator ? *options.allocator : defaultAllocator();
  TamisContext *context = allocateArray<TamisContext>(allocator, 1);
  if (!context)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the context");
  context->model = model;
  context->allocator = allocator;
  context->logger = options.logger;
  context->loggerUser = options.logger_user;
  context->expertObserver = options.expert_observer;
  context->expertObserverUser = options.expert_observer_user;
  context->stateObserver = options.state_observer;
  context->stateObserverUser = options.state_observer_user;
  context->tokenObserver = options.token_observer;
  context->tokenObserverUser = options.token_observer_user;
  context->profile = options.profile != 0;
  if (TamisStatus status = fill(context, options, error); status != TAMIS_OK) {
    tamis_context_destroy(context);
    return status;
  }
  log(context->logger, context->loggerUser, TAMIS_LOG_DEBUG, "context with %d threads", context->threadCount);
  *out = context;
  return TAMIS_OK;
}

void tamis_context_destroy(TamisContext *context) {
  if (!context)
    return;
  if (context->ownPool)
    context->pool.stop();
  context->arena.destroy();
  context->caches.destroy();
  TamisAllocator allocator = context->allocator;
  releaseArray(allocator, context->records, size_t(context->recordCapacity));
  releaseArray(allocator, context->experts, size_t(context->expertsCapacity));
  releaseArray(allocator, context->expertCounts, size_t(context->expertCountsCapacity));
  releaseArray(allocator, context->tokens, size_t(context->tokensCapacity));
  releaseArray(allocator, context->settings, atLeastOne(tamis_model_setting_count(context->model)));
  releaseArray(allocator, context->symbols, atLeastOne(context->model->symbolCount));
  releaseArray(allocator, context->values, atLeastOne(context->model->inputCount));
  releaseArray(allocator, context->outputs, atLeastOne(context->model->outputCount));
  releaseArray(allocator, context->inputs, atLeastOne(context->model->inputCount));
  releaseArray(allocator, context->threads, size_t(context->threadCount));
  releaseArray(allocator, context, 1);
}

TamisStatus tamis_context_output(const TamisContext *context, int32_t index, TamisValue *out,
                                 TamisError *error) {
  if (!context || !out)
    return fail(error, TAMIS_ERROR_USAGE, "the context or the place for the output is null");
  if (index < 0 || index >= context->model->outputCount)
    return fail(error, TAMIS_ERROR_USAGE, "there is no output %d: the model has %d", index,
                context->model->outputCount);
  if (!context->hasOutputs)
    return fail(error, TAMIS_ERROR_USAGE,
                "there is no output yet: no run has succeeded, or the last one failed");
  if (context->caches.holds(index))
    return fail(error, TAMIS_ERROR_USAGE,
                "output " TAMIS_NAME " stays in the context's cache; run without use_cache to get it",
                context->model->outputs[index].signature.name);
  const TamisSignature &signature = context->model->outputs[index].signature;
  const TamisTensor &tensor = context->outputs[index];
  TamisValue value = {signature.type, signature.rank, {}, tensor.data};
  for (int32_t d = 0; d < signature.rank; ++d)
    value.dims[d] = tensor.dims[d];
  *out = value;
  return TAMIS_OK;
}

void tamis_context_cancel(TamisContext *context) {
  if (context)
    context->interrupt.fetch_or(kCancelled, std::memory_order_relaxed);
}

TamisStatus tamis_context_report(const TamisContext *context, TamisReport *report, TamisError *error) {
  if (!context || !report || report->size < sizeof(size_t))
    return fail(error, TAMIS_ERROR_USAGE, "the context or the report is null, or the report has no size");
  int64_t counters[8] = {};
  for (int32_t i = 0; i < context->threadCount; ++i)
    for (int counter = 0; counter < 8; ++counter)
      counters[counter] += context->threads[i].host.counters[counter];
  TamisReport facts = {report->size < sizeof(TamisReport) ? report->size : sizeof(TamisReport),
                       counters[TAMIS_COUNTER_TOKENS_IN],
                       counters[TAMIS_COUNTER_TOKENS_COMPUTED],
                       int64_t(context->arena.reservedBytes()),
                       int64_t(context->arena.peakBytes()),
                       context->arena.systemAllocations(),
                       context->threadCount,
                       context->model->decoder.cacheCount ? context->caches.bytes() : 0,
                       context->traffic.hits,
                       context->traffic.stalls,
                       context->traffic.stallBytes,
                       context->traffic.stallNanoseconds,
                       context->model->pager ? int64_t(context->model->pager->residentBytes()) : 0,
                       counters[TAMIS_COUNTER_CACHE_ROWS],
                       counters[TAMIS_COUNTER_CACHE_ROWS_READ]};
  size_t size = report->size;
  memcpy(report, &facts, facts.size);
  report->size = size;
  return TAMIS_OK;
}

// The operation's row of the table; null for a number that is none.
static const schema::Operation *operationOf(const TamisContext *context, int64_t number) {
  auto *operations = context->model->artifact.header->operations();
  bool known = number >= 0 && number < int64_t(operations->size());
  return known ? operations->Get(uint32_t(number)) : nullptr;
}

const char *tamis::operationName(const TamisContext *context, int64_t number) {
  const schema::Operation *operation = operationOf(context, number);
  return operation ? operation->name()->c_str() : "";
}

int64_t tamis_context_events(const TamisContext *context, TamisEvent *events, int64_t capacity) {
  if (!context)
    return 0;
  for (int64_t i = 0; events && i < context->recordCount && i < capacity; ++i) {
    const RegionRecord &record = context->records[i];
    const schema::Operation *operation = operationOf(context, record.operation);
    events[i] = {operationName(context, record.operation),
                 operation ? operation->kind()->c_str() : "",
                 record.begin,
                 record.end,
                 record.flops,
                 record.bytes};
  }
  return context->recordCount;
}

int64_t tamis_context_experts(const TamisContext *context, TamisExpertLayer *layers, int64_t capacity) {
  if (!context)
    return 0;
  for (int64_t i = 0; layers && i < context->expertsCount && i < capacity; ++i) {
    const ExpertsRecord &record = context->experts[i];
    const int64_t *counts = context->expertCounts + record.firstCount;
    int64_t touched = 0, pairs = 0;
    for (int64_t e = 0; e < record.experts; ++e) {
      touched += counts[e] > 0;
      pairs += counts[e];
    }
    layers[i] = {operationName(context, record.operation),
                 record.experts,
                 touched,
                 record.tokens,
                 pairs,
                 record.pairs - pairs,
                 touched * record.expertBytes,
                 counts};
  }
  return context->expertsCount;
}
