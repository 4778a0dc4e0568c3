//===- Host.cpp - The functions that generated code calls -----------------------------------------------===//
//
// A failure leaves generated code by longjmp: it owns nothing that needs unwinding, and these functions hold
// nothing with a destructor. In a region every thread jumps to its own frame in runRegion first, so that no
// thread still uses what the caller's frames hold when the caller jumps on to tamis_run.
//
//===----------------------------------------------------------------------------------------------------===//
#include "Clock.h"
#include "Context.h"
#include "Memory.h"
#include <cstring>
#include <xmmintrin.h>

using namespace tamis;

// Chunks between two looks at the clock, which costs about as much as a small chunk.
static constexpr int64_t kChunksPerClock = 16;
// Rounding to nearest, no exceptions, denormals kept: results do not depend on the caller's settings.
static constexpr unsigned kFloatState = 0x1f80;

// Records why the run ends, unless it ends already.
static void recordFailure(TamisContext *context, TamisStatus status, int64_t operation, const char *reason,
                          int64_t bytes) {
  Failure &failure = context->failure;
  if (!failure.claimed.exchange(true, std::memory_order_acq_rel)) {
    failure.status = status;
    failure.operation = operation;
    failure.reason = reason;
    failure.bytes = bytes;
  }
  context->interrupt.fetch_or(kFailed, std::memory_order_release);
}

[[noreturn]] static void leave(Thread *thread) { longjmp(*thread->escape, 1); }

static bool pastDeadline(const TamisContext *context) {
  return context->deadline != 0 && monotonicNanoseconds() >= context->deadline;
}

// Ends the run if it was cancelled or its deadline passed.
static void poll(Thread *thread) {
  TamisContext *context = thread->context;
  if (context->interrupt.load(std::memory_order_relaxed) & kCancelled)
    recordFailure(context, TAMIS_ERROR_CANCELLED, -1, nullptr, 0);
  else if (pastDeadline(context))
    recordFailure(context, TAMIS_ERROR_DEADLINE, -1, nullptr, 0);
  else
    return;
  leave(thread);
}

void *tamis::hostAllocate(TamisHost *host, int64_t bytes) {
  auto *thread = reinterpret_cast<Thread *>(host);
  // The arena belongs to the entry's thread; a body that allocates is a mistake of the compiler.
  void *data = thread->inRegion ? nullptr : thread->context->arena.allocate(bytes);
  if (data)
    return data;
  leaveForMemory(host, bytes);
}

void tamis::hostRelease(TamisHost *host, void *data) {
  auto *thread = reinterpret_cast<Thread *>(host);
  if (!thread->inRegion)
    thread->context->arena.release(data);
}

void tamis::hostFail(TamisHost *host, int64_t operation, const char *reason) {
  auto *thread = reinterpret_cast<Thread *>(host);
  recordFailure(thread->context, TAMIS_ERROR_INPUT, operation, reason, 0);
  leave(thread);
}

void tamis::hostObserve(TamisHost *host, int64_t operation, int64_t experts, int64_t tokens, int64_t slots,
                        int64_t columns, const int64_t *indices, const float *weights, const float *outputs,
                        const float *logits) {
  TamisContext *context = reinterpret_cast<Thread *>(host)->context;
  if (!context->expertObserver)
    return;
  TamisExpertObservation observation = {sizeof(TamisExpertObservation),
                                        operationName(context, operation),
                                        experts,
                                        tokens,
                                        slots,
                                        columns,
                                        indices,
                                        weights,
                                        outputs,
                                        logits};
  context->expertObserver(context->expertObserverUser, &observation);
}

void tamis::hostObserveStates(TamisHost *host, int64_t operation, int64_t layer, int64_t rows,
                              int64_t columns, const float *states) {
  TamisContext *context = reinterpret_cast<Thread *>(host)->context;
  if (!context->stateObserver)
    return;
  TamisStateObservation observation = {
      sizeof(TamisStateObservation), operationName(context, operation), layer, rows, columns, states};
  context->stateObserver(context->stateObserverUser, &observation);
}

void tamis::leaveForMemory(TamisHost *host, int64_t bytes) {
  auto *thread = reinterpret_cast<Thread *>(host);
  recordFailure(thread->context, TAMIS_ERROR_MEMORY, -1, nullptr, bytes);
  leave(thread);
}

void tamis::leaveForInput(TamisHost *host, const char *reason) {
  auto *thread = reinterpret_cast<Thread *>(host);
  recordFailure(thread->context, TAMIS_ERROR_INPUT, -1, reason, 0);
  leave(thread);
}

// Claims and runs chunks of the region until none is left or the run ends: first the thread's own share,
// whose chunks follow each other, so that what one asks memory for is there for the next; then what others
// have left.
static void runChunks(Thread *thread) {
  TamisContext *context = thread->context;
  Region &region = context->region;
  int64_t claimed = 0;
  for (int32_t i = 0; i < context->threadCount; ++i) {
    Thread &owner = context->threads[(thread->index + i) % context->threadCount];
    int64_t chunk;
    while ((chunk = owner.nextChunk.fetch_add(1, std::memory_order_relaxed)) < owner.endChunk) {
      uint32_t interrupt = context->interrupt.load(std::memory_order_relaxed);
      if (interrupt & kFailed)
        return;
      if (interrupt & kCancelled || ++claimed % kChunksPerClock == 0)
        poll(thread);
      int64_t begin = chunk * region.grain;
      int64_t end = region.count - begin < region.grain ? region.count : begin + region.grain;
      region.body(&thread->host, region.captures, begin, end, thread->index);
    }
  }
}

// One thread's part of a region; the task given to a pool. Works on what it finds if a pool of the caller
// calls it with fewer threads than it promised.
static void runRegion(void *argument, int32_t index) {
  auto *context = static_cast<TamisContext *>(argument);
  if (index < 0 || index >= context->threadCount)
    return;
  Thread *thread = context->threads + index;
  unsigned floatState = _mm_getcsr();
  _mm_setcsr(kFloatState);
  jmp_buf escape;
  jmp_buf *outer = thread->escape;
  thread->escape = &escape;
  thread->inRegion = true;
  if (_setjmp(escape) == 0)
    runChunks(thread);
  thread->inRegion = false;
  thread->escape = outer;
  _mm_setcsr(floatState);
}

// A region on the caller alone: a failure leaves directly for tamis_run, which resets inRegion.
static void runInline(Thread *thread) {
  thread->inRegion = true;
  runChunks(thread);
  thread->inRegion = false;
}

static void record(TamisContext *context, const RegionRecord &entry) {
  // A profile with gaps is better than a run that fails for it.
  if (growArray(context->allocator, context->records, context->recordCount, context->recordCount + 1,
                context->recordCapacity, 1024))
    context->records[context->recordCount++] = entry;
}

void tamis::hostExperts(TamisHost *host, int64_t operation, const int64_t *counts, int64_t experts,
                        int64_t tokens, int64_t pairs, const int64_t *places, const void *in, int64_t inBytes,
                        const void *out, int64_t outBytes) {
  auto *thread = reinterpret_cast<Thread *>(host);
  TamisContext *context = thread->context;
  if (ExpertPager *pager = context->model->pager) {
    ExpertDemand demand = {counts,
                           places,
                           experts,
                           {static_cast<const uint8_t *>(in), size_t(inBytes)},
                           {static_cast<const uint8_t *>(out), size_t(outBytes)}};
    size_t needed;
    if (!pager->bring(demand, context->traffic, needed)) {
      recordFailure(context, TAMIS_ERROR_MEMORY, operation, nullptr, int64_t(needed));
      leave(thread);
    }
  }
  int64_t first = context->expertCountsSize;
  // As above: a report that lacks a layer.
  if (!growArray(context->allocator, context->experts, context->expertsCount, context->expertsCount + 1,
                 context->expertsCapacity) ||
      !growArray(context->allocator, context->expertCounts, first, first + experts,
                 context->expertCountsCapacity, 1024))
    return;
  memcpy(context->expertCounts + first, counts, size_t(experts) * sizeof(int64_t));
  context->expertCountsSize += experts;
  context->experts[context->expertsCount++] = {operation, experts, tokens, pairs, inBytes + outBytes, first};
}

void tamis::hostTokens(TamisHost *host, int64_t operation, int64_t rows, int64_t kept,
                       const int64_t *places) {
  TamisContext *context = reinterpret_cast<Thread *>(host)->context;
  if (growArray(context->allocator, context->tokens, context->tokensCount, context->tokensCount + 1,
                context->tokensCapacity))
    context->tokens[context->tokensCount++] = {operation, rows, kept};
  if (!context->tokenObserver)
    return;
  TamisTokenObservation observation = {sizeof(TamisTokenObservation), operationName(context, operation), rows,
                                       kept, places};
  context->tokenObserver(context->tokenObserverUser, &observation);
}

void tamis::hostParallel(TamisHost *host, TamisBody body, void *captures, int64_t count, int64_t grain,
                         int64_t operation, int64_t flops, int64_t bytes) {
  auto *thread = reinterpret_cast<Thread *>(host);
  TamisContext *context = thread->context;
  if (thread->inRegion) {
    // A region within a region is the work of its thread.
    if (count > 0)
      body(host, captures, 0, count, thread->index);
    return;
  }
  poll(thread);
  if (count <= 0)
    return;
  int64_t begin = context->profile ? monotonicNanoseconds() : 0;
  Region &region = context->region;
  region.body = body;
  region.captures = captures;
  region.count = count;
  region.grain = grain > 0 ? grain : 1;
  int64_t chunks = (count - 1) / region.grain + 1;
  // Shares differ by one chunk at most.
  int64_t share = chunks / context->threadCount, larger = chunks % context->threadCount, chunk = 0;
  for (int32_t i = 0; i < context->threadCount; ++i) {
    context->threads[i].nextChunk.store(chunk, std::memory_order_relaxed);
    chunk += share + (i < larger);
    context->threads[i].endChunk = chunk;
  }
  if (chunks == 1 || context->threadCount == 1) {
    runInline(thread);
  } else {
    if (context->ownPool)
      context->pool.run(runRegion, context);
    else
      context->callerPool.run(context->callerPool.user, runRegion, context);
    if (context->interrupt.load(std::memory_order_acquire) & kFailed)
      leave(thread);
  }
  if (context->profile)
    record(context, {operation, begin, monotonicNanoseconds(), flops, bytes});
}
