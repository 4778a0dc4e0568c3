/*===- tamis/artifact_format.h - The first bytes of a .tamis file ---------------------------------------===*
 *
 * What a reader needs before it may look at the FlatBuffers header: the file's length, the header's length
 * and their hashes. docs/artifact.md describes the whole file. All numbers are little-endian.
 *
 *===---------------------------------------------------------------------------------------------------===*/
#ifndef TAMIS_ARTIFACT_FORMAT_H
#define TAMIS_ARTIFACT_FORMAT_H

#include <stdint.h>

/* Not text, damaged by every conversion of line ends, and stops a DOS `type`. */
#define TAMIS_ARTIFACT_MAGIC "TAMIS\r\n\x1a"
#define TAMIS_ARTIFACT_VERSION 2
/* Segments start on multiples of this; so does the end of the header. */
#define TAMIS_ARTIFACT_PAGE 4096
/* Weights of four large pages or more start on one, so that they can be mapped in large pages. */
#define TAMIS_ARTIFACT_LARGE_PAGE (2 * 1024 * 1024)
/* The header is refused above this: FlatBuffers' own limit is 2 GiB. */
#define TAMIS_ARTIFACT_MAX_HEADER (UINT64_C(1) << 30)

typedef struct TamisArtifactPrefix {
  uint8_t magic[8];
  uint32_t version;      /* TAMIS_ARTIFACT_VERSION */
  uint32_t prefix_bytes; /* 64; the FlatBuffers header follows */
  uint64_t header_bytes;
  uint64_t file_bytes;
  uint64_t header_hash; /* of the header's bytes, without padding; see runtime/src/Hash.h */
  uint64_t reserved[2]; /* 0 */
  uint64_t prefix_hash; /* of the 56 bytes before */
} TamisArtifactPrefix;

#ifdef __cplusplus
static_assert(sizeof(TamisArtifactPrefix) == 64, "the prefix is 64 bytes without gaps");
#endif
#endif
