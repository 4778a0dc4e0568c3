//===- Arena.h - The memory of one run ------------------------------------------------------------------===//
//
// Blocks get offsets in an address space without end: the smallest gap that fits, the lowest of equal ones,
// and the end only when no gap fits. So the offsets, and the extent (the highest end), depend on the
// sequence of calls alone and not on the memory that happens to be there. That memory is one block, the
// base, for the offsets below its size; a block that does not lie in it wholly gets memory of its own for
// the run. When a run's extent exceeded the base, a base of that extent is allocated at the run's end; it
// takes the old one's place when the next run starts, since the run's outputs lie in the old one till then.
// Hence no run of a size that was seen before allocates anything.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_ARENA_H
#define TAMIS_RUNTIME_ARENA_H

#include "tamis/runtime.h"

namespace tamis {

/// Used by one thread at a time.
class Arena {
public:
  /// Alignment and granularity of blocks: a cache line, and a vector register of AVX-512.
  static constexpr uint64_t kAlignment = 64;
  /// The base of a new arena; and of one whose pages cost nothing until they are touched, with room for the
  /// first run of most models, whose blocks would else come from the system one by one.
  static constexpr uint64_t kFirstBase = uint64_t(4) << 20, kFirstLazyBase = uint64_t(64) << 20;

  /// Takes no memory. `limit` bounds the extent of every run; 0 for none. `isLazy`: the allocator's pages
  /// cost nothing until they are touched.
  void initialize(const TamisAllocator &allocator, uint64_t limit, bool isLazy = false);
  void destroy();

  /// Starts a run: all blocks of the last one are gone.
  void begin();
  /// Ends it, failed or not. Blocks stay readable until the next begin. True when the base will grow.
  bool end();

  /// A block of `bytes`, aligned to kAlignment; at least one byte long. Null: memory ran out, or the limit
  /// was reached (see limitReached).
  void *allocate(int64_t bytes);
  /// Gives a block back. Memory that is no block of the arena (an input, a weight) is left alone.
  void release(void *data);

  /// Whether the last allocate that failed did so by the limit.
  bool limitReached() const { return overLimit; }
  /// Whether memory at `data` belongs to the arena, so that the next run may write over it.
  bool owns(const void *data) const;

  /// Without the part of a lazy base that no run has touched; between runs.
  uint64_t reservedBytes() const;
  /// In use at once, at most, in the last run.
  uint64_t peakBytes() const { return peak; }
  /// Calls of the allocator since begin.
  int64_t systemAllocations() const { return allocations; }

private:
  /// A block in use. Sorted by offset; the gaps between are free.
  struct Block {
    uint64_t offset, bytes;
    uint8_t *data;
  };

  static uint64_t alignmentOf(uint64_t bytes);
  bool inBase(const Block &block) const { return block.offset + block.bytes <= baseBytes; }
  void *system(uint64_t bytes);
  bool growBlocks();
  int64_t find(const uint8_t *data) const;
  void releaseOverflow(const Block &block);

  TamisAllocator allocator;
  uint8_t *base, *next;
  uint64_t baseBytes, nextBytes, overflowBytes;
  Block *blocks;
  int64_t count, capacity;
  uint64_t limit, inUse, peak, extent, largestExtent;
  int64_t allocations;
  bool overLimit, isLazy;
};

} // namespace tamis

#endif
