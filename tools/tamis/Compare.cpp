//===- Compare.cpp - Do outputs agree with those expected? ------------------------===//

#include "Compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace tamis::tools {

namespace {

bool sameBytes(const TamisValue &got, const TamisValue &expected, int64_t index, size_t size) {
  size_t at = static_cast<size_t>(index) * size;
  return std::memcmp(static_cast<const std::byte *>(got.data) + at,
                     static_cast<const std::byte *>(expected.data) + at, size) == 0;
}

void compareElement(const TamisValue &got, const TamisValue &expected, int64_t index, Tolerance tolerance,
                    Comparison &result) {
  ++result.compared;
  bool floating = isFloat(got.type);
  if (!floating && sameBytes(got, expected, index, tamis_type_size(got.type)))
    return;
  double g = elementAsDouble(got.type, got.data, index);
  double w = elementAsDouble(expected.type, expected.data, index);
  double difference = std::fabs(g - w);
  bool agree = difference <= tolerance.absolute + tolerance.relative * std::fabs(w) || g == w ||
               (std::isnan(g) && std::isnan(w));
  // An infinite tolerance of an infinite value says nothing.
  if (std::isinf(w) && g != w)
    agree = false;
  if (!floating || !agree)
    ++result.differing;
  if (!std::isfinite(difference))
    return;
  result.maxAbsolute = std::max(result.maxAbsolute, difference);
  if (w != 0)
    result.maxRelative = std::max(result.maxRelative, difference / std::fabs(w));
}

} // namespace

std::vector<bool> realRows(const TamisValue &mask, std::span<const int64_t> dims) {
  if (mask.rank != 2 || dims.size() < 2)
    return {};
  int64_t batch = dims[0], positions = dims[1], length = mask.dims[1];
  if (batch != mask.dims[0] || positions > length || (dims.size() == 2 && positions != length))
    return {};
  std::vector<bool> real;
  real.reserve(static_cast<size_t>(batch * positions));
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t i = length - positions; i < length; ++i)
      real.push_back(elementAsDouble(mask.type, mask.data, b * length + i) != 0);
  return real;
}

Comparison compare(const TamisValue &got, const TamisValue &expected, const TamisValue *mask,
                   Tolerance tolerance) {
  Comparison result;
  if (got.type != expected.type || !std::ranges::equal(dimsOf(got), dimsOf(expected))) {
    result.reason = fmt::format("is {}, expected {}", shapeText(got.type, dimsOf(got)),
                                shapeText(expected.type, dimsOf(expected)));
    return result;
  }
  int64_t count = elementCount(dimsOf(got)).value_or(0);
  std::vector<bool> real;
  if (mask)
    real = realRows(*mask, dimsOf(expected));
  int64_t rows = real.empty() ? 1 : static_cast<int64_t>(real.size());
  int64_t width = count / rows;
  for (int64_t row = 0; row < rows; ++row) {
    if (!real.empty() && !real[static_cast<size_t>(row)]) {
      ++result.paddingRows;
      continue;
    }
    for (int64_t i = row * width; i < (row + 1) * width; ++i)
      compareElement(got, expected, i, tolerance, result);
  }
  return result;
}

} // namespace tamis::tools
