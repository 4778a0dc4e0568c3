//===- PrecisionTest.cpp - kernel.linear on weights of bf16 and int8 against plain loops --------------===//
//
// The expectation rounds the factors as the precision says and then counts in double, so that what is left
// is the kernel's own error.
//
//===--------------------------------------------------------------------------------------------------===//
#include "KernelTest.h"

#include "tamis/Codegen/ISALevel.h"
#include "llvm/ADT/ArrayRef.h"

namespace {
struct Form {
  const char *name, *weight;
  int64_t perWord, terms; ///< elements of a word of 32 bits; numbers that a weight is the sum of
  std::vector<int64_t> dims(int64_t n, int64_t words) const {
    if (terms == 2)
      return {(n + 15) / 16, words / 16, 32, 16, perWord};
    return {(n + 15) / 16, words, 16, perWord};
  }
  /// The place of an element; its rest is 512 elements further.
  int64_t place(int64_t k, int64_t n, int64_t words) const {
    int64_t word = k / perWord, row = word / 16 * 16 * terms + word % 16;
    return ((n / 16 * words * terms + row) * 16 + n % 16) * perWord + k % perWord;
  }
};
} // namespace
static const Form forms[] = {{"bf16", "memref<?x?x16x2xbf16>", 2, 1},
                             {"split-f32", "memref<?x?x32x16x2xbf16>", 2, 2},
                             {"int8", "memref<?x?x16x4xi8>", 4, 1}};

static std::string precisionText(const Form &form, const char *activation, bool bias, bool residual) {
  bool integers = form.perWord == 4;
  std::string w = form.weight, m = "memref<?x?xf32>", v = "memref<?xf32>", sums = "memref<?xi32>";
  std::string use = "%x, %w", types = m + ", " + w;
  if (bias)
    use += ", %b", types += ", " + v;
  if (residual)
    use += ", %r", types += ", " + m;
  if (integers)
    use += ", %s, %t", types += ", " + v + ", " + sums;
  std::string sizes = std::string("1, 1, ") + (bias ? "1, " : "0, ") + (residual ? "1, " : "0, ") +
                      (integers ? "1, 1, 1" : "0, 0, 1");
  return "func.func @main(%x: " + m + ", %w: " + w + ", %b: " + v + ", %r: " + m + ", %s: " + v +
         ", %t: " + sums + ", %y: " + m + ") {\nkernel.linear " + use + ", %y {activation = #nn<activation " +
         activation + ">, operandSegmentSizes = array<i32: " + sizes + ">} : " + types + ", " + m +
         "\nreturn\n}";
}

static void precisionCase(Report &report, JitKernel &kernel, const tamis::ISALevel &level, const Form &form,
                          bool relu, bool bias, bool residual, int64_t t, int64_t k, int64_t n) {
  bool integers = form.perWord == 4, split = form.terms == 2;
  Random random(t * 1000003 + k * 1009 + n);
  int64_t words = ((k + form.perWord - 1) / form.perWord + 15) / 16 * 16;
  Buffer x({t, k}), w({k, n}), b({n}), r({t, n}), s({n}), sums({n}), y({t, n}), y2({t, n});
  Buffer packed(form.dims(n, words), 4 / form.perWord);
  random.fill(x);
  random.fill(w);
  random.fill(b);
  random.fill(r);
  fillNaN(y);
  if (t > 1)
    for (int64_t l = 0; l < k; ++l)
      x.as()[k + l] = 0; // a row without a greatest element
  // The weight that the kernel sees, packed and as numbers.
  std::vector<double> weight(k * n), left(t * k), rowScale(t, 1.0);
  for (int64_t j = 0; j < n; ++j) {
    float greatest = 0;
    for (int64_t l = 0; l < k; ++l)
      greatest = std::max(greatest, std::abs(w.as()[l * n + j]));
    s.as()[j] = greatest / 127;
    for (int64_t l = 0; l < k; ++l) {
      float value = w.as()[l * n + j];
      int64_t at = form.place(l, j, words);
      if (integers) {
        int8_t q = int8_t(std::nearbyint(value / s.as()[j]));
        packed.as<int8_t>()[at] = q;
        sums.as<int32_t>()[j] += q;
        weight[l * n + j] = double(q) * s.as()[j];
      } else {
        uint16_t lead = roundToBF16(value);
        packed.as<uint16_t>()[at] = lead;
        if (split)
          packed.as<uint16_t>()[at + 512] = roundToBF16(value - fromBF16(lead));
        weight[l * n + j] = rounded(value, split);
      }
    }
  }
  bool rounds = split ? level.amx : level.bf16;
  for (int64_t i = 0; i < t; ++i) {
    float greatest = 0;
    for (int64_t l = 0; l < k; ++l)
      greatest = std::max(greatest, std::abs(x.as()[i * k + l]));
    for (int64_t l = 0; l < k; ++l) {
      float value = x.as()[i * k + l];
      if (integers)
        left[i * k + l] =
            greatest == 0 ? 0.0 : std::nearbyint(double(value) * (127 / greatest)) * greatest / 127;
      else
        left[i * k + l] = rounds ? rounded(value, split) : value;
    }
  }
  kernel.run({&x, &packed, &b, &r, &s, &sums, &y});
  kernel.run({&x, &packed, &b, &r, &s, &sums, &y2}, 2);
  std::vector<double> expected(t * n, 0.0);
  for (int64_t i = 0; i < t; ++i)
    for (int64_t l = 0; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        expected[i * n + j] += left[i * k + l] * weight[l * n + j];
  for (int64_t i = 0; i < t; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double &value = expected[i * n + j];
      value += bias ? b.as()[j] : 0;
      value = (relu ? std::max(value, 0.0) : value) + (residual ? r.as()[i * n + j] : 0);
    }
  std::string what = std::string(form.name) + " T=" + std::to_string(t) + " K=" + std::to_string(k) +
                     " N=" + std::to_string(n);
  // A split product leaves out what is 2^-16 of it.
  double tolerance = (split ? 2e-5 : 1e-6) * std::sqrt(k) + 3e-6;
  report.compare(what, y, expected, tolerance);
  report.require(what + ": 2 threads give other bits", std::memcmp(y.as(), y2.as(), y.elements() * 4) == 0);
}

/// Rows with NaN or infinity may only spoil themselves. int8 has no way to say infinity and gives NaN; so
/// does split-f32 in tiles, where infinity meets a weight's rest of 0.
static void specialValues(Report &report, const Form &form, JitKernel &kernel, int64_t t) {
  int64_t k = 64, n = 32, words = (k / form.perWord + 15) / 16 * 16;
  Buffer x({t, k}), b({n}), r({t, n}), s({n}), sums({n}), y({t, n});
  Buffer packed(form.dims(n, words), 4 / form.perWord);
  bool integers = form.perWord == 4;
  for (int64_t i = 0; i < x.elements(); ++i)
    x.as()[i] = 1;
  for (int64_t l = 0; l < k; ++l)
    for (int64_t j = 0; j < n; ++j)
      if (integers)
        packed.as<int8_t>()[form.place(l, j, words)] = 1;
      else
        packed.as<uint16_t>()[form.place(l, j, words)] = 0x3f80; // 1
  for (int64_t j = 0; j < n; ++j) {
    s.as()[j] = 1;
    sums.as<int32_t>()[j] = k;
  }
  x.as()[3 * k + 5] = std::numeric_limits<float>::infinity();
  if (t > 17)
    x.as()[17 * k + 63] = std::numeric_limits<float>::quiet_NaN();
  kernel.run({&x, &packed, &b, &r, &s, &sums, &y});
  for (int64_t i = 0; i < t; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float value = y.as()[i * n + j];
      bool good = i == 17  ? std::isnan(value)
                  : i == 3 ? (form.terms == 2 ? !std::isfinite(value)
                              : integers      ? std::isnan(value)
                                              : std::isinf(value))
                           : std::abs(value - k) < 1e-3;
      report.require(std::string(form.name) + ": row " + std::to_string(i) + " is " + std::to_string(value),
                     good);
    }
}

/// A layer norm that writes the rows of the product behind it gives the bits of one that leaves them to a
/// pass of their own, which it does when its result is an argument.
static void behindNorm(Report &report, const Form &form, const std::string &isa) {
  int64_t k = 64, n = 32, words = k / form.perWord;
  bool integers = form.perWord == 4;
  std::string shape;
  for (int64_t d : form.dims(n, words))
    shape += std::to_string(d) + "x";
  std::string w = "memref<" + shape + (integers ? "i8>" : "bf16>"), x = "memref<?x64xf32>",
              v = "memref<64xf32>", y = "memref<?x32xf32>", s = "memref<32xf32>", sums = "memref<32xi32>";
  auto text = [&](bool writesRows) {
    std::string h = writesRows ? "%a" : "%h";
    return "func.func @main(%x: " + x + ", %g: " + v + ", %w: " + w + ", %s: " + s + ", %t: " + sums +
           ", %h: " + x + ", %y: " + y +
           ") {\n%c0 = arith.constant 0 : index\n%n = memref.dim %x, %c0 : " + x +
           "\n%a = memref.alloc(%n) : " + x + "\nkernel.layer_norm %x, %g, %g, " + h +
           " {epsilon = 1.0e-5 : f32} : " + x + ", " + v + ", " + v + ", " + x + "\nkernel.linear " + h +
           ", %w" + (integers ? ", %s, %t" : "") +
           ", %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, " +
           (integers ? "1, 1" : "0, 0") + ", 1>} : " + x + ", " + w +
           (integers ? ", " + s + ", " + sums : "") + ", " + y + "\nreturn\n}";
  };
  Random random(5);
  Buffer gain({k}), weight(form.dims(n, words), 4 / form.perWord), scale({n}), columnSums({n});
  random.fill(gain);
  random.fill(scale);
  for (int64_t l = 0; l < k; ++l)
    for (int64_t j = 0; j < n; ++j)
      if (integers) {
        int8_t q = int8_t(random.next() % 255 - 127);
        weight.as<int8_t>()[form.place(l, j, words)] = q;
        columnSums.as<int32_t>()[j] += q;
      } else {
        weight.as<uint16_t>()[form.place(l, j, words)] = roundToBF16(random.uniform());
      }
  JitKernel one(text(true), isa), two(text(false), isa);
  for (int64_t t : {1, 3, 4, 5, 37}) {
    Buffer in({t, k}), hidden({t, k}), fused({t, n}), separate({t, n});
    random.fill(in);
    if (t > 9)
      in.as()[9 * k + 3] = std::numeric_limits<float>::quiet_NaN();
    one.run({&in, &gain, &weight, &scale, &columnSums, &hidden, &fused});
    two.run({&in, &gain, &weight, &scale, &columnSums, &hidden, &separate});
    std::string what = std::string(form.name) + " behind a layer norm, T=" + std::to_string(t);
    bool equal = true;
    for (int64_t i = 0; i < t * n; ++i)
      equal &= i / n == 9 ? std::isnan(fused.as()[i]) && std::isnan(separate.as()[i])
                          : fused.as()[i] == separate.as()[i] && fused.as()[i] != 0;
    report.require(what + ": other bits than with a pass between them", equal);
    report.require(what + ": wrote outside of its buffer", fused.guardIsIntact());
  }
}

bool testPrecision(const std::string &isa) {
  Report report{"precision"};
  const tamis::ISALevel &level = *tamis::lookupISALevel(isa);
  for (const Form &form : forms) {
    // What VNNI adds is for integers, what bf16 adds is not.
    if (form.perWord == 4 ? level.bf16 && !level.amx : level.vnni && !level.bf16)
      continue;
    JitKernel whole(precisionText(form, "relu", true, true), isa),
        plain(precisionText(form, "none", false, false), isa);
    for (int64_t t : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 49, 100})
      for (int64_t k : {2, 6, 32, 64, 70, 384, 1024})
        for (int64_t n : {1, 16, 31, 200}) {
          precisionCase(report, whole, level, form, true, true, true, t, k, n);
          if (t % 16 == 1)
            precisionCase(report, plain, level, form, false, false, false, t, k, n);
        }
    if (form.perWord == 4) // elements come in pairs else (nn-pack-weights)
      for (int64_t k : {1, 3, 33, 65})
        precisionCase(report, whole, level, form, true, true, true, 9, k, 40);
    for (int64_t t : {4, 20})
      specialValues(report, form, plain, t);
    behindNorm(report, form, isa);
  }
  return report.finish(isa);
}
