//===- Int4Test.cpp - kernel.linear on weights of 4 bits against plain loops ---------------------------===//
//
// The expectation rounds the rows as the kernel does, takes the weights as the numbers that they stand for,
// and counts in double, so that what is left is the kernel's own error.
//
//===--------------------------------------------------------------------------------------------------===//
#include "KernelTest.h"

#include "tamis/Codegen/ISALevel.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"

#include <limits>

using tamis::weight::Int4Format;

namespace {
/// Rows from which levels with tiles use them.
constexpr int64_t tileRows = 48;

enum class Zeros { None, Integers, Floats };

std::vector<int64_t> dims(llvm::ArrayRef<int64_t> shape) { return shape.vec(); }

/// A weight [k, n], packed and as numbers.
struct Weight {
  Weight(Random &random, const Int4Format &format, Zeros zeros, int64_t k, int64_t n)
      : packed(dims(format.shape(k, n))), numbers(k * n), halves(k * n) {
    for (int64_t j = 0; j < n; ++j)
      for (int64_t first = 0; first < k; first += format.group) {
        float scale = random.uniform() / 8, zero = Int4Format::defaultZero;
        if (zeros == Zeros::Integers)
          zero = static_cast<float>(random.next() % 16);
        if (zeros == Zeros::Floats)
          zero = 8 + 4 * random.uniform();
        int64_t block = (j / 16 * format.groupsOf(k) + first / format.group) * format.blockWords() + j % 16;
        packed.as()[block + format.wordRows() * 16] = scale;
        if (format.hasZeros)
          packed.as()[block + (format.wordRows() + 1) * 16] = zero;
        for (int64_t i = 0; i < format.group && first + i < k; ++i) {
          auto q = static_cast<uint8_t>(random.next() % 16);
          packed.as<uint8_t>()[(block + i / 8 * 16) * 4 + i % 4] |= i % 8 < 4 ? q : q << 4;
          numbers[(first + i) * n + j] = (q - static_cast<double>(zero)) * scale;
          halves[(first + i) * n + j] = rounded((static_cast<float>(q) - zero) * scale, false);
        }
      }
  }
  Buffer packed;
  std::vector<double> numbers, halves; ///< exact, and as bf16
};
} // namespace

static std::string int4Text(const Int4Format &format, bool whole, int64_t k = 0) {
  std::string w = "memref<?x?x" + std::to_string(format.blockRows()) + "x16xi32>", m = "memref<?x?xf32>",
              v = "memref<?xf32>", x = m;
  if (k) {
    w = "memref<?x" + std::to_string(format.groupsOf(k)) + w.substr(std::string("memref<?x?").size());
    x = "memref<?x" + std::to_string(k) + "xf32>";
  }
  std::string use = whole ? "%x, %w, %b, %r" : "%x, %w", types = x + ", " + w;
  if (whole)
    types += ", " + v + ", " + m;
  return "func.func @main(%x: " + x + ", %w: " + w + ", %b: " + v + ", %r: " + m + ", %y: " + m +
         ") {\nkernel.linear " + use + ", %y {activation = #nn<activation " + (whole ? "relu" : "none") +
         ">, operandSegmentSizes = array<i32: 1, 1, " + (whole ? "1, 1" : "0, 0") + ", 0, 0, 1>} : " + types +
         ", " + m + "\nreturn\n}";
}

/// The numbers that a row of x becomes.
static std::vector<double> roundedRow(const float *x, int64_t k, bool inTiles) {
  float greatest = 0;
  for (int64_t l = 0; l < k; ++l)
    greatest = std::max(greatest, std::abs(x[l]));
  std::vector<double> row(k);
  for (int64_t l = 0; inTiles && l < k; ++l)
    row[l] = rounded(x[l], false);
  if (inTiles)
    return row;
  for (int64_t l = 0; greatest != 0 && l < k; ++l)
    row[l] = std::nearbyint(static_cast<double>(x[l]) * (127 / greatest)) * greatest / 127;
  return row;
}

static void int4Case(Report &report, JitKernel &kernel, const tamis::ISALevel &level,
                     const Int4Format &format, Zeros zeros, bool whole, int64_t t, int64_t k, int64_t n) {
  Random random(t * 1000003 + k * 1009 + n);
  Buffer x({t, k}), b({n}), r({t, n}), y({t, n}), y2({t, n});
  Weight w(random, format, zeros, k, n);
  for (Buffer *buffer : {&x, &b, &r})
    random.fill(*buffer);
  fillNaN(y);
  if (t > 1)
    for (int64_t l = 0; l < k; ++l)
      x.as()[k + l] = 0; // a row without a greatest element
  kernel.run({&x, &w.packed, &b, &r, &y});
  kernel.run({&x, &w.packed, &b, &r, &y2}, 2);
  bool inTiles = level.amx && t >= tileRows;
  const std::vector<double> &numbers = inTiles ? w.halves : w.numbers;
  std::vector<double> expected(t * n);
  for (int64_t i = 0; i < t; ++i) {
    std::vector<double> row = roundedRow(x.as() + i * k, k, inTiles);
    for (int64_t j = 0; j < n; ++j) {
      double sum = whole ? b.as()[j] : 0;
      for (int64_t l = 0; l < k; ++l)
        sum += row[l] * numbers[l * n + j];
      expected[i * n + j] = whole ? std::max(sum, 0.0) + r.as()[i * n + j] : sum;
    }
  }
  std::string what = "groups of " + std::to_string(format.group) +
                     (format.hasZeros ? " with zero points" : "") + " T=" + std::to_string(t) +
                     " K=" + std::to_string(k) + " N=" + std::to_string(n);
  report.compare(what, y, expected, 1e-6 * std::sqrt(k) + 3e-6);
  report.require(what + ": 2 threads give other bits", std::memcmp(y.as(), y2.as(), y.elements() * 4) == 0);
}

/// Rows with NaN or infinity, and a column with a scale of NaN, only spoil themselves.
static void specialValues(Report &report, JitKernel &kernel, const Int4Format &format, int64_t t) {
  int64_t k = 2 * format.group, n = 32;
  Random random(7);
  Weight w(random, format, Zeros::None, k, n);
  Buffer x({t, k}), b({n}), r({t, n}), clean({t, n}), y({t, n});
  random.fill(x);
  kernel.run({&x, &w.packed, &b, &r, &clean});
  x.as()[3 * k + 5] = std::numeric_limits<float>::infinity();
  x.as()[17 * k + k - 1] = std::numeric_limits<float>::quiet_NaN();
  w.packed.as()[format.wordRows() * 16 + 9] = std::numeric_limits<float>::quiet_NaN();
  kernel.run({&x, &w.packed, &b, &r, &y});
  for (int64_t i = 0; i < t; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float value = y.as()[i * n + j];
      bool good = i == 17 || j == 9 ? std::isnan(value)
                  : i == 3          ? !std::isfinite(value)
                                    : value == clean.as()[i * n + j];
      report.require("row " + std::to_string(i) + ", column " + std::to_string(j) + " is " +
                         std::to_string(value),
                     good);
    }
}

/// Integers and floats, by turns of K.
static Zeros zerosOf(bool hasZeros, int64_t k) {
  return !hasZeros ? Zeros::None : k % 2 ? Zeros::Floats : Zeros::Integers;
}

bool testInt4(const std::string &isa) {
  Report report{"int4"};
  const tamis::ISALevel &level = *tamis::lookupISALevel(isa);
  for (int64_t group : Int4Format::groups)
    for (bool hasZeros : {false, true}) {
      Int4Format format{group, hasZeros};
      JitKernel kernel(int4Text(format, true), isa);
      for (int64_t t : {0, 1, 2, 3, 4, 5, 6, 7, 13, 17, 31, 40, 49, 70})
        for (int64_t k : {1, 31, 70, 256})
          for (int64_t n : {1, 31, 200})
            int4Case(report, kernel, level, format, zerosOf(hasZeros, k), true, t, k, n);
    }
  for (int64_t group : {32, 128}) {
    Int4Format format{group, false};
    JitKernel plain(int4Text(format, false), isa), known(int4Text(format, true, 384), isa);
    for (int64_t t : {1, 2, 9, 50})
      for (int64_t n : {16, 100}) {
        int4Case(report, plain, level, format, Zeros::None, false, t, 1000, n);
        int4Case(report, known, level, format, Zeros::None, true, t, 384, n);
      }
    for (int64_t t : {20, 50})
      specialValues(report, plain, format, t);
  }
  return report.finish(isa);
}
