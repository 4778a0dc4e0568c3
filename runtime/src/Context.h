//===- Context.h - What one run needs -------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_CONTEXT_H
#define TAMIS_RUNTIME_CONTEXT_H

#include "Arena.h"
#include "Cache.h"
#include "Model.h"
#include "Pool.h"
#include "tamis/code_abi.h"
#include <atomic>
#include <csetjmp>

namespace tamis {

/// What one thread of a region has of its own. Generated code sees only the host at its start, so a call of
/// the host tells the thread that makes it.
struct alignas(64) Thread {
  TamisHost host;
  TamisContext *context;
  jmp_buf *escape; ///< where a failure on this thread goes
  int64_t index;   ///< 0 is the caller
  bool inRegion;
  int64_t endChunk;                           ///< of the thread's share of the region under way
  alignas(64) std::atomic<int64_t> nextChunk; ///< of that share; others claim it too when they are done
};
static_assert(offsetof(Thread, host) == 0, "a TamisHost * is a Thread *");

/// The parallel region under way.
struct Region {
  TamisBody body;
  void *captures;
  int64_t count, grain;
};

/// Why a run ended; written once, by the thread that wins `claimed`.
struct Failure {
  std::atomic<bool> claimed;
  TamisStatus status;
  int64_t operation; ///< index into the operation table; -1 for none
  const char *reason;
  int64_t bytes; ///< what could not be allocated, or what a layer of experts takes beyond the budget
};

/// A region as recorded; TamisEvent without the strings.
struct RegionRecord {
  int64_t operation, begin, end, flops, bytes;
};

/// A layer of experts as reported; its counts are `experts` numbers of TamisContext::expertCounts from
/// `firstCount` on.
struct ExpertsRecord {
  int64_t operation, experts, tokens, pairs, expertBytes, firstCount;
};

/// A place where rows were left out, as reported.
struct TokensRecord {
  int64_t operation, rows, kept;
};

/// Bits of TamisContext::interrupt.
enum : uint32_t { kCancelled = 1, kFailed = 2 };

/// Host functions given to generated code.
void *hostAllocate(TamisHost *host, int64_t bytes);
void hostRelease(TamisHost *host, void *data);
void hostParallel(TamisHost *host, TamisBody body, void *captures, int64_t count, int64_t grain,
                  int64_t operation, int64_t flops, int64_t bytes);
void hostFail(TamisHost *host, int64_t operation, const char *reason);
void hostExperts(TamisHost *host, int64_t operation, const int64_t *counts, int64_t experts, int64_t tokens,
                 int64_t pairs, const int64_t *places, const void *in, int64_t inBytes, const void *out,
                 int64_t outBytes);
void hostObserve(TamisHost *host, int64_t operation, int64_t experts, int64_t tokens, int64_t slots,
                 int64_t columns, const int64_t *indices, const float *weights, const float *outputs,
                 const float *logits);

void hostObserveStates(TamisHost *host, int64_t operation, int64_t layer, int64_t rows, int64_t columns,
                       const float *states);
void hostTokens(TamisHost *host, int64_t operation, int64_t rows, int64_t kept, const int64_t *places);

/// Takes over the values of a step that there is.
void chooseStep(TamisContext *context, int32_t index);

/// The name of a row of the operation table; "" for a number that is none.
const char *operationName(const TamisContext *context, int64_t number);

void hostCache(TamisHost *host, int64_t cache, int64_t heads, int64_t rows, int64_t rowBytes,
               TamisCacheRows *place);
void hostKeep(TamisHost *host, int64_t number, int64_t rows, int64_t rowBytes, TamisCacheRows *place);
/// Ends the run from a host function for want of `bytes`, or because the input is refused.
[[noreturn]] void leaveForMemory(TamisHost *host, int64_t bytes);
[[noreturn]] void leaveForInput(TamisHost *host, const char *reason);

/// Puts the inputs of a run with the context's caches into its `values`: those of the caller, and the caches.
TamisStatus bindCaches(TamisContext *context, const TamisValue *inputs, int32_t count, TamisError *error);

/// Checks the inputs of a run against the signature and fills `tensors`. `symbols` is scratch.
TamisStatus checkInputs(const TamisModel *model, const TamisValue *inputs, int32_t count,
                        TamisTensor *tensors, int64_t *symbols, TamisError *error);

} // namespace tamis

/// Memory of its allocator. Used by one thread at a time, but for `interrupt` and the workers of a region.
struct TamisContext {
  const TamisModel *model;
  TamisAllocator allocator;
  TamisLogger logger;
  void *loggerUser;
  TamisExpertObserver expertObserver;
  void *expertObserverUser;
  TamisStateObserver stateObserver;
  void *stateObserverUser;
  TamisTokenObserver tokenObserver;
  void *tokenObserverUser;
  int32_t threadCount;
  bool ownPool, profile, hasOutputs;
  TamisPool callerPool;
  tamis::Thread *threads;
  TamisTensor *inputs, *outputs;
  TamisValue *values; ///< the inputs of a run with the context's caches, which the caller does not give
  int64_t *symbols;
  float *settings;
  int32_t step; ///< that the settings are of; -1: none
  int64_t deadline;
  tamis::RegionRecord *records;
  int64_t recordCount, recordCapacity;
  tamis::ExpertsRecord *experts;
  int64_t expertsCount, expertsCapacity;
  int64_t *expertCounts;
  int64_t expertCountsSize, expertCountsCapacity;
  tamis::TokensRecord *tokens;
  int64_t tokensCount, tokensCapacity;
  tamis::ExpertTraffic traffic;
  std::atomic<bool> busy;
  jmp_buf runEscape;
  tamis::Arena arena;
  tamis::CacheSet caches;
  tamis::Failure failure;
  alignas(64) std::atomic<uint32_t> interrupt; ///< read at every chunk, so alone on its line
  alignas(64) tamis::Region region;
  tamis::Pool pool;
};

#endif
