//===- Mapping.h - Files and memory as mapped pages -----------------------------------------------------===//
#ifndef TAMIS_RUNTIME_MAPPING_H
#define TAMIS_RUNTIME_MAPPING_H

#include "tamis/runtime.h"

namespace tamis {

/// Pages of a file or of anonymous memory. Zeroed is empty. Unmapped by unmap, not by a destructor.
struct Mapping {
  const uint8_t *data;
  size_t bytes;

  /// Maps a regular file for reading; links are followed. Fails on a file that is empty.
  TamisStatus mapFile(const char *path, TamisError *error);
  /// Maps a private copy of memory, followed by zeros to the end of its last page.
  TamisStatus mapCopy(const void *source, size_t length, TamisError *error);
  /// Makes the pages from `offset` (a multiple of the page size) to the end of [offset, offset + length)
  /// executable, and not writable.
  TamisStatus makeExecutable(size_t offset, size_t length, TamisError *error) const;
  void unmap();
};

/// Pages of a file, mapped for reading. The first gives those back that lie in [data, data + bytes) as a
/// whole: they are read again when they are used again. The others bring those in that hold any byte of it;
/// one begins to, the other waits until they are there.
void givePagesBack(const uint8_t *data, size_t bytes);
void askForPages(const uint8_t *data, size_t bytes);
void readPages(const uint8_t *data, size_t bytes);

} // namespace tamis

#endif
