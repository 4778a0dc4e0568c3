//===- KernelTest.h - Comparing kernels with plain loops ----------------------------------------------===//
#ifndef TAMIS_TEST_CODEGEN_KERNELS_KERNELTEST_H
#define TAMIS_TEST_CODEGEN_KERNELS_KERNELTEST_H

#include "JitKernel.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

/// Counts what was checked, and prints what differs.
struct Report {
  const char *kernel;
  int cases = 0, failures = 0;
  double worst = 0;

  /// Compares with relative tolerance to the larger of 1 and the expected value; NaN must meet NaN.
  void compare(const std::string &what, const Buffer &actual, const std::vector<double> &expected,
               double tolerance) {
    ++cases;
    const float *values = actual.as();
    for (size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i]) && std::isnan(values[i]))
        continue;
      double error = std::abs(values[i] - expected[i]) / std::max(1.0, std::abs(expected[i]));
      if (values[i] == expected[i])
        error = 0;
      if (!(error <= tolerance))
        return fail(what + ": element " + std::to_string(i) + " is " + std::to_string(values[i]) +
                    " instead of " + std::to_string(expected[i]));
      worst = std::max(worst, error);
    }
    if (!actual.guardIsIntact())
      fail(what + ": wrote outside of its buffer");
  }
  void require(const std::string &what, bool condition) {
    ++cases;
    if (!condition)
      fail(what);
  }
  void fail(const std::string &what) {
    if (++failures <= 10)
      std::printf("%s: %s\n", kernel, what.c_str());
  }
  /// Prints the summary; whether all was well.
  bool finish(const std::string &isa) const {
    std::printf("%-12s %s: %d cases, %d failed, largest error %.2g\n", kernel, isa.c_str(), cases, failures,
                worst);
    return failures == 0;
  }
};

/// Numbers in [-1, 1) that differ from run to run of the generator only by its seed.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 2 + 1) {}
  uint32_t next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  }
  float uniform() { return static_cast<float>(next() & 0xffffff) / 0x800000 - 1; }
  void fill(Buffer &buffer) {
    for (int64_t i = 0, n = buffer.elements(); i < n; ++i)
      buffer.as()[i] = uniform();
  }

private:
  uint64_t state;
};

inline void fillNaN(Buffer &buffer) {
  for (int64_t i = 0, n = buffer.elements(); i < n; ++i)
    buffer.as()[i] = NAN;
}

/// To nearest even; `value` is no NaN.
inline uint16_t roundToBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float fromBF16(uint16_t half) {
  uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
/// The nearest bf16, or the nearest sum of two.
inline double rounded(float value, bool split) {
  float lead = fromBF16(roundToBF16(value));
  return split ? double(lead) + fromBF16(roundToBF16(value - lead)) : lead;
}

bool testLinear(const std::string &isa);
bool testQuantizedLinear(const std::string &isa);
bool testPrecision(const std::string &isa);
bool testInt4(const std::string &isa);
bool testMatmul(const std::string &isa);
bool testAttention(const std::string &isa);
bool testCaches(const std::string &isa);
bool testExperts(const std::string &isa);
bool testRows(const std::string &isa);
bool testTokens(const std::string &isa);
bool testMerge(const std::string &isa);
bool testVectorMath(const std::string &isa);

#endif
