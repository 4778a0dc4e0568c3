//===- Int4.cpp - Weights of 4 bits, on bytes ----------------------------------------------------------===//
#include "Int4.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace tamis;
using tamis::weight::Int4Format;

static constexpr uint64_t wordBytes = 4;
/// What q - 8 may be.
static constexpr float lowest = -8, highest = 7;

namespace {
/// The place of a group of one column in a packed weight.
class PackedGroup {
public:
  PackedGroup(const Int4Format &format, uint64_t rows, llvm::MutableArrayRef<char> out, uint64_t group,
              uint64_t column)
      : format(format) {
    uint64_t block = column / Int4Format::columns * format.groupsOf(rows) + group;
    to = out.data() + (block * format.blockWords() + column % Int4Format::columns) * wordBytes;
  }
  /// Sets element `i`, which is 0 before, to `q`.
  void setElement(uint64_t i, uint8_t q) {
    uint64_t half = i % Int4Format::perWord;
    *(row(i / Int4Format::perWord) + half % wordBytes) |= static_cast<char>(half < wordBytes ? q : q << 4);
  }
  void setScale(float scale) { memcpy(row(format.wordRows()), &scale, sizeof(scale)); }
  void setZero(float zero) {
    if (format.hasZeros)
      memcpy(row(format.wordRows() + 1), &zero, sizeof(zero));
  }

private:
  char *row(uint64_t i) { return to + i * Int4Format::columns * wordBytes; }
  const Int4Format &format;
  char *to;
};
} // namespace

void tamis::packInt4(const Int4Matrix &matrix, const Int4Format &format, llvm::MutableArrayRef<char> out) {
  uint64_t size = format.group;
  for (uint64_t first = 0; first < matrix.rows; first += size)
    for (uint64_t column = 0; column < matrix.columns; ++column) {
      uint64_t parameter = first / matrix.block * matrix.columns + column;
      PackedGroup group(format, matrix.rows, out, first / size, column);
      group.setScale(matrix.scales[matrix.scales.size() == 1 ? 0 : parameter]);
      group.setZero(matrix.zeros[matrix.zeros.size() == 1 ? 0 : parameter]);
      for (uint64_t i = 0; i < size && first + i < matrix.rows; ++i)
        group.setElement(i, matrix.q[(first + i) * matrix.columns + column]);
    }
}

static float roundToInt4(float value) { return std::clamp(std::nearbyint(value), lowest, highest); }

namespace {
/// How well integers q stand for values x: with the best scale, sum x q / sum q q, the sum of squared errors
/// is sum x x less `gain`.
struct Fit {
  double scale = 0, gain = 0;

  /// For q = x * inverse, rounded.
  Fit(llvm::ArrayRef<float> x, float inverse) {
    double xq = 0, qq = 0;
    for (float value : x) {
      double q = roundToInt4(value * inverse);
      xq += value * q;
      qq += q * q;
    }
    if (qq > 0) {
      scale = xq / qq;
      gain = xq * scale;
    }
  }
};
} // namespace

/// The scale of a group. The largest element in size becomes about -8, the end of the range that reaches
/// further; each of 19 scales round that one rounds the elements, and gives the scale that fits these
/// integers best, by least squares. The best of all is taken. This is what ggml does for its formats of 2 to
/// 6 bits (make_qx_quants in ggml-quants.c), with equal weights for all elements; then once more with the
/// scale found.
static float scaleOf(llvm::ArrayRef<float> x) {
  float extreme = 0;
  for (float value : x) {
    if (!std::isfinite(value))
      return std::numeric_limits<float>::quiet_NaN();
    if (std::abs(value) > std::abs(extreme))
      extreme = value;
  }
  // Of less than that the inverse would be infinite; it is 0 beside any other weight.
  if (std::abs(extreme) < std::numeric_limits<float>::min() * 16)
    return 0;
  Fit best(x, lowest / extreme);
  for (int step = -9; step <= 9; ++step)
    if (Fit fit(x, (lowest + 0.1f * static_cast<float>(step)) / extreme); fit.gain > best.gain)
      best = fit;
  if (Fit again(x, static_cast<float>(1 / best.scale)); again.gain > best.gain)
    best = again;
  return static_cast<float>(best.scale);
}

void tamis::quantizeInt4(const MatrixView &matrix, const Int4Format &format,
                         llvm::MutableArrayRef<char> out) {
  uint64_t size = format.group;
  std::vector<float> rows(size * matrix.columns), x(size);
  for (uint64_t first = 0; first < matrix.rows; first += size) {
    uint64_t count = std::min(size, matrix.rows - first);
    memcpy(rows.data(), matrix.data + first * matrix.columns * sizeof(float),
           count * matrix.columns * sizeof(float));
    for (uint64_t column = 0; column < matrix.columns; ++column) {
      for (uint64_t i = 0; i < count; ++i)
        x[i] = rows[i * matrix.columns + column];
      float scale = scaleOf(llvm::ArrayRef(x).take_front(count));
      PackedGroup group(format, matrix.rows, out, first / size, column);
      group.setScale(scale);
      bool isNumber = std::isfinite(scale) && scale != 0;
      for (uint64_t i = 0; i < count; ++i)
        group.setElement(i, static_cast<uint8_t>((isNumber ? roundToInt4(x[i] / scale) : 0) - lowest));
    }
  }
}
