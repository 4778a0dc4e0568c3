//===- SegmentHash.cpp - The hash of a segment by several threads ---------------------------------------===//
#include "SegmentHash.h"
#include "Cpu.h"
#include "Mapping.h"
#include "Memory.h"
#include "Pool.h"
#include <atomic>

using namespace tamis;

/// A few threads read as fast as memory gives.
static constexpr int32_t kMostThreads = 4;
/// Fewer pieces than these are read sooner than threads start.
static constexpr size_t kFewPieces = 4;

namespace {
struct Work {
  const uint8_t *data;
  size_t bytes, pieces;
  uint64_t *hashes;
  bool giveBack;
  std::atomic<size_t> next{0};
};
} // namespace

static void hashPieces(void *argument, int32_t) {
  auto &work = *static_cast<Work *>(argument);
  for (size_t i; (i = work.next.fetch_add(1, std::memory_order_relaxed)) < work.pieces;) {
    size_t begin = i * SegmentHash::kPiece, left = work.bytes - begin;
    size_t bytes = left < SegmentHash::kPiece ? left : SegmentHash::kPiece;
    work.hashes[i] = Hash::of(work.data + begin, bytes);
    if (work.giveBack)
      givePagesBack(work.data + begin, bytes);
  }
}

uint64_t tamis::hashSegment(const uint8_t *data, size_t bytes, int32_t threads, bool giveBack) {
  size_t pieces = (bytes + SegmentHash::kPiece - 1) / SegmentHash::kPiece;
  TamisAllocator allocator = defaultAllocator();
  uint64_t *hashes = pieces < kFewPieces ? nullptr : allocateArray<uint64_t>(allocator, pieces);
  if (!hashes) {
    SegmentHash hash;
    hash.update(data, bytes);
    if (giveBack)
      givePagesBack(data, bytes);
    return hash.finish();
  }
  Work work{data, bytes, pieces, hashes, giveBack};
  Pool pool = {};
  if (threads == 0)
    threads = coreCount() < kMostThreads ? coreCount() : kMostThreads;
  // Where threads cannot be started, the caller does it alone.
  TamisError ignored;
  if (pool.start(threads, allocator, &ignored) == TAMIS_OK)
    pool.run(hashPieces, &work);
  else
    hashPieces(&work, 0);
  pool.stop();
  uint64_t result = Hash::of(hashes, pieces * sizeof(uint64_t));
  releaseArray(allocator, hashes, pieces);
  return result;
}
