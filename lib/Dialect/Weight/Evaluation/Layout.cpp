//===- Layout.cpp - The order of a weight's elements, on bytes -----------------------------------===//
#include "Layout.h"

#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cstring>

using namespace tamis;

namespace {
/// The two last dimensions of what is written: sizes, and strides of what is read, in bytes.
struct Plane {
  uint64_t rows, columns, rowStride, columnStride;
};
} // namespace

/// Tiles that fit the nearest cache: where the columns of what is written are rows of what is read, each line
/// of memory is wanted by many rows.
template <uint64_t width> static void copyPlane(const Plane &plane, const char *in, char *out) {
  constexpr uint64_t tile = 64;
  for (uint64_t top = 0; top < plane.rows; top += tile)
    for (uint64_t left = 0; left < plane.columns; left += tile) {
      uint64_t bottom = std::min(top + tile, plane.rows), right = std::min(left + tile, plane.columns);
      for (uint64_t row = top; row < bottom; ++row) {
        const char *from = in + row * plane.rowStride + left * plane.columnStride;
        char *to = out + (row * plane.columns + left) * width;
        for (uint64_t column = left; column < right; ++column, from += plane.columnStride, to += width)
          memcpy(to, from, width);
      }
    }
}

static void copyPlane(const Plane &plane, uint64_t width, const char *in, char *out) {
  switch (width) {
  case 1:
    return copyPlane<1>(plane, in, out);
  case 2:
    return copyPlane<2>(plane, in, out);
  case 4:
    return copyPlane<4>(plane, in, out);
  default: // no element is wider
    return copyPlane<8>(plane, in, out);
  }
}

void tamis::permute(llvm::ArrayRef<char> in, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> perm,
                    uint64_t width, llvm::MutableArrayRef<char> out) {
  if (out.empty())
    return;
  llvm::SmallVector<uint64_t> from(sizes.size(), width), strides, outer;
  for (size_t d = sizes.size(); d-- > 1;)
    from[d - 1] = from[d] * static_cast<uint64_t>(sizes[d]);
  for (int64_t d : perm) {
    outer.push_back(static_cast<uint64_t>(sizes[d]));
    strides.push_back(from[d]);
  }
  // At least two dimensions.
  outer.insert(outer.begin(), perm.size() < 2 ? 2 - perm.size() : 0, 1);
  strides.insert(strides.begin(), outer.size() - strides.size(), 0);
  size_t last = outer.size() - 1;
  Plane plane = {outer[last - 1], outer[last], strides[last - 1], strides[last]};
  llvm::SmallVector<uint64_t> index(last - 1, 0);
  uint64_t source = 0, bytes = plane.rows * plane.columns * width;
  for (char *to = out.data(), *end = to + out.size(); to != end; to += bytes) {
    copyPlane(plane, width, in.data() + source, to);
    for (size_t d = last - 1; d-- > 0;) {
      source += strides[d];
      if (++index[d] < outer[d])
        break;
      source -= strides[d] * outer[d];
      index[d] = 0;
    }
  }
}

template <unsigned bits, typename Number>
static void unpackBits(llvm::ArrayRef<char> in, llvm::MutableArrayRef<char> out) {
  constexpr unsigned perByte = 8 / bits;
  for (size_t i = 0; i < out.size(); ++i) {
    auto top = static_cast<Number>(static_cast<uint8_t>(in[i / perByte]) << (8 - bits - i % perByte * bits));
    out[i] = static_cast<char>(top >> (8 - bits));
  }
}

template <unsigned bits>
static void unpackBits(llvm::ArrayRef<char> in, bool isSigned, llvm::MutableArrayRef<char> out) {
  isSigned ? unpackBits<bits, int8_t>(in, out) : unpackBits<bits, uint8_t>(in, out);
}

void tamis::unpackBits(llvm::ArrayRef<char> in, unsigned bits, bool isSigned,
                       llvm::MutableArrayRef<char> out) {
  // There are no others.
  bits == 2 ? ::unpackBits<2>(in, isSigned, out) : ::unpackBits<4>(in, isSigned, out);
}
