//===- Arena.cpp - The memory of one run ----------------------------------------------------------------===//
#include "Arena.h"
#include "Memory.h"
#include <cstring>

using namespace tamis;

// Above this no machine has memory; below it no sum of offset and size overflows.
static constexpr uint64_t kLargestBlock = uint64_t(1) << 47;

void Arena::initialize(const TamisAllocator &allocator, uint64_t limit, bool isLazy) {
  memset(static_cast<void *>(this), 0, sizeof(*this));
  this->allocator = allocator;
  this->isLazy = isLazy;
  this->limit = limit ? limit : UINT64_MAX;
}

void Arena::destroy() {
  for (int64_t i = 0; i < count; ++i)
    if (!inBase(blocks[i]))
      releaseOverflow(blocks[i]);
  if (base)
    allocator.release(allocator.user, base, baseBytes, alignmentOf(baseBytes));
  if (next)
    allocator.release(allocator.user, next, nextBytes, alignmentOf(nextBytes));
  releaseArray(allocator, blocks, size_t(capacity));
}

uint64_t Arena::reservedBytes() const {
  bool isWhole = !isLazy || largestExtent >= baseBytes;
  return (isWhole ? baseBytes : roundUp(largestExtent, 4096)) + overflowBytes + nextBytes;
}

// Blocks that can hold a huge page are aligned to one, from a size on where the waste is small.
uint64_t Arena::alignmentOf(uint64_t bytes) {
  return bytes >= (uint64_t(4) << 20) ? uint64_t(2) << 20 : 4096;
}

void *Arena::system(uint64_t bytes) {
  ++allocations;
  return allocator.allocate(allocator.user, bytes, alignmentOf(bytes));
}

void Arena::releaseOverflow(const Block &block) {
  overflowBytes -= block.bytes;
  allocator.release(allocator.user, block.data, block.bytes, alignmentOf(block.bytes));
}

void Arena::begin() {
  for (int64_t i = 0; i < count; ++i)
    if (!inBase(blocks[i]))
      releaseOverflow(blocks[i]);
  count = 0;
  if (next) {
    if (base)
      allocator.release(allocator.user, base, baseBytes, alignmentOf(baseBytes));
    base = next;
    baseBytes = nextBytes;
    next = nullptr;
    nextBytes = 0;
  }
  inUse = peak = extent = 0;
  allocations = 0;
  overLimit = false;
  if (!base) {
    uint64_t first = isLazy ? kFirstLazyBase : kFirstBase;
    uint64_t bytes = first < limit ? first : roundUp(limit, kAlignment);
    base = static_cast<uint8_t *>(system(bytes));
    baseBytes = base ? bytes : 0; // without a base every block gets memory of its own, or fails
  }
}

bool Arena::end() {
  if (extent > largestExtent)
    largestExtent = extent;
  if (largestExtent <= baseBytes)
    return false;
  // Without memory for it the base stays as it is, and the next run tries again.
  uint64_t bytes = roundUp(largestExtent, 4096);
  next = static_cast<uint8_t *>(system(bytes));
  nextBytes = next ? bytes : 0;
  return next != nullptr;
}

bool Arena::growBlocks() {
  ++allocations;
  return growArray(allocator, blocks, count, count + 1, capacity, 256);
}

void *Arena::allocate(int64_t wanted) {
  overLimit = false;
  if (wanted < 0 || uint64_t(wanted) > kLargestBlock)
    return nullptr;
  uint64_t bytes = roundUp(wanted ? uint64_t(wanted) : 1, kAlignment);
  if (count == capacity && !growBlocks())
    return nullptr;

  // The place: before blocks[index], at offset.
  int64_t index = count;
  uint64_t offset = count ? blocks[count - 1].offset + blocks[count - 1].bytes : 0;
  uint64_t smallest = UINT64_MAX, end = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t gap = blocks[i].offset - end;
    if (gap >= bytes && gap < smallest) {
      smallest = gap;
      index = i;
      offset = end;
    }
    end = blocks[i].offset + blocks[i].bytes;
  }

  Block block = {offset, bytes, nullptr};
  uint64_t reached = offset + bytes;
  if (reached > limit || reached > kLargestBlock) {
    overLimit = reached > limit;
    return nullptr;
  }
  if (inBase(block)) {
    block.data = base + offset;
  } else {
    block.data = static_cast<uint8_t *>(system(bytes));
    if (!block.data)
      return nullptr;
    overflowBytes += bytes;
  }
  memmove(blocks + index + 1, blocks + index, size_t(count - index) * sizeof(Block));
  blocks[index] = block;
  ++count;
  inUse += bytes;
  peak = inUse > peak ? inUse : peak;
  extent = reached > extent ? reached : extent;
  return block.data;
}

// The index of the block that starts at `data`; -1 when there is none.
int64_t Arena::find(const uint8_t *data) const {
  if (base && data >= base && data < base + baseBytes) {
    uint64_t offset = uint64_t(data - base);
    int64_t low = 0, high = count;
    while (low < high) {
      int64_t middle = low + (high - low) / 2;
      if (blocks[middle].offset < offset)
        low = middle + 1;
      else
        high = middle;
    }
    return low < count && blocks[low].data == data ? low : -1;
  }
  // Blocks outside the base have the highest offsets.
  for (int64_t i = count - 1; i >= 0 && !inBase(blocks[i]); --i)
    if (blocks[i].data == data)
      return i;
  return -1;
}

void Arena::release(void *data) {
  int64_t index = find(static_cast<uint8_t *>(data));
  if (index < 0)
    return;
  inUse -= blocks[index].bytes;
  if (!inBase(blocks[index]))
    releaseOverflow(blocks[index]);
  --count;
  memmove(blocks + index, blocks + index + 1, size_t(count - index) * sizeof(Block));
}

bool Arena::owns(const void *data) const {
  auto *at = static_cast<const uint8_t *>(data);
  if (base && at >= base && at < base + baseBytes)
    return true;
  for (int64_t i = count - 1; i >= 0 && !inBase(blocks[i]); --i)
    if (at >= blocks[i].data && at < blocks[i].data + blocks[i].bytes)
      return true;
  return false;
}
