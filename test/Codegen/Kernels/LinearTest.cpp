//===- LinearTest.cpp - kernel.linear and kernel.matmul against plain loops ---------------------------===//
#include "KernelTest.h"

static const char *activations[] = {"none", "relu", "gelu", "gelu_tanh", "tanh", "silu", "sigmoid"};

static double activate(int kind, double x) {
  switch (kind) {
  case 1:
    return std::max(x, 0.0);
  case 2:
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case 3:
    return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  case 4:
    return std::tanh(x);
  case 5:
    return x / (1 + std::exp(-x));
  case 6:
    return 1 / (1 + std::exp(-x));
  }
  return x;
}

static Buffer packPanels(const Buffer &w) {
  int64_t k = w.dims[0], n = w.dims[1];
  Buffer packed({(n + 15) / 16, k, 16});
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < n; ++j)
      packed.as()[(j / 16 * k + i) * 16 + j % 16] = w.as()[i * n + j];
  return packed;
}

static std::string linearText(int activation, bool bias, bool residual, std::string k, std::string n) {
  std::string x = "memref<?x" + k + "xf32>", w = "memref<?x" + k + "x16xf32>", v = "memref<" + n + "xf32>",
              y = "memref<?x" + n + "xf32>";
  std::string use = "%x, %w", types = x + ", " + w;
  if (bias)
    use += ", %b", types += ", " + v;
  if (residual)
    use += ", %r", types += ", " + y;
  return "func.func @main(%x: " + x + ", %w: " + w + ", %b: " + v + ", %r: " + y + ", %y: " + y + ") {\n" +
         "kernel.linear " + use + ", %y {activation = #nn<activation " + activations[activation] +
         ">, operandSegmentSizes = array<i32: 1, 1, " + (bias ? "1" : "0") + ", " + (residual ? "1" : "0") +
         ", 0, 0, 1>} : " + types + ", " + y + "\nreturn\n}";
}

static void linearCase(Report &report, JitKernel &kernel, int activation, bool bias, bool residual, int64_t t,
                       int64_t k, int64_t n) {
  Random random(t * 1000003 + k * 1009 + n);
  Buffer x({t, k}), w({k, n}), b({n}), r({t, n}), y({t, n}), y2({t, n});
  random.fill(x);
  random.fill(w);
  random.fill(b);
  random.fill(r);
  fillNaN(y);
  Buffer packed = packPanels(w);
  kernel.run({&x, &packed, &b, &r, &y});
  kernel.run({&x, &packed, &b, &r, &y2}, 2);
  std::vector<double> expected(t * n);
  std::vector<double> row(n);
  for (int64_t i = 0; i < t; ++i) {
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t l = 0; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        row[j] += double(x.as()[i * k + l]) * w.as()[l * n + j];
    for (int64_t j = 0; j < n; ++j)
      expected[i * n + j] =
          activate(activation, row[j] + (bias ? b.as()[j] : 0)) + (residual ? r.as()[i * n + j] : 0);
  }
  std::string what = std::string(activations[activation]) + " T=" + std::to_string(t) +
                     " K=" + std::to_string(k) + " N=" + std::to_string(n);
  report.compare(what, y, expected, 1e-6 * std::sqrt(k) + 2e-6);
  report.require(what + ": 2 threads give other bits", std::memcmp(y.as(), y2.as(), y.elements() * 4) == 0);
}

bool testLinear(const std::string &isa) {
  Report report{"linear"};
  {
    JitKernel plain(linearText(0, true, true, "?", "?"), isa);
    for (int64_t t : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 48, 49})
      for (int64_t k : {1, 3, 8, 16, 33, 384})
        for (int64_t n : {1, 15, 16, 17, 48, 384, 1000})
          linearCase(report, plain, 0, true, true, t, k, n);
  }
  for (int activation = 0; activation < 7; ++activation)
    for (int form = 0; form < 4; ++form) {
      if (activation > 2 && form % 3)
        continue; // two forms will do for the rarer ones
      JitKernel kernel(linearText(activation, form & 1, form & 2, "?", "?"), isa);
      for (int64_t t : {1, 2, 3, 17})
        linearCase(report, kernel, activation, form & 1, form & 2, t, 40, 70);
    }
  JitKernel fixed(linearText(2, true, false, "384", "1536"), isa);
  for (int64_t t : {1, 2, 4, 128, 300})
    linearCase(report, fixed, 2, true, false, t, 384, 1536);
  return report.finish(isa);
}

static void matmulCase(Report &report, JitKernel &kernel, int64_t aBatch, int64_t bBatch, int64_t m,
                       int64_t k, int64_t n) {
  int64_t batch = std::max(aBatch, bBatch);
  Random random(m * 1000003 + k * 1009 + n);
  Buffer a({aBatch, m, k}), b({bBatch, k, n}), y({batch, m, n}), y2({batch, m, n});
  random.fill(a);
  random.fill(b);
  fillNaN(y);
  kernel.run({&a, &b, &y});
  kernel.run({&a, &b, &y2}, 2);
  std::vector<double> expected(batch * m * n);
  for (int64_t s = 0; s < batch; ++s)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t l = 0; l < k; ++l)
        for (int64_t j = 0; j < n; ++j)
          expected[(s * m + i) * n + j] += double(a.as()[((aBatch == 1 ? 0 : s) * m + i) * k + l]) *
                                           b.as()[((bBatch == 1 ? 0 : s) * k + l) * n + j];
  std::string what = "batches " + std::to_string(aBatch) + "," + std::to_string(bBatch) +
                     " M=" + std::to_string(m) + " K=" + std::to_string(k) + " N=" + std::to_string(n);
  report.compare(what, y, expected, 1e-6 * std::sqrt(k) + 1e-6);
  report.require(what + ": 2 threads give other bits", std::memcmp(y.as(), y2.as(), y.elements() * 4) == 0);
}

bool testMatmul(const std::string &isa) {
  Report report{"matmul"};
  auto text = [](std::string bBatch) {
    std::string a = "memref<?x?x?xf32>", b = "memref<" + bBatch + "x?x?xf32>";
    return "func.func @main(%a: " + a + ", %b: " + b + ", %y: " + a + ") {\nkernel.matmul %a, %b, %y : " + a +
           ", " + b + ", " + a + "\nreturn\n}";
  };
  JitKernel dynamic(text("?"), isa), shared(text("1"), isa);
  for (int64_t m : {1, 6, 13, 70})
    for (int64_t k : {0, 1, 33, 128})
      for (int64_t n : {1, 16, 17, 200}) {
        matmulCase(report, dynamic, 3, 3, m, k, n);
        matmulCase(report, dynamic, 1, 3, m, k, n);
        matmulCase(report, dynamic, 3, 1, m, k, n);
        matmulCase(report, shared, 3, 1, m, k, n);
      }
  matmulCase(report, dynamic, 2, 2, 128, 128, 384);
  return report.finish(isa);
}
