//===- Compare.h - Do outputs agree with those expected? --------------------------===//
#ifndef TAMIS_TOOLS_COMPARE_H
#define TAMIS_TOOLS_COMPARE_H

#include "Tensor.h"

#include <vector>

namespace tamis::tools {

/// Floating-point elements agree when |got - expected| <= absolute + relative * |expected|, when they are
/// equal, or when both are NaN. Other elements agree when they are equal.
struct Tolerance {
  double relative;
  double absolute;
};

struct Comparison {
  /// Why the tensors cannot be compared element by element (another shape or type); else empty.
  std::string reason;
  int64_t compared = 0;    // elements
  int64_t differing = 0;   // of those
  int64_t paddingRows = 0; // left out
  double maxAbsolute = 0;  // NaN and infinity aside
  double maxRelative = 0;  // |got - expected| / |expected|, where that is not 0
  bool differs() const { return !reason.empty() || differing != 0; }
};

/// Rows of an output that are real, not padding: one bool for each [batch, position] of the output's
/// leading axes. Empty when the output has no such axes, so that all of it counts: the mask is
/// [batch, length] and the output [batch, at most length, ...], or exactly [batch, length]. A shorter
/// output holds the last positions.
std::vector<bool> realRows(const TamisValue &mask, std::span<const int64_t> outputDims);

/// Compares; rows that the mask (may be null) calls padding are left out.
Comparison compare(const TamisValue &got, const TamisValue &expected, const TamisValue *mask,
                   Tolerance tolerance);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_COMPARE_H
