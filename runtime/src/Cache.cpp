//===- Cache.cpp - The keys and values that a context keeps ---------------------------------------------===//
#include "Cache.h"
#include "Context.h"
#include "Error.h"
#include "Memory.h"

using namespace tamis;

// Rows of the first buffer, so that short prompts do not grow at once.
static constexpr int64_t kFirstRows = 64;

bool CacheSet::initialize(const TamisAllocator &from, const TamisModel *of) {
  allocator = from;
  model = of;
  count = of->decoder.cacheCount;
  buffers = allocateArray<Buffer>(allocator, size_t(count));
  for (int32_t i = 0; buffers && i < count; ++i) {
    const TamisSignature &signature = of->inputs[of->cacheInputs[i]].signature;
    buffers[i].rowBytes = signature.dims[3].size * int64_t(tamis_type_size(signature.type));
  }
  return buffers != nullptr;
}

void CacheSet::destroy() {
  for (int32_t i = 0; buffers && i < count; ++i)
    release(buffers[i]);
  if (buffers)
    releaseArray(allocator, buffers, size_t(count));
  for (int64_t i = 0; i < keptCapacity; ++i)
    releaseArray(allocator, kept[i].data, size_t(kept[i].bytes));
  if (kept)
    releaseArray(allocator, kept, size_t(keptCapacity));
}

void CacheSet::release(Buffer &buffer) {
  releaseArray(allocator, buffer.data, size_t(buffer.heads * buffer.capacity * buffer.rowBytes));
  buffer.data = nullptr;
  buffer.heads = buffer.capacity = 0;
}

void CacheSet::truncate(int64_t length) {
  tokens = length;
  if (length == 0)
    batch = 0;
}

// At least twice what there was, so that a row is copied once on average, but no more than the model takes.
int64_t CacheSet::roomFor(int64_t rows) const {
  int64_t room = kFirstRows, most = model->decoder.maxLength;
  while (room < rows)
    room *= 2;
  return most >= rows && room > most ? most : room;
}

// Zeros lie behind the rows in use: masked rows are multiplied by 0, which only finite numbers survive. Room
// that there is, for rows in use or reserved, stays in both directions.
bool CacheSet::grow(Buffer &buffer, int64_t heads, int64_t rows) {
  heads = heads > buffer.heads ? heads : buffer.heads;
  int64_t capacity = rows > buffer.capacity ? roomFor(rows) : buffer.capacity, bytes;
  if (__builtin_mul_overflow(heads, capacity, &bytes) ||
      __builtin_mul_overflow(bytes, buffer.rowBytes, &bytes))
    return false;
  auto *data = allocateArray<uint8_t>(allocator, size_t(bytes));
  if (!data)
    return false;
  int64_t kept = tokens * buffer.rowBytes;
  for (int64_t h = 0; kept && h < buffer.heads; ++h)
    memcpy(data + h * capacity * buffer.rowBytes, buffer.data + h * buffer.capacity * buffer.rowBytes,
           size_t(kept));
  int64_t rowBytes = buffer.rowBytes;
  release(buffer);
  buffer = {data, heads, capacity, rowBytes};
  return true;
}

bool CacheSet::reserve(int64_t sequences, int64_t rows) {
  for (int32_t i = 0; i < count; ++i) {
    int64_t heads = sequences * model->inputs[model->cacheInputs[i]].signature.dims[1].size;
    if ((buffers[i].heads < heads || buffers[i].capacity < rows) && !grow(buffers[i], heads, rows))
      return false;
  }
  return true;
}

TamisValue CacheSet::value(int32_t cache, int64_t sequences) const {
  const TamisSignature &signature = model->inputs[model->cacheInputs[cache]].signature;
  return {signature.type,
          4,
          {tokens ? batch : sequences, signature.dims[1].size, tokens, signature.dims[3].size},
          buffers[cache].data};
}

void CacheSet::begin(bool useOwn) {
  own = useOwn;
  newTokens = tokens;
  newBatch = batch;
}

TamisCacheRows CacheSet::place(int32_t cache, int64_t heads, int64_t rows) {
  Buffer &buffer = buffers[cache];
  bool fits = buffer.data && buffer.heads >= heads && buffer.capacity >= rows;
  if (!fits && !grow(buffer, heads, rows))
    return {};
  newTokens = rows;
  newBatch = heads / model->inputs[model->cacheInputs[cache]].signature.dims[1].size;
  return {buffer.data, buffer.capacity, 1};
}

TamisCacheRows CacheSet::keep(int64_t number, int64_t rows, int64_t rowBytes) {
  int64_t bytes;
  if (__builtin_mul_overflow(rows, rowBytes, &bytes) ||
      !growArray(allocator, kept, keptCapacity, number + 1, keptCapacity))
    return {};
  Kept &memory = kept[number];
  // What was written by rows of another size is nothing that code could read.
  if (memory.rowBytes != rowBytes && memory.data)
    memset(memory.data, 0, size_t(memory.bytes));
  memory.rowBytes = rowBytes;
  if (!growArray(allocator, memory.data, memory.bytes, bytes, memory.bytes))
    return {};
  return {memory.data, rows, 1};
}

void CacheSet::commit() {
  if (!own)
    return;
  tokens = newTokens;
  batch = newBatch;
}

bool CacheSet::holds(int32_t output) const {
  for (int32_t i = 0; own && i < count; ++i)
    if (model->cacheOutputs[i] == output)
      return true;
  return false;
}

int64_t CacheSet::bytes() const {
  int64_t total = 0;
  for (int32_t i = 0; i < count; ++i)
    total += buffers[i].heads * buffers[i].capacity * buffers[i].rowBytes;
  for (int64_t i = 0; i < keptCapacity; ++i)
    total += kept[i].bytes;
  return total;
}

void tamis::hostCache(TamisHost *host, int64_t cache, int64_t heads, int64_t rows, int64_t rowBytes,
                      TamisCacheRows *place) {
  auto *thread = reinterpret_cast<Thread *>(host);
  TamisContext *context = thread->context;
  int64_t bytes;
  if (__builtin_mul_overflow(heads, rows, &bytes) || __builtin_mul_overflow(bytes, rowBytes, &bytes))
    leaveForMemory(host, INT64_MAX);
  if (!context->caches.inUse()) {
    *place = {hostAllocate(host, bytes), rows, 0};
    return;
  }
  int64_t most = context->model->decoder.maxLength;
  if (most != 0 && rows > most)
    leaveForInput(host, "the sequences become longer than the model's caches may be; begin new ones");
  if (rowBytes != context->caches.rowBytes(int32_t(cache)))
    leaveForInput(host,
                  "a cache's rows are not of the size that the signature says; compile the model again");
  *place = context->caches.place(int32_t(cache), heads, rows);
  if (!place->data)
    leaveForMemory(host, bytes);
}

void tamis::hostKeep(TamisHost *host, int64_t number, int64_t rows, int64_t rowBytes, TamisCacheRows *place) {
  CacheSet &caches = reinterpret_cast<Thread *>(host)->context->caches;
  int64_t bytes;
  if (__builtin_mul_overflow(rows, rowBytes, &bytes))
    leaveForMemory(host, INT64_MAX);
  *place = caches.inUse() ? caches.keep(number, rows, rowBytes)
                          : TamisCacheRows{hostAllocate(host, bytes), rows, 0};
  if (!place->data)
    leaveForMemory(host, bytes);
}

//===----------------------------------------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------------------------------------===//

static TamisStatus checkDecoder(const TamisContext *context, TamisError *error) {
  if (!context)
    return fail(error, TAMIS_ERROR_USAGE, "the context is null");
  if (context->model->decoder.cacheCount == 0)
    return fail(error, TAMIS_ERROR_USAGE,
                "the model has no caches: no output is one of its inputs with new rows behind it");
  return TAMIS_OK;
}

// Calls from within a run, as an observer could make them, would take its buffers from under it.
static TamisStatus checkIdle(const TamisContext *context, TamisError *error) {
  if (TamisStatus status = checkDecoder(context, error); status != TAMIS_OK)
    return status;
  if (context->busy.load(std::memory_order_acquire))
    return fail(error, TAMIS_ERROR_USAGE, "the context is running; change its caches between runs");
  return TAMIS_OK;
}

TamisStatus tamis::bindCaches(TamisContext *context, const TamisValue *inputs, int32_t count,
                              TamisError *error) {
  if (TamisStatus status = checkDecoder(context, error); status != TAMIS_OK)
    return status;
  const TamisModel *model = context->model;
  if (count != model->inputCount || !inputs)
    return fail(error, TAMIS_ERROR_INPUT, "%d inputs were given; the model takes %d", inputs ? count : 0,
                model->inputCount);
  if (inputs != context->values)
    memcpy(context->values, inputs, size_t(count) * sizeof(TamisValue));
  int32_t ids = model->decoder.ids;
  int64_t sequences = ids >= 0 && inputs[ids].rank > 0 ? inputs[ids].dims[0] : 1;
  if (context->caches.length() != 0 && sequences != context->caches.sequences())
    return fail(error, TAMIS_ERROR_INPUT,
                "%lld sequences were given, but the context's caches hold %lld; give as many, or reset them",
                static_cast<long long>(sequences), static_cast<long long>(context->caches.sequences()));
  for (int32_t i = 0; i < model->decoder.cacheCount; ++i)
    context->values[model->cacheInputs[i]] = context->caches.value(i, sequences);
  return TAMIS_OK;
}

int64_t tamis_cache_length(const TamisContext *context) { return context ? context->caches.length() : 0; }

TamisStatus tamis_cache_truncate(TamisContext *context, int64_t length, TamisError *error) {
  if (TamisStatus status = checkIdle(context, error); status != TAMIS_OK)
    return status;
  if (length < 0 || length > context->caches.length())
    return fail(error, TAMIS_ERROR_USAGE, "the caches cannot be cut to %lld rows: they have %lld",
                static_cast<long long>(length), static_cast<long long>(context->caches.length()));
  context->caches.truncate(length);
  return TAMIS_OK;
}

TamisStatus tamis_cache_reserve(TamisContext *context, int64_t sequences, int64_t length, TamisError *error) {
  if (TamisStatus status = checkIdle(context, error); status != TAMIS_OK)
    return status;
  int64_t most = context->model->decoder.maxLength;
  if (sequences < 1 || length < 1 || sequences > INT32_MAX || length > INT32_MAX)
    return fail(error, TAMIS_ERROR_USAGE, "room was asked for %lld sequences of %lld tokens",
                static_cast<long long>(sequences), static_cast<long long>(length));
  if (most != 0 && length > most)
    return fail(error, TAMIS_ERROR_INPUT, "room was asked for %lld tokens; the model's caches hold %lld",
                static_cast<long long>(length), static_cast<long long>(most));
  if (!context->caches.reserve(sequences, length))
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for caches of %lld sequences of %lld tokens",
                static_cast<long long>(sequences), static_cast<long long>(length));
  return TAMIS_OK;
}
