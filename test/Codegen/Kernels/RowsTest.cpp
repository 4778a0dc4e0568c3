//===- RowsTest.cpp - Norms, softmax, embedding and pooling against plain loops -----------------------===//
#include "KernelTest.h"

static const int64_t widths[] = {1, 3, 8, 17, 33, 64, 100, 384};

static void testNorms(Report &report, const std::string &isa) {
  std::string m = "memref<?x?xf32>", v = "memref<?xf32>";
  for (int form = 0; form < 3; ++form) {
    std::string op =
        form == 2 ? "rms_norm %x, %s, %y {epsilon = 1.0e-05 : f32} : " + m + ", " + v + ", " + m
        : form ? "layer_norm %x, %s, %b, %y {epsilon = 1.0e-05 : f32} : " + m + ", " + v + ", " + v + ", " + m
               : "layer_norm %x, %s, %y {epsilon = 1.0e-05 : f32} : " + m + ", " + v + ", " + m;
    JitKernel kernel("func.func @main(%x: " + m + ", %s: " + v + ", %b: " + v + ", %y: " + m +
                         ") {\nkernel." + op + "\nreturn\n}",
                     isa);
    for (int64_t t : {0, 1, 7, 200})
      for (int64_t h : widths) {
        Random random(t + h);
        Buffer x({t, h}), s({h}), b({h}), y({t, h});
        random.fill(x);
        random.fill(s);
        random.fill(b);
        for (int64_t i = 0; i < t * h; ++i)
          x.as()[i] += 3;
        fillNaN(y);
        kernel.run({&x, &s, &b, &y}, t == 200 ? 2 : 1);
        std::vector<double> expected(t * h);
        for (int64_t i = 0; i < t; ++i) {
          double mean = 0, variance = 0;
          for (int64_t j = 0; j < h; ++j)
            mean += x.as()[i * h + j] / double(h);
          if (form == 2)
            mean = 0;
          for (int64_t j = 0; j < h; ++j)
            variance += std::pow(x.as()[i * h + j] - mean, 2) / h;
          for (int64_t j = 0; j < h; ++j)
            expected[i * h + j] = (x.as()[i * h + j] - mean) / std::sqrt(variance + 1e-5) * s.as()[j] +
                                  (form == 1 ? b.as()[j] : 0);
        }
        report.compare("norm " + std::to_string(form) + " " + std::to_string(t) + "x" + std::to_string(h), y,
                       expected, 4e-6);
      }
  }
}

static void testSoftmax(Report &report, const std::string &isa) {
  std::string m = "memref<?x?x?xf32>";
  JitKernel kernel("func.func @main(%x: " + m + ", %y: " + m + ") {\nkernel.softmax %x, %y : " + m + ", " +
                       m + "\nreturn\n}",
                   isa);
  for (int64_t t : {1, 9})
    for (int64_t n : widths) {
      Random random(n);
      Buffer x({t, 2, n}), y({t, 2, n});
      random.fill(x);
      for (int64_t i = 0; i < t * 2 * n; ++i)
        x.as()[i] *= 30;
      fillNaN(y);
      kernel.run({&x, &y});
      std::vector<double> expected(t * 2 * n);
      for (int64_t i = 0; i < t * 2; ++i) {
        double sum = 0, greatest = -INFINITY;
        for (int64_t j = 0; j < n; ++j)
          greatest = std::max<double>(greatest, x.as()[i * n + j]);
        for (int64_t j = 0; j < n; ++j)
          sum += expected[i * n + j] = std::exp(x.as()[i * n + j] - greatest);
        for (int64_t j = 0; j < n; ++j)
          expected[i * n + j] /= sum;
      }
      report.compare("softmax of " + std::to_string(n), y, expected, 1e-6);
    }
}

static void testEmbedding(Report &report, const std::string &isa) {
  std::string m = "memref<?x?xf32>", y = "memref<?x?x?xf32>";
  JitKernel kernel("func.func @main(%a: " + m + ", %b: " + m +
                       ", %c: memref<1x?xf32>, %i: memref<?x?xi64>, %j: "
                       "memref<1x?xi32>, %k: memref<1xi64>, %y: " +
                       y +
                       ") {\nkernel.embedding %a, %b, %c, %i, %j, %k, "
                       "%y {operandSegmentSizes = array<i32: 3, 3, 1>} : " +
                       m + ", " + m + ", memref<1x?xf32>, memref<?x?xi64>, memref<1x?xi32>, memref<1xi64>, " +
                       y + "\nreturn\n}",
                   isa);
  for (int64_t h : widths) {
    int64_t batch = 3, length = 7, vocabulary = 50;
    Random random(h);
    Buffer a({vocabulary, h}), b({10, h}), c({1, h}), i({batch, length}, 8), j({1, length}, 4), k({1}, 8),
        out({batch, length, h});
    random.fill(a);
    random.fill(b);
    random.fill(c);
    for (int64_t n = 0; n < batch * length; ++n)
      i.as<int64_t>()[n] = int64_t(random.next() % (2 * vocabulary)) - vocabulary;
    for (int64_t n = 0; n < length; ++n)
      j.as<int32_t>()[n] = n;
    k.as<int64_t>()[0] = -1;
    fillNaN(out);
    report.require("embedding: a check failed", kernel.run({&a, &b, &c, &i, &j, &k, &out}).empty());
    std::vector<double> expected(batch * length * h);
    for (int64_t n = 0; n < batch * length; ++n)
      for (int64_t d = 0; d < h; ++d) {
        int64_t id = i.as<int64_t>()[n];
        expected[n * h + d] =
            a.as()[(id < 0 ? id + vocabulary : id) * h + d] + b.as()[n % length * h + d] + c.as()[d];
      }
    report.compare("embedding of " + std::to_string(h), out, expected, 1e-6);
    for (int64_t bad : {vocabulary, -vocabulary - 1, INT64_MAX, INT64_MIN}) {
      i.as<int64_t>()[4] = bad;
      report.require("embedding: id " + std::to_string(bad) + " passes",
                     kernel.run({&a, &b, &c, &i, &j, &k, &out}) == "an id is outside the vocabulary");
    }
  }
}

/// A table of bf16 gives its numbers as they are, and is added up with others in f32.
static void testStoredTables(Report &report, const std::string &isa) {
  std::string table = "memref<?x?xbf16>", m = "memref<?x?xf32>", ids = "memref<?xi64>";
  JitKernel kernel(
      "func.func @main(%a: " + table + ", %b: " + m + ", %i: " + ids + ", %y: " + m + ", %z: " + m +
          ") {\nkernel.embedding %a, %i, %y {operandSegmentSizes = array<i32: 1, 1, 1>} : " + table + ", " +
          ids + ", " + m +
          "\nkernel.embedding %b, %a, %i, %i, %z {operandSegmentSizes = array<i32: 2, 2, 1>} : " + m + ", " +
          table + ", " + ids + ", " + ids + ", " + m + "\nreturn\n}",
      isa);
  for (int64_t rows : {0, 1, 7, 201})
    for (int64_t h : widths) {
      int64_t vocabulary = 50;
      Random random(rows + h);
      Buffer a({vocabulary, h}, 2), b({vocabulary, h}), i({rows}, 8), y({rows, h}), z({rows, h});
      random.fill(b);
      for (int64_t n = 0; n < vocabulary * h; ++n)
        a.as<uint16_t>()[n] = roundToBF16(random.uniform());
      for (int64_t n = 0; n < rows; ++n)
        i.as<int64_t>()[n] = random.next() % vocabulary;
      fillNaN(y);
      fillNaN(z);
      kernel.run({&a, &b, &i, &y, &z}, rows > 7 ? 2 : 1);
      std::vector<double> expected(rows * h), sum(rows * h);
      for (int64_t n = 0; n < rows * h; ++n) {
        int64_t from = i.as<int64_t>()[n / h] * h + n % h;
        float row = fromBF16(a.as<uint16_t>()[from]);
        expected[n] = row;
        sum[n] = b.as()[from] + row; // rounded as an f32
      }
      std::string what = " of bf16, " + std::to_string(rows) + "x" + std::to_string(h);
      report.compare("table" + what, y, expected, 0);
      report.compare("table and one" + what, z, sum, 0);
    }
}

static void testMeanPool(Report &report, const std::string &isa) {
  std::string y = "memref<?x?xf32>";
  JitKernel padded("func.func @main(%x: memref<?x?x?xf32>, %m: memref<?x?xi64>, %y: " + y +
                       ") {\nkernel.mean_pool %x, %m, %y {epsilon = 1.0e-09 : f32, operandSegmentSizes = "
                       "array<i32: 1, 1, 0, 0, 1>} : memref<?x?x?xf32>, memref<?x?xi64>, " +
                       y + "\nreturn\n}",
                   isa);
  JitKernel ragged("func.func @main(%x: " + y + ", %o: memref<?xi64>, %y: " + y +
                       ") {\nkernel.mean_pool %x, %o, %y {epsilon = 1.0e-09 : f32, operandSegmentSizes = "
                       "array<i32: 1, 0, 1, 0, 1>} : " +
                       y + ", memref<?xi64>, " + y + "\nreturn\n}",
                   isa);
  JitKernel weighted(
      "func.func @main(%x: " + y + ", %o: memref<?xi64>, %w: memref<?xf32>, %y: " + y +
          ") {\nkernel.mean_pool %x, %o, %w, %y {epsilon = 1.0e-09 : f32, operandSegmentSizes = "
          "array<i32: 1, 0, 1, 1, 1>} : " +
          y + ", memref<?xi64>, memref<?xf32>, " + y + "\nreturn\n}",
      isa);
  int64_t lengths[] = {3, 0, 1, 11}, batch = 4, length = 11, rows = 15;
  for (int64_t h : widths) {
    Random random(h);
    Buffer x({batch, length, h}), mask({batch, length}, 8), packed({rows, h}), offsets({batch + 1}, 8),
        y({batch, h}), z({batch, h}), weights({rows}), w({batch, h});
    random.fill(x);
    fillNaN(y);
    fillNaN(z);
    fillNaN(w);
    std::vector<double> expected(batch * h), byWeight(batch * h);
    for (int64_t row = 0; row < rows; ++row)
      weights.as()[row] = float(1 + row % 4);
    for (int64_t b = 0, row = 0; b < batch; ++b) {
      double sum = 0;
      for (int64_t s = 0; s < lengths[b]; ++s)
        sum += weights.as()[row + s];
      for (int64_t s = 0; s < lengths[b]; ++s, ++row)
        for (int64_t d = 0; d < h; ++d) {
          mask.as<int64_t>()[b * length + s] = 1;
          packed.as()[row * h + d] = x.as()[(b * length + s) * h + d];
          expected[b * h + d] += x.as()[(b * length + s) * h + d] / double(lengths[b]);
          byWeight[b * h + d] += x.as()[(b * length + s) * h + d] * (weights.as()[row] / sum);
        }
      offsets.as<int64_t>()[b + 1] = row;
    }
    padded.run({&x, &mask, &y});
    ragged.run({&packed, &offsets, &z});
    report.compare("mean_pool, padded, " + std::to_string(h), y, expected, 1e-6);
    report.compare("mean_pool, ragged, " + std::to_string(h), z, expected, 1e-6);
    weighted.run({&packed, &offsets, &weights, &w});
    report.compare("mean_pool, weighted, " + std::to_string(h), w, byWeight, 1e-6);
  }
}

bool testRows(const std::string &isa) {
  Report report{"rows"};
  testNorms(report, isa);
  testSoftmax(report, isa);
  testEmbedding(report, isa);
  testStoredTables(report, isa);
  testMeanPool(report, isa);
  return report.finish(isa);
}
