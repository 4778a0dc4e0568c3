//===- Cache.h - The keys and values that a context keeps -----------------------------------------------===//
//
// One buffer a cache, [heads of all sequences, capacity, size], of which each head's first `length` rows are
// in use. A run with the caches writes its new rows behind them in place; they count once the run has
// succeeded, so that a run that fails loses nothing. (Where a model appends each sequence behind its own
// tokens, it writes from the number on that its inputs say; a run on fewer tokens than are in use overwrites
// the others.) Buffers grow by doubling, up to the model's maximum; a
// run within the capacity allocates nothing and copies no row of the past.
//
// Beside them lies what code makes of the rows and wants again in the next run (TamisHost::keep). What it
// holds of rows that are cut off is for the code to see.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_CACHE_H
#define TAMIS_RUNTIME_CACHE_H

#include "Model.h"
#include "tamis/code_abi.h"

namespace tamis {

/// Used by one thread at a time.
class CacheSet {
public:
  /// False when memory ran out. Takes memory for the rows only as they come.
  bool initialize(const TamisAllocator &allocator, const TamisModel *model);
  void destroy();

  /// Rows of each sequence that are in use.
  int64_t length() const { return tokens; }
  /// Sequences of the rows in use; 0 when there are none.
  int64_t sequences() const { return batch; }
  /// Rows of a sequence that there is room for.
  int64_t capacity() const { return count ? buffers[0].capacity : 0; }
  /// Keeps the first `length` rows, which is no more than there are.
  void truncate(int64_t length);
  /// Makes room for so many sequences of so many rows; false when memory ran out. Rows in use stay.
  bool reserve(int64_t sequences, int64_t rows);
  /// The rows in use of one cache, as an input of the model; with none, of `sequences` sequences.
  TamisValue value(int32_t cache, int64_t sequences) const;

  /// Starts a run, with these caches or with those that the caller gives.
  void begin(bool own);
  /// Whether the run under way, or the last one, uses these.
  bool inUse() const { return own; }
  /// The place of one cache's present in the run; its data is null when memory ran out.
  TamisCacheRows place(int32_t cache, int64_t heads, int64_t rows);
  /// The memory of a number beside the caches, for a run with them; its data is null when memory ran out.
  TamisCacheRows keep(int64_t number, int64_t rows, int64_t rowBytes);
  /// Bytes of a row of one cache.
  int64_t rowBytes(int32_t cache) const { return buffers[cache].rowBytes; }
  /// The run has succeeded: its rows are in use.
  void commit();
  /// Whether the output of the last run lies in a cache.
  bool holds(int32_t output) const;
  /// Bytes reserved, with those beside the caches.
  int64_t bytes() const;

private:
  struct Buffer {
    uint8_t *data;
    int64_t heads, capacity, rowBytes;
  };
  struct Kept {
    uint8_t *data;
    int64_t bytes, rowBytes;
  };
  bool grow(Buffer &buffer, int64_t heads, int64_t rows);
  int64_t roomFor(int64_t rows) const;
  void release(Buffer &buffer);

  TamisAllocator allocator;
  const TamisModel *model;
  Buffer *buffers;
  int32_t count;
  Kept *kept;
  int64_t keptCapacity;
  bool own;
  int64_t tokens, batch;       ///< in use
  int64_t newTokens, newBatch; ///< of the run under way
};

} // namespace tamis

#endif
