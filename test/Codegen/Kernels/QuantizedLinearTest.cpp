//===- QuantizedLinearTest.cpp - kernel.dynamic_range and kernel.quantized_linear ---------------------===//
#include "KernelTest.h"

#include <limits>

static std::string quantizedText(bool zeroPoint, bool bias, bool residual) {
  std::string x = "memref<?x?xf32>", w = "memref<?x?x16x4xi8>", vector = "memref<?xf32>",
              bytes = "memref<?xi8>";
  std::string use = "%x, %p, %w, %s, %c",
              types = x + ", memref<2xf32>, " + w + ", " + vector + ", memref<?xi32>";
  if (zeroPoint)
    use += ", %z", types += ", " + bytes;
  if (bias)
    use += ", %b", types += ", " + vector;
  if (residual)
    use += ", %r", types += ", " + x;
  auto present = [](bool is) { return is ? std::string("1, ") : std::string("0, "); };
  return "func.func @main(%x: " + x + ", %p: memref<2xf32>, %w: " + w + ", %s: " + vector +
         ", %c: memref<?xi32>, %z: " + bytes + ", %b: " + vector + ", %r: " + x + ", %y: " + x + ") {\n" +
         "kernel.dynamic_range %x, %p : " + x + ", memref<2xf32>\n" + "kernel.quantized_linear " + use +
         ", %y {activation = #nn<activation relu>, operandSegmentSizes = " + "array<i32: 1, 1, 1, 1, 1, " +
         present(zeroPoint) + present(bias) + present(residual) + "1>} : " + types + ", " + x + "\nreturn\n}";
}

enum class Values { Mixed, Positive, Negative, Zero, WithNaN };

static void quantizedCase(Report &report, JitKernel &kernel, bool zeroPoint, bool bias, bool residual,
                          Values values, int64_t t, int64_t k, int64_t n) {
  Random random(t * 1000003 + k * 1009 + n);
  int64_t words = ((k + 3) / 4 + 15) / 16 * 16;
  Buffer x({t, k}), p({2}), packed({(n + 15) / 16, words, 16, 4}, 1), s({n}), c({n}), z({n}, 1), b({n}),
      r({t, n}), y({t, n}), y2({t, n});
  std::vector<int8_t> w(k * n);
  for (Buffer *buffer : {&x, &s, &b, &r})
    random.fill(*buffer);
  for (int64_t i = 0; i < t * k; ++i) {
    float &element = x.as()[i];
    if (values == Values::Positive || values == Values::Negative)
      element = std::abs(element) * (values == Values::Negative ? -3.0f : 3.0f);
    if (values == Values::Zero)
      element = 0;
    if (values == Values::WithNaN && i % 7 == 3)
      element = std::numeric_limits<float>::quiet_NaN();
  }
  for (int64_t l = 0; l < k; ++l)
    for (int64_t j = 0; j < n; ++j) {
      w[l * n + j] = static_cast<int8_t>(random.next());
      packed.as<int8_t>()[((j / 16 * words + l / 4) * 16 + j % 16) * 4 + l % 4] = w[l * n + j];
    }
  for (int64_t j = 0; j < n; ++j) {
    z.as<int8_t>()[j] = zeroPoint ? static_cast<int8_t>(random.next()) : 0;
    int32_t sum = 0;
    for (int64_t l = 0; l < k; ++l)
      sum += w[l * n + j] - z.as<int8_t>()[j];
    c.as<int32_t>()[j] = sum;
  }
  fillNaN(y);
  kernel.run({&x, &p, &packed, &s, &c, &z, &b, &r, &y});
  std::string what = "T=" + std::to_string(t) + " K=" + std::to_string(k) + " N=" + std::to_string(n);

  // As ONNX says, in f32.
  float low = 0, high = 0;
  for (int64_t i = 0; i < t * k; ++i) {
    low = x.as()[i] < low ? x.as()[i] : low;
    high = x.as()[i] > high ? x.as()[i] : high;
  }
  float scale = (high - low) / 255;
  scale = scale == 0 ? 1 : scale;
  float zero = std::min(std::max(std::nearbyint((0 - low) / scale), 0.0f), 255.0f);
  report.require(what + ": other scale or zero point", p.as()[0] == scale && p.as()[1] == zero);
  std::vector<int32_t> codes(t * k);
  for (int64_t i = 0; i < t * k; ++i) {
    float element = std::nearbyint(x.as()[i] / scale) + zero;
    codes[i] = std::isnan(element) ? 0 : static_cast<int32_t>(std::min(std::max(element, 0.0f), 255.0f));
  }

  std::vector<double> expected(t * n);
  for (int64_t i = 0; i < t; ++i)
    for (int64_t j = 0; j < n; ++j) {
      int64_t sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += (codes[i * k + l] - static_cast<int64_t>(zero)) * (w[l * n + j] - z.as<int8_t>()[j]);
      float value = static_cast<float>(sum) * (scale * s.as()[j]) + (bias ? b.as()[j] : 0);
      expected[i * n + j] = std::max(value, 0.0f) + (residual ? r.as()[i * n + j] : 0);
    }
  report.compare(what, y, expected, 1e-6);
  kernel.run({&x, &p, &packed, &s, &c, &z, &b, &r, &y2}, 2);
  report.require(what + ": 2 threads give other bits", std::memcmp(y.as(), y2.as(), y.elements() * 4) == 0);
}

bool testQuantizedLinear(const std::string &isa) {
  Report report{"quantized_linear"};
  for (int form = 0; form < 8; ++form) {
    bool zeroPoint = form & 1, bias = form & 2, residual = form & 4;
    JitKernel kernel(quantizedText(zeroPoint, bias, residual), isa);
    for (int64_t t : {0, 1, 2, 7, 49})
      for (int64_t k : {1, 4, 33, 384})
        for (int64_t n : {1, 15, 16, 17, 100})
          quantizedCase(report, kernel, zeroPoint, bias, residual, Values::Mixed, t, k, n);
    for (Values values : {Values::Positive, Values::Negative, Values::Zero, Values::WithNaN})
      quantizedCase(report, kernel, zeroPoint, bias, residual, values, 5, 37, 41);
  }
  return report.finish(isa);
}
