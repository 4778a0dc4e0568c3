//===- Losses.cpp - How far an answer is from the dense one ----------------------------===//

#include "Losses.h"

#include "Compare.h"
#include "runtime/src/Losses.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace tamis::tools {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
using Row = std::span<const double>;

/// `count` elements from `begin` on, without those that are not real; all are where nothing is said of them.
std::vector<double> rowOf(const TamisValue &value, int64_t begin, int64_t count,
                          const std::vector<bool> &real = {}) {
  std::vector<double> row;
  for (int64_t i = begin; i < begin + count; ++i)
    if (real.empty() || real[static_cast<size_t>(i)])
      row.push_back(elementAsDouble(value.type, value.data, i));
  return row;
}

double relativeDistance(Row a, Row b) {
  double difference = 0, ofA = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    ofA += a[i] * a[i];
  }
  if (difference == 0)
    return 0;
  return ofA == 0 ? infinite : std::sqrt(difference) / std::sqrt(ofA);
}

double lossOfRow(Loss loss, Row a, Row b, int64_t label) {
  auto count = static_cast<int64_t>(a.size());
  if (!isFinite(a.data(), count) || !isFinite(b.data(), count))
    return infinite;
  auto placeOf = [&](Row row) { return placeOfGreatest(row.data(), count); };
  switch (loss) {
  case Loss::Cosine:
    return cosineLoss(a.data(), b.data(), count);
  case Loss::KullbackLeibler:
    return divergence(a.data(), b.data(), count);
  case Loss::Argmax:
  case Loss::Span:
    return placeOf(a) == placeOf(b) ? 0 : 1;
  case Loss::Label:
    return placeOf(a) == label && placeOf(b) != label ? 1 : 0;
  case Loss::RelativeDistance:
    return relativeDistance(a, b);
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
  if (name == "label")
    return Loss::Label;
  if (name == "span")
    return Loss::Span;
  if (name == "custom-output")
    return Loss::RelativeDistance;
  return std::nullopt;
}

double lossOf(Loss loss, const TamisValue &dense, const TamisValue &sparse, int64_t label,
              const TamisValue *mask) {
  int64_t count = elementCount(dimsOf(dense)).value_or(0);
  if (dense.type != sparse.type || !std::ranges::equal(dimsOf(dense), dimsOf(sparse)) || count == 0)
    return infinite;
  int64_t columns = count;
  if (loss != Loss::RelativeDistance) {
    if (dense.rank < 2 || dense.dims[dense.rank - 1] < (loss == Loss::Span ? 1 : 2))
      return infinite;
    columns = dense.dims[dense.rank - 1];
  }
  std::vector<bool> real;
  if (loss == Loss::Span && mask && dense.rank == 2)
    real = realRows(*mask, dimsOf(dense));
  double worst = 0;
  for (int64_t begin = 0; worst < infinite && begin < count; begin += columns) {
    double own =
        lossOfRow(loss, rowOf(dense, begin, columns, real), rowOf(sparse, begin, columns, real), label);
    // What overflowed is no loss of 0.
    worst = std::isnan(own) ? infinite : std::max(worst, own);
  }
  return worst;
}

double lossOf(Loss loss, std::span<const Tensor> dense, std::span<const TamisValue> sparse, int64_t label,
              const TamisValue *mask) {
  if (dense.size() != sparse.size())
    return infinite;
  double worst = 0;
  for (size_t i = 0; i < dense.size(); ++i)
    worst = std::max(worst, lossOf(loss, dense[i].value(), sparse[i], label, mask));
  return worst;
}

bool isOfClass(const TamisValue &logits, int64_t label) {
  int64_t count = elementCount(dimsOf(logits)).value_or(0);
  if (count == 0 || logits.rank == 0)
    return false;
  int64_t columns = logits.dims[logits.rank - 1];
  for (int64_t begin = 0; begin < count; begin += columns) {
    std::vector<double> row = rowOf(logits, begin, columns);
    if (!isFinite(row.data(), columns) || placeOfGreatest(row.data(), columns) != label)
      return false;
  }
  return true;
}

} // namespace tamis::tools
