//===- Artifact.h - The checks of an artifact -----------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_ARTIFACT_H
#define TAMIS_RUNTIME_ARTIFACT_H

#include "artifact_generated.h"
#include "tamis/runtime.h"

namespace tamis {

/// The parts of an artifact in memory. Pointers go into the memory that was checked.
struct Artifact {
  const schema::Artifact *header;
  const void *headerData;
  size_t headerBytes;
  const schema::Segment *weights; // null when there is none
};

/// Checks a header alone: FlatBuffers structure, code interface, and every number and index in it, except
/// that segments need not lie in a file. `what` opens the messages.
TamisStatus checkHeader(const void *data, size_t bytes, const char *what, Artifact &artifact,
                        TamisError *error);

/// Checks a whole file in memory, 8-byte aligned: lengths, hashes, padding, header, segments. The options
/// say who takes the weights' hash, if anyone.
TamisStatus checkFile(const uint8_t *data, size_t bytes, const TamisModelOptions &options, const char *what,
                      Artifact &artifact, TamisError *error);

} // namespace tamis

#endif
