//===- Hash.h - The 64-bit hash of artifacts ------------------------------------------------------------===//
//
// Detects damage to a file at the speed of memory. It is no defence against malice.
//
// Eight independent lanes take one 64-bit word each of every 64-byte block. A step is
// lane = rotate((lane ^ word) * odd), a bijection of the lane for a given word and of the word for a given
// lane; the lanes are folded, and the length mixed in, by such steps too. So two inputs that differ in one
// word (in particular, in one byte) never have the same hash, and other differences escape with a
// probability of about 2^-64. Header-only, since the compiler's writer uses it as well.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_HASH_H
#define TAMIS_RUNTIME_HASH_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tamis {

/// The hash in streaming form: any split of the bytes over calls of update gives the same result.
class Hash {
public:
  void update(const void *data, size_t bytes) {
    if (bytes == 0)
      return; // memcpy forbids a null source even for no bytes
    const auto *at = static_cast<const uint8_t *>(data);
    total += bytes;
    if (pending) {
      size_t taken = bytes < kBlock - pending ? bytes : kBlock - pending;
      memcpy(block + pending, at, taken);
      pending += taken;
      at += taken;
      bytes -= taken;
      if (pending < kBlock)
        return;
      step(block, 1);
      pending = 0;
    }
    step(at, bytes / kBlock);
    at += bytes - bytes % kBlock;
    pending = bytes % kBlock;
    if (pending)
      memcpy(block, at, pending);
  }

  /// The hash of all bytes so far. More bytes may follow.
  uint64_t finish() const {
    Hash last = *this;
    if (pending) {
      memset(last.block + pending, 0, kBlock - pending); // the length tells zeros from nothing
      last.step(last.block, 1);
    }
    uint64_t result = 0;
    for (int i = 0; i < kLanes; ++i)
      result = mix(result, last.lanes[i], i);
    result = mix(result, total, 0);
    result ^= result >> 32;
    result *= kOdd[1];
    result ^= result >> 29;
    return result;
  }

  /// The hash of one piece of memory.
  static uint64_t of(const void *data, size_t bytes) {
    Hash hash;
    hash.update(data, bytes);
    return hash.finish();
  }

private:
  static constexpr int kLanes = 8;
  static constexpr size_t kBlock = 64;
  // Odd numbers with well mixed bits: multiplication by them is invertible modulo 2^64.
  static constexpr uint64_t kOdd[kLanes] = {0x9f3c5d81b7a2e64d, 0xc6a4f1937be5d20b, 0xb15e93d74c8fa639,
                                            0xe8d2a76b3915cf47, 0xd4b97f2ce6301a85, 0xa57c14e8932bdf61,
                                            0xf2913b6da8c745e3, 0x8ce6d5b2714f9a3b};

  static uint64_t mix(uint64_t state, uint64_t word, int lane) {
    uint64_t product = (state ^ word) * kOdd[lane];
    return product << 29 | product >> 35;
  }

  void step(const uint8_t *data, size_t blocks) {
    uint64_t l0 = lanes[0], l1 = lanes[1], l2 = lanes[2], l3 = lanes[3];
    uint64_t l4 = lanes[4], l5 = lanes[5], l6 = lanes[6], l7 = lanes[7];
    for (; blocks; --blocks, data += kBlock) {
      uint64_t words[kLanes];
      memcpy(words, data, kBlock);
      l0 = mix(l0, words[0], 0);
      l1 = mix(l1, words[1], 1);
      l2 = mix(l2, words[2], 2);
      l3 = mix(l3, words[3], 3);
      l4 = mix(l4, words[4], 4);
      l5 = mix(l5, words[5], 5);
      l6 = mix(l6, words[6], 6);
      l7 = mix(l7, words[7], 7);
    }
    lanes[0] = l0, lanes[1] = l1, lanes[2] = l2, lanes[3] = l3;
    lanes[4] = l4, lanes[5] = l5, lanes[6] = l6, lanes[7] = l7;
  }

  uint64_t lanes[kLanes] = {1, 2, 3, 4, 5, 6, 7, 8};
  uint64_t total = 0;
  size_t pending = 0;
  uint8_t block[kBlock];
};

} // namespace tamis

#endif
