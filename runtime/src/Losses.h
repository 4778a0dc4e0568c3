//===- Losses.h - How far one row of an answer is from another --------------------------------------===//
//
// What a certificate is about and what a monitor watches in service is one code: the tools include it, too.
// Rows are of any floating-point type, and finite. The library of mathematics is one more than the runtime
// needs.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_LOSSES_H
#define TAMIS_RUNTIME_LOSSES_H

#include "Sampling.h"
#include <cstring>
#include <emmintrin.h>

namespace tamis {

inline double squareRoot(double x) {
  __m128d v = _mm_set_sd(x);
  return _mm_cvtsd_f64(_mm_sqrt_sd(v, v));
}

/// The natural logarithm of a number that is normal, positive and finite; within 1e-14 of it and of 1.
inline double logarithm(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  int64_t exponent = int64_t(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffff) | 0x3ff0000000000000;
  memcpy(&x, &bits, sizeof(x));
  if (x > 1.4142135623730951) {
    x /= 2;
    ++exponent;
  }
  // log x = 2 artanh((x - 1) / (x + 1)), the argument below 0.172.
  double t = (x - 1) / (x + 1), square = t * t, sum = 0;
  for (int term = 19; term >= 1; term -= 2)
    sum = sum * square + 1.0 / term;
  return double(exponent) * 0.6931471805599453 + 2 * t * sum;
}

/// 1 - cosine; 0 between two rows of zeros, 1 where one of both is.
template <typename T> double cosineLoss(const T *a, const T *b, int64_t count) {
  double dot = 0, ofA = 0, ofB = 0;
  for (int64_t i = 0; i < count; ++i) {
    dot += double(a[i]) * double(b[i]);
    ofA += double(a[i]) * double(a[i]);
    ofB += double(b[i]) * double(b[i]);
  }
  if (ofA == 0 && ofB == 0)
    return 0;
  return ofA == 0 || ofB == 0 ? 1 : 1 - dot / (squareRoot(ofA) * squareRoot(ofB));
}

/// The first of the greatest.
template <typename T> int64_t placeOfGreatest(const T *row, int64_t count) {
  int64_t place = 0;
  for (int64_t i = 1; i < count; ++i)
    place = row[i] > row[place] ? i : place;
  return place;
}

/// The logarithm of the sum of e^x.
template <typename T> double logSum(const T *row, int64_t count) {
  double most = double(row[placeOfGreatest(row, count)]), sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += expOfNegative(double(row[i]) - most);
  return most + logarithm(sum);
}

/// Of the softmax of `b` from that of `a`, in nats (Kullback and Leibler).
template <typename T> double divergence(const T *a, const T *b, int64_t count) {
  double sumA = logSum(a, count), sumB = logSum(b, count), total = 0;
  for (int64_t i = 0; i < count; ++i)
    total += expOfNegative(double(a[i]) - sumA) * ((double(a[i]) - sumA) - (double(b[i]) - sumB));
  return total;
}

template <typename T> bool isFinite(const T *row, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (!__builtin_isfinite(row[i]))
      return false;
  return true;
}

} // namespace tamis

#endif
