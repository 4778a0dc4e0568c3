//===- HashTest.cpp - The hash of artifacts -------------------------------------------------------------===//
#include "SegmentHash.h"
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <vector>

using namespace tamis;

static std::vector<uint8_t> randomBytes(size_t count) {
  std::mt19937 random(7);
  std::vector<uint8_t> bytes(count);
  for (uint8_t &byte : bytes)
    byte = uint8_t(random());
  return bytes;
}

// Files have the hash in them: it must never change.
TEST(Hash, IsStable) {
  EXPECT_EQ(Hash::of("", 0), UINT64_C(2439887763624261811));
  EXPECT_EQ(Hash::of("tamis", 5), UINT64_C(3539600237802860068));
}

TEST(Hash, DoesNotDependOnTheSplit) {
  std::vector<uint8_t> bytes = randomBytes(777);
  uint64_t whole = Hash::of(bytes.data(), bytes.size());
  for (size_t piece : {1, 3, 63, 64, 65, 128, 500}) {
    Hash hash;
    for (size_t at = 0; at < bytes.size(); at += piece)
      hash.update(bytes.data() + at, std::min(piece, bytes.size() - at));
    EXPECT_EQ(hash.finish(), whole) << piece;
    EXPECT_EQ(hash.finish(), whole) << "finish leaves the state alone";
  }
}

TEST(Hash, SeesEveryFlippedByte) {
  for (size_t size : {1, 8, 63, 64, 65, 200}) {
    std::vector<uint8_t> bytes = randomBytes(size);
    uint64_t whole = Hash::of(bytes.data(), size);
    for (size_t i = 0; i < size; ++i)
      for (int flip = 1; flip < 256; ++flip) {
        bytes[i] ^= uint8_t(flip);
        EXPECT_NE(Hash::of(bytes.data(), size), whole) << size << " " << i << " " << flip;
        bytes[i] ^= uint8_t(flip);
      }
  }
}

TEST(Hash, SeesTheLengthOfZeros) {
  std::vector<uint8_t> zeros(1000);
  std::set<uint64_t> seen;
  for (size_t size = 0; size <= zeros.size(); ++size)
    EXPECT_TRUE(seen.insert(Hash::of(zeros.data(), size)).second) << size;
}

// Two words of one lane, and the same flip in two lanes: differences that a plain xor of words would miss.
TEST(Hash, SeesPairsOfFlips) {
  std::vector<uint8_t> bytes = randomBytes(1024);
  uint64_t whole = Hash::of(bytes.data(), bytes.size());
  for (size_t i = 0; i + 64 < bytes.size(); ++i)
    for (size_t distance : {8, 64})
      for (int bit = 0; bit < 8; ++bit) {
        bytes[i] ^= uint8_t(1 << bit);
        bytes[i + distance] ^= uint8_t(1 << bit);
        EXPECT_NE(Hash::of(bytes.data(), bytes.size()), whole);
        bytes[i] ^= uint8_t(1 << bit);
        bytes[i + distance] ^= uint8_t(1 << bit);
      }
}

// Files have this hash in them, too: of one piece it is the plain one, of more that of the pieces' hashes.
TEST(SegmentHash, IsThatOfThePieces) {
  constexpr size_t piece = SegmentHash::kPiece;
  for (size_t size : {size_t(0), size_t(5), piece, piece + 1, 3 * piece, 6 * piece - 9}) {
    std::vector<uint8_t> bytes = randomBytes(size);
    uint64_t expected = Hash::of(bytes.data(), size);
    if (size > piece) {
      std::vector<uint64_t> hashes;
      for (size_t at = 0; at < size; at += piece)
        hashes.push_back(Hash::of(bytes.data() + at, std::min(piece, size - at)));
      expected = Hash::of(hashes.data(), hashes.size() * sizeof(uint64_t));
    }
    for (int32_t threads : {0, 1, 2, 5})
      EXPECT_EQ(hashSegment(bytes.data(), size, threads), expected) << size << " " << threads;
    for (size_t part : {size_t(1000), piece - 1, piece, piece + 3}) {
      SegmentHash hash;
      for (size_t at = 0; at < size; at += part)
        hash.update(bytes.data() + at, std::min(part, size - at));
      EXPECT_EQ(hash.finish(), expected) << size << " " << part;
      EXPECT_EQ(hash.finish(), expected) << "finish leaves the state alone";
    }
  }
}

TEST(SegmentHash, SeesAFlippedByteOfAnyPiece) {
  std::vector<uint8_t> bytes = randomBytes(5 * SegmentHash::kPiece + 100);
  uint64_t whole = hashSegment(bytes.data(), bytes.size(), 2);
  for (size_t at = 17; at < bytes.size(); at += SegmentHash::kPiece / 2) {
    bytes[at] ^= 1;
    EXPECT_NE(hashSegment(bytes.data(), bytes.size(), 2), whole) << at;
    bytes[at] ^= 1;
  }
}
