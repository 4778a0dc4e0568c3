//===- ArtifactHeader.h - An artifact's header, whatever CPU its code is for -------------===//
#ifndef TAMIS_TOOLS_ARTIFACTHEADER_H
#define TAMIS_TOOLS_ARTIFACTHEADER_H

#include "runtime/src/Artifact.h"
#include "runtime/src/Mapping.h"

#include <string>

namespace tamis::tools {

/// The header of an artifact that passed all of the loader's checks, hashes included, but of which no code
/// is chosen.
class ArtifactHeader {
public:
  /// Throws ToolError: System if the file cannot be read, Refused if it is no artifact or is damaged.
  explicit ArtifactHeader(const std::string &path);
  ~ArtifactHeader() { mapping.unmap(); }
  ArtifactHeader(const ArtifactHeader &) = delete;
  ArtifactHeader &operator=(const ArtifactHeader &) = delete;

  const schema::Artifact &header() const { return *artifact.header; }
  size_t headerBytes() const { return artifact.headerBytes; }
  size_t fileBytes() const { return mapping.bytes; }
  /// The model that it was made of: its name, and its hash in hexadecimal digits.
  std::string sourceName() const { return header().provenance()->source_name()->str(); }
  std::string sourceHash() const;
  /// As the file's prefix has it.
  uint64_t headerHash() const;

private:
  Mapping mapping{};
  Artifact artifact{};
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_ARTIFACTHEADER_H
