//===- Packing.cpp - Layouts and precisions of weights, on bytes --------------------------------===//
#include "Packing.h"
#include "Floats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace tamis;

static constexpr uint64_t panelColumns = 16, wordBytes = 4;

template <typename T> static T elementAt(const MatrixView &matrix, uint64_t row, uint64_t column) {
  T value;
  memcpy(&value, matrix.data + (row * matrix.columns + column) * sizeof(T), sizeof(T));
  return value;
}

void tamis::packPanels(const MatrixView &matrix, uint64_t words, uint64_t width,
                       llvm::MutableArrayRef<char> out) {
  uint64_t group = wordBytes / width;
  for (uint64_t row = 0; row < matrix.rows; ++row)
    for (uint64_t column = 0; column < matrix.columns; column += panelColumns) {
      uint64_t count = std::min(panelColumns, matrix.columns - column);
      char *to = out.data() + (column / panelColumns * words + row / group) * panelColumns * wordBytes +
                 row % group * width;
      const char *from = matrix.data + (row * matrix.columns + column) * width;
      if (group == 1)
        memcpy(to, from, count * width);
      else
        for (uint64_t j = 0; j < count; ++j)
          memcpy(to + j * wordBytes, from + j * width, width);
    }
}

void tamis::packPanelsAsBF16(const MatrixView &matrix, uint64_t words, bool split,
                             llvm::MutableArrayRef<char> out) {
  constexpr uint64_t rowBytes = panelColumns * wordBytes, blockRows = 16;
  uint64_t terms = split ? 2 : 1;
  for (uint64_t row = 0; row < matrix.rows; ++row)
    for (uint64_t column = 0; column < matrix.columns; ++column) {
      // Blocks of 16 rows of words: the leading terms, and then the rests.
      uint64_t word = row / 2, place = word / blockRows * terms * blockRows + word % blockRows;
      char *to = out.data() + (column / panelColumns * words * terms + place) * rowBytes + row % 2 * 2 +
                 column % panelColumns * wordBytes;
      float value = elementAt<float>(matrix, row, column);
      uint16_t lead = roundToBF16(value);
      memcpy(to, &lead, sizeof(lead));
      if (!split)
        continue;
      // Infinity has no rest: infinity less infinity would be NaN.
      float left = value - extendBF16(lead);
      uint16_t rest = roundToBF16(std::isnan(left) ? 0.0f : left);
      memcpy(to + blockRows * rowBytes, &rest, sizeof(rest));
    }
}

/// NaN for a column with NaN or infinity, which an integer cannot say: then its products are NaN, too.
static std::vector<float> scalesOf(const MatrixView &matrix) {
  std::vector<float> scales(matrix.columns, 0.0f);
  for (uint64_t row = 0; row < matrix.rows; ++row)
    for (uint64_t column = 0; column < matrix.columns; ++column) {
      float size = std::abs(elementAt<float>(matrix, row, column)), &scale = scales[column];
      if (!std::isfinite(size))
        scale = std::numeric_limits<float>::quiet_NaN();
      else if (size > scale) // Not so for a scale that is NaN.
        scale = size;
    }
  for (float &scale : scales)
    scale /= 127;
  return scales;
}

void tamis::columnScales(const MatrixView &matrix, llvm::MutableArrayRef<char> out) {
  std::vector<float> scales = scalesOf(matrix);
  memcpy(out.data(), scales.data(), out.size());
}

void tamis::quantizeColumns(const MatrixView &matrix, llvm::MutableArrayRef<char> out) {
  std::vector<float> scales = scalesOf(matrix);
  for (uint64_t row = 0; row < matrix.rows; ++row)
    for (uint64_t column = 0; column < matrix.columns; ++column)
      if (scales[column] > 0) {
        float number = std::nearbyint(elementAt<float>(matrix, row, column) / scales[column]);
        out[row * matrix.columns + column] = static_cast<int8_t>(std::clamp(number, -127.0f, 127.0f));
      }
}
