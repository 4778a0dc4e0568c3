//===- Losses.cpp - How far an answer is from the dense one ----------------------------===//

#include "Losses.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace tamis::tools {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
using Row = std::span<const double>;

double cosineLoss(Row a, Row b) {
  double dot = 0, ofA = 0, ofB = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i];
    ofA += a[i] * a[i];
    ofB += b[i] * b[i];
  }
  if (ofA == 0 && ofB == 0)
    return 0;
  return ofA == 0 || ofB == 0 ? 1 : 1 - dot / (std::sqrt(ofA) * std::sqrt(ofB));
}

/// The logarithm of the sum of e^x.
double logSum(Row row) {
  double most = *std::ranges::max_element(row), sum = 0;
  for (double value : row)
    sum += std::exp(value - most);
  return most + std::log(sum);
}

double divergence(Row a, Row b) {
  double sumA = logSum(a), sumB = logSum(b), total = 0;
  for (size_t i = 0; i < a.size(); ++i)
    total += std::exp(a[i] - sumA) * ((a[i] - sumA) - (b[i] - sumB));
  return total;
}

double lossOfRow(Loss loss, Row a, Row b) {
  auto isFinite = [](double value) { return std::isfinite(value); };
  if (!std::ranges::all_of(a, isFinite) || !std::ranges::all_of(b, isFinite))
    return infinite;
  switch (loss) {
  case Loss::Cosine:
    return cosineLoss(a, b);
  case Loss::KullbackLeibler:
    return divergence(a, b);
  case Loss::Argmax:
    return std::ranges::max_element(a) - a.begin() == std::ranges::max_element(b) - b.begin() ? 0 : 1;
  }
  return infinite;
}

} // namespace

std::optional<Loss> lossOfName(std::string_view name) {
  if (name == "cosine")
    return Loss::Cosine;
  if (name == "kl")
    return Loss::KullbackLeibler;
  if (name == "argmax")
    return Loss::Argmax;
  return std::nullopt;
}

double lossOf(Loss loss, const TamisValue &dense, const TamisValue &sparse) {
  auto count = elementCount(dimsOf(dense));
  if (dense.type != sparse.type || !std::ranges::equal(dimsOf(dense), dimsOf(sparse)) || !count ||
      *count == 0 || dense.rank < 2 || dense.dims[dense.rank - 1] < 2)
    return infinite;
  int64_t columns = dense.dims[dense.rank - 1];
  double worst = 0;
  for (int64_t begin = 0; worst < infinite && begin < *count; begin += columns) {
    std::vector<double> a, b;
    for (int64_t i = begin; i < begin + columns; ++i) {
      a.push_back(elementAsDouble(dense.type, dense.data, i));
      b.push_back(elementAsDouble(sparse.type, sparse.data, i));
    }
    double own = lossOfRow(loss, a, b);
    // What overflowed is no loss of 0.
    worst = std::isnan(own) ? infinite : std::max(worst, own);
  }
  return worst;
}

} // namespace tamis::tools
