//===- Mapping.cpp - Files and memory as mapped pages ---------------------------------------------------===//
#include "Mapping.h"
#include "Error.h"
#include "Memory.h"
#include "tamis/artifact_format.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tamis;

// Maps a file that is at least a large page long so that its offsets and its addresses agree modulo a large
// page: then the system can map what its cache holds in large pages as such.
static void *mapPages(int file, size_t length) {
  constexpr size_t kLarge = TAMIS_ARTIFACT_LARGE_PAGE;
  if (length < kLarge)
    return mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, 0);
  size_t reserved = roundUp(length, TAMIS_ARTIFACT_PAGE) + kLarge;
  void *space = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED)
    return mmap(nullptr, length, PROT_READ, MAP_PRIVATE, file, 0);
  auto *begin = static_cast<char *>(space);
  char *aligned = begin + (kLarge - reinterpret_cast<uintptr_t>(begin) % kLarge) % kLarge;
  void *pages = mmap(aligned, length, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
  if (pages == MAP_FAILED) {
    munmap(space, reserved);
    return MAP_FAILED;
  }
  char *end = aligned + roundUp(length, TAMIS_ARTIFACT_PAGE);
  if (aligned > begin)
    munmap(begin, size_t(aligned - begin));
  munmap(end, size_t(begin + reserved - end));
  madvise(pages, length, MADV_HUGEPAGE); // a wish
  return pages;
}

TamisStatus Mapping::mapFile(const char *path, TamisError *error) {
  // Non-blocking, so that a named pipe is refused rather than waited for.
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0)
    return fail(error, TAMIS_ERROR_SYSTEM, "cannot open '%.200s': %s", path, strerror(errno));
  struct stat facts;
  TamisStatus status = TAMIS_OK;
  if (fstat(file, &facts) != 0)
    status = fail(error, TAMIS_ERROR_SYSTEM, "cannot look at '%.200s': %s", path, strerror(errno));
  else if (!S_ISREG(facts.st_mode))
    status = fail(error, TAMIS_ERROR_SYSTEM, "'%.200s' is not a regular file", path);
  else if (facts.st_size == 0)
    status = fail(error, TAMIS_ERROR_ARTIFACT, "'%.200s' is empty", path);
  if (status == TAMIS_OK) {
    void *pages = mapPages(file, size_t(facts.st_size));
    if (pages == MAP_FAILED)
      status = fail(error, TAMIS_ERROR_SYSTEM, "cannot map '%.200s': %s", path, strerror(errno));
    else
      *this = {static_cast<const uint8_t *>(pages), size_t(facts.st_size)};
  }
  close(file);
  return status;
}

TamisStatus Mapping::mapCopy(const void *source, size_t length, TamisError *error) {
  void *pages = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for a copy of %zu bytes", length);
  memcpy(pages, source, length);
  mprotect(pages, length, PROT_READ);
  *this = {static_cast<const uint8_t *>(pages), length};
  return TAMIS_OK;
}

TamisStatus Mapping::makeExecutable(size_t offset, size_t length, TamisError *error) const {
  auto *start = const_cast<uint8_t *>(data) + offset;
  if (mprotect(start, roundUp(length, TAMIS_ARTIFACT_PAGE), PROT_READ | PROT_EXEC) == 0)
    return TAMIS_OK;
  return fail(error, TAMIS_ERROR_SYSTEM,
              "the system refuses to execute the artifact's code (%s); is its file system mounted noexec?",
              strerror(errno));
}

// madvise for the pages that lie in [data, data + bytes) as a whole, or that hold any byte of it.
static int advise(const uint8_t *data, size_t bytes, bool whole, int advice) {
  constexpr uintptr_t kPage = TAMIS_ARTIFACT_PAGE;
  auto begin = reinterpret_cast<uintptr_t>(data), end = begin + bytes;
  begin = whole ? roundUp(begin, kPage) : begin / kPage * kPage;
  end = whole ? end / kPage * kPage : roundUp(end, kPage);
  return begin < end ? madvise(reinterpret_cast<void *>(begin), end - begin, advice) : 0;
}

void tamis::givePagesBack(const uint8_t *data, size_t bytes) { advise(data, bytes, true, MADV_DONTNEED); }

void tamis::askForPages(const uint8_t *data, size_t bytes) { advise(data, bytes, false, MADV_WILLNEED); }

void tamis::readPages(const uint8_t *data, size_t bytes) {
#ifdef MADV_POPULATE_READ
  if (advise(data, bytes, false, MADV_POPULATE_READ) == 0)
    return;
#endif
  // Linux before 5.14.
  for (size_t at = 0; at < bytes; at += TAMIS_ARTIFACT_PAGE)
    (void)*static_cast<const volatile uint8_t *>(data + at);
}

void Mapping::unmap() {
  if (data)
    munmap(const_cast<uint8_t *>(data), bytes);
  *this = {};
}
