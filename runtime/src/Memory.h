//===- Memory.h - The allocator of a context ------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_MEMORY_H
#define TAMIS_RUNTIME_MEMORY_H

#include "tamis/runtime.h"

namespace tamis {

/// malloc's, with huge pages asked for where a block is large enough to hold some.
TamisAllocator defaultAllocator();

/// Rounds up to a multiple of a power of two. The caller has checked that it does not overflow.
constexpr uint64_t roundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) & ~(multiple - 1);
}

/// An array of `count` T, zeroed, of the allocator; null when memory ran out. Released by releaseArray.
template <typename T> T *allocateArray(const TamisAllocator &allocator, size_t count) {
  constexpr size_t alignment = alignof(T) < 64 ? 64 : alignof(T);
  size_t bytes;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes))
    return nullptr;
  bytes = bytes ? bytes : 1;
  void *data = allocator.allocate(allocator.user, bytes, alignment);
  if (data)
    __builtin_memset(data, 0, bytes);
  return static_cast<T *>(data);
}

/// `count` as at allocation. Null is allowed.
template <typename T> void releaseArray(const TamisAllocator &allocator, T *data, size_t count) {
  constexpr size_t alignment = alignof(T) < 64 ? 64 : alignof(T);
  size_t bytes = count * sizeof(T);
  if (data)
    allocator.release(allocator.user, data, bytes ? bytes : 1, alignment);
}

/// Makes room for `wanted` elements in an array of `capacity`, which keeps its first `count` and at least
/// doubles, from `first` on; new ones are zeroed. False when memory ran out: then the array is as it was.
template <typename T>
bool growArray(const TamisAllocator &allocator, T *&data, int64_t count, int64_t wanted, int64_t &capacity,
               int64_t first = 64) {
  if (wanted <= capacity)
    return true;
  int64_t larger = capacity ? capacity * 2 : first;
  larger = larger < wanted ? wanted : larger;
  T *moved = allocateArray<T>(allocator, size_t(larger));
  if (!moved)
    return false;
  if (count)
    __builtin_memcpy(static_cast<void *>(moved), data, size_t(count) * sizeof(T));
  releaseArray(allocator, data, size_t(capacity));
  data = moved;
  capacity = larger;
  return true;
}

} // namespace tamis

#endif
