//===- ArtifactHeader.cpp - An artifact's header, whatever CPU its code is for -----------===//

#include "ArtifactHeader.h"

#include "ExitCode.h"

#include "tamis/artifact_format.h"

#include <cstring>
#include <fmt/format.h>

namespace tamis::tools {

ArtifactHeader::ArtifactHeader(const std::string &path) {
  TamisError error = TAMIS_ERROR_INIT;
  check(mapping.mapFile(path.c_str(), &error), error);
  TamisStatus status =
      checkFile(mapping.data, mapping.bytes, TAMIS_MODEL_OPTIONS_INIT, path.c_str(), artifact, &error);
  if (status != TAMIS_OK)
    mapping.unmap(); // a constructor that throws has no destructor to do it
  check(status, error);
}

std::string ArtifactHeader::sourceHash() const {
  return fmt::format("{:016x}", header().provenance()->source_hash());
}

uint64_t ArtifactHeader::headerHash() const {
  TamisArtifactPrefix prefix;
  std::memcpy(&prefix, mapping.data, sizeof(prefix));
  return prefix.header_hash;
}

} // namespace tamis::tools
