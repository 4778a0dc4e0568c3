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
    void *pages = mmap(nullptr, size_t(facts.st_size), PROT_READ, MAP_PRIVATE, file, 0);
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

void Mapping::unmap() {
  if (data)
    munmap(const_cast<uint8_t *>(data), bytes);
  *this = {};
}
