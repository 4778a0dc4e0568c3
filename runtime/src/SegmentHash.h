//===- SegmentHash.h - The hash of a segment, piece by piece --------------------------------------------===//
//
// A segment of more than one piece of 4 MiB has the hash of the hashes of its pieces (64-bit little-endian
// words in order), a shorter one that of its bytes. So threads can share the work of checking many weights.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_SEGMENTHASH_H
#define TAMIS_RUNTIME_SEGMENTHASH_H

#include "Hash.h"

namespace tamis {

/// The hash in streaming form, which the compiler's writer uses.
class SegmentHash {
public:
  static constexpr size_t kPiece = size_t(4) << 20;

  void update(const void *data, size_t bytes) {
    const auto *at = static_cast<const uint8_t *>(data);
    while (bytes) {
      if (taken == kPiece) {
        endPiece();
        piece = Hash();
        taken = 0;
      }
      size_t part = bytes < kPiece - taken ? bytes : kPiece - taken;
      piece.update(at, part);
      taken += part;
      at += part;
      bytes -= part;
    }
  }

  /// The hash of all bytes so far.
  uint64_t finish() const {
    if (ended == 0)
      return piece.finish();
    SegmentHash last = *this;
    last.endPiece();
    return last.pieces.finish();
  }

private:
  void endPiece() {
    uint64_t hash = piece.finish();
    pieces.update(&hash, sizeof(hash));
    ++ended;
  }

  Hash piece, pieces;
  size_t taken = 0, ended = 0;
};

/// The hash of a segment in memory. Where it has many pieces, so many threads take it and end with the call;
/// 0 stands for as many as this process has cores, 4 at most. With `giveBack`, for a mapped file, pages that
/// were read are given back at once.
uint64_t hashSegment(const uint8_t *data, size_t bytes, int32_t threads, bool giveBack = false);

} // namespace tamis

#endif
