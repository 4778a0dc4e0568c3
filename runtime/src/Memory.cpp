//===- Memory.cpp - The allocator of a context ----------------------------------------------------------===//
#include "Memory.h"
#include <cstdlib>
#include <sys/mman.h>

static constexpr size_t kHugePage = size_t(2) << 20;

static void *allocate(void *, size_t bytes, size_t alignment) {
  void *data = nullptr;
  if (posix_memalign(&data, alignment, bytes) != 0)
    return nullptr;
  if (alignment >= kHugePage)
    madvise(data, bytes, MADV_HUGEPAGE); // a wish: without it the memory is as good, but slower
  return data;
}

static void release(void *, void *data, size_t, size_t) { free(data); }

TamisAllocator tamis::defaultAllocator() { return {nullptr, allocate, release}; }
