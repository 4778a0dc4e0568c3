//===- MergeTest.cpp - Kernels that choose and merge rows ----------------------------------------------===//
#include "KernelTest.h"

#include <algorithm>
#include <cmath>

namespace {
/// A batch whose rows are matched, chosen and merged.
struct MergeCase {
  std::vector<int64_t> lengths;
  float share;
  int64_t minimum = 1, first = 1, last = 1;
  int64_t kvHeads = 2, depth = 12, width = 40;
  bool sizes = false, fixed = false;
  bool equalKeys = false; ///< of few different rows, so that cosines are equal
};

/// What the kernels are to give, and how sure that is.
struct Merged {
  std::vector<int64_t> kept, keptOffsets{0}, into;
  std::vector<double> rows, sizes;
};
} // namespace

static std::string attributesOf(const MergeCase &c) {
  return "setting = 0 : i64, lengths = array<i64: 1000>, first = " + std::to_string(c.first) +
         " : i64, last = " + std::to_string(c.last) + " : i64";
}

/// Matches and selects. The keys have a column in front that is no one's.
static std::string textOfMatch(const MergeCase &c) {
  std::string x = "memref<?x?xf32>", i = "memref<?xi64>", f = "memref<?xf32>", flags = "memref<?xi1>";
  std::string fixed = c.fixed ? "%f, " : "", fixedType = c.fixed ? flags + ", " : "";
  return "func.func @main(%k: " + x + ", %o: " + i + ", %f: " + flags + ", %s: " + f + ", %p: " + i +
         ", %t: " + flags + ", %kept: " + i + ", %ko: " + i + ") {\nkernel.token_match %k, %o, %o, " + fixed +
         "%s, %p, %t {" + attributesOf(c) + ", kv_heads = " + std::to_string(c.kvHeads) +
         " : i64, head_dim = " + std::to_string(c.depth) + " : i64, k_column = 1 : i64} : " + x + ", " + i +
         ", " + i + ", " + fixedType + f + ", " + i + ", " + flags +
         "\nkernel.token_select %s, %o, %o, %t, %kept, %ko {" + attributesOf(c) +
         ", minimum = " + std::to_string(c.minimum) + " : i64} : " + f + ", " + i + ", " + i + ", " + flags +
         ", " + i + ", " + i + "\nreturn\n}";
}

static std::string textOfMerge(const MergeCase &c) {
  std::string x = "memref<?x?xf32>", i = "memref<?xi64>", f = "memref<?xf32>";
  std::string sizes = c.sizes ? "%z, " : "", sizesType = c.sizes ? f + ", " : "";
  return "func.func @main(%x: " + x + ", %z: " + f + ", %o: " + i + ", %kept: " + i + ", %ko: " + i +
         ", %p: " + i + ", %y: " + x + ", %n: " + f + ", %into: " + i + ") {\nkernel.token_merge %x, " +
         sizes + "%o, %kept, %ko, %p, %y, %n, %into : " + x + ", " + sizesType + i + ", " + i + ", " + i +
         ", " + i + ", " + x + ", " + f + ", " + i + "\nreturn\n}";
}

/// What the scores and partners that the kernel gave lead to.
static Merged expectedOf(const MergeCase &c, Buffer &offsets, Buffer &scores, Buffer &partners, Buffer &stays,
                         Buffer &x, Buffer &sizes) {
  Merged m;
  for (size_t b = 0; b < c.lengths.size(); ++b) {
    int64_t begin = offsets.as<int64_t>()[b], n = c.lengths[b];
    std::vector<int64_t> order;
    int64_t staying = 0;
    for (int64_t row = begin; row < begin + n; ++row) {
      order.push_back(row);
      staying += stays.as<int8_t>()[row];
    }
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      bool first = stays.as<int8_t>()[a], second = stays.as<int8_t>()[b];
      if (first != second)
        return first;
      return !first && scores.as()[a] != scores.as()[b] ? scores.as()[a] > scores.as()[b] : a < b;
    });
    int64_t count = std::max({int64_t(float(n) * c.share + 0.5f), c.minimum, c.first + c.last, staying});
    order.resize(std::min(count, n));
    std::sort(order.begin(), order.end());
    for (int64_t row = begin; row < begin + n; ++row) {
      bool isKept = std::binary_search(order.begin(), order.end(), row);
      int64_t home = isKept ? row : partners.as<int64_t>()[row];
      m.into.push_back(m.keptOffsets.back() +
                       (std::lower_bound(order.begin(), order.end(), home) - order.begin()));
    }
    m.kept.insert(m.kept.end(), order.begin(), order.end());
    m.keptOffsets.push_back(int64_t(m.kept.size()));
  }
  m.rows.resize(m.kept.size() * c.width);
  m.sizes.resize(m.kept.size());
  for (size_t row = 0; row < m.into.size(); ++row) {
    double size = c.sizes ? sizes.as()[row] : 1;
    m.sizes[m.into[row]] += size;
    for (int64_t h = 0; h < c.width; ++h)
      m.rows[m.into[row] * c.width + h] += size * x.as()[int64_t(row) * c.width + h];
  }
  for (size_t n = 0; n < m.rows.size(); ++n)
    m.rows[n] /= m.sizes[n / c.width];
  return m;
}

/// Scores, partners and flags beside cosines in double.
static bool matchesWell(const MergeCase &c, Buffer &k, Buffer &offsets, Buffer &fixed, Buffer &scores,
                        Buffer &partners, Buffer &stays) {
  int64_t columns = 1 + c.kvHeads * c.depth;
  auto mean = [&](int64_t row) {
    std::vector<double> sum(c.depth);
    double norm = 0;
    for (int64_t d = 0; d < c.depth; ++d) {
      for (int64_t head = 0; head < c.kvHeads; ++head)
        sum[d] += k.as()[row * columns + 1 + head * c.depth + d];
      norm += sum[d] * sum[d];
    }
    for (double &v : sum)
      v /= std::sqrt(norm);
    return sum;
  };
  bool good = true;
  for (size_t b = 0; b < c.lengths.size(); ++b) {
    int64_t begin = offsets.as<int64_t>()[b], n = c.lengths[b];
    auto isFree = [&](int64_t place) {
      return place >= c.first && place < n - std::min(n, c.last) &&
             !(c.fixed && fixed.as<int8_t>()[begin + place]);
    };
    for (int64_t place = 0; place < n; ++place) {
      int64_t row = begin + place, best = -1;
      double greatest = -2;
      std::vector<double> own = mean(row);
      auto cosineWith = [&](int64_t other) {
        std::vector<double> theirs = mean(other);
        double sum = 0;
        for (int64_t d = 0; d < c.depth; ++d)
          sum += own[d] * theirs[d];
        return sum;
      };
      bool merges = c.share < 1 && place % 2 == 0 && isFree(place);
      for (int64_t odd = 1; merges && odd < n; odd += 2)
        if (isFree(odd))
          if (double cosine = cosineWith(begin + odd); cosine > greatest + 1e-9) {
            greatest = cosine;
            best = begin + odd;
          }
      int64_t partner = partners.as<int64_t>()[row];
      good &= stays.as<int8_t>()[row] == (best < 0);
      if (best < 0)
        good &= partner == row && scores.as()[row] == 0;
      else
        good &= std::fabs(scores.as()[row] + greatest) < 1e-6 &&
                (c.equalKeys ? partner == best
                             : cosineWith(partner) > greatest - 1e-6 && isFree(partner - begin) &&
                                   (partner - begin) % 2 == 1);
    }
  }
  return good;
}

static void testCase(Report &report, const std::string &isa, const MergeCase &c, const std::string &what) {
  JitKernel match(textOfMatch(c), isa), merge(textOfMerge(c), isa);
  match.settings = {c.share, c.share};
  int64_t batch = c.lengths.size(), columns = 1 + c.kvHeads * c.depth;
  Buffer offsets({batch + 1}, 8), keptOffsets({batch + 1}, 8);
  for (int64_t b = 0; b < batch; ++b)
    offsets.as<int64_t>()[b + 1] = offsets.as<int64_t>()[b] + c.lengths[b];
  int64_t rows = offsets.as<int64_t>()[batch];
  Random random(rows + c.depth);
  Buffer k({rows, columns}), fixed({rows}, 1), scores({rows}), partners({rows}, 8), stays({rows}, 1),
      kept({rows}, 8), x({rows, c.width}), sizes({rows}), into({rows}, 8);
  random.fill(k);
  random.fill(x);
  for (int64_t row = 0; row < rows; ++row) {
    fixed.as<int8_t>()[row] = row % 7 == 3 || row % 10 == 4;
    sizes.as()[row] = float(1 + row % 3);
    if (c.equalKeys)
      std::copy_n(k.as() + row % 5 * columns, columns, k.as() + row * columns);
  }
  std::vector<std::vector<char>> bits;
  for (int threads : {1, 2}) {
    match.run({&k, &offsets, &fixed, &scores, &partners, &stays, &kept, &keptOffsets}, threads);
    Merged expected = expectedOf(c, offsets, scores, partners, stays, x, sizes);
    auto count = int64_t(expected.kept.size());
    bool good =
        std::equal(expected.keptOffsets.begin(), expected.keptOffsets.end(), keptOffsets.as<int64_t>()) &&
        std::equal(expected.kept.begin(), expected.kept.end(), kept.as<int64_t>());
    report.require(what + ": other rows are kept", good);
    if (!good)
      return;
    report.require(what + ": other partners", matchesWell(c, k, offsets, fixed, scores, partners, stays) &&
                                                  scores.guardIsIntact() && partners.guardIsIntact() &&
                                                  stays.guardIsIntact());
    Buffer chosen({count}, 8), y({count, c.width}), merged({count});
    std::copy_n(kept.as<int64_t>(), count, chosen.as<int64_t>());
    fillNaN(y);
    merge.run({&x, &sizes, &offsets, &chosen, &keptOffsets, &partners, &y, &merged, &into}, threads);
    report.compare(what + ": rows", y, expected.rows, 1e-6);
    report.compare(what + ": sizes", merged, expected.sizes, 0);
    report.require(what + ": rows went elsewhere",
                   std::equal(expected.into.begin(), expected.into.end(), into.as<int64_t>()) &&
                       into.guardIsIntact());
    bits.emplace_back(reinterpret_cast<char *>(y.as()), reinterpret_cast<char *>(y.as() + y.elements()));
    // What is alone stays as it is, to the bit.
    bool same = true;
    for (int64_t row = 0; row < count; ++row)
      if (std::count(expected.into.begin(), expected.into.end(), row) == 1)
        same &= std::equal(y.as() + row * c.width, y.as() + (row + 1) * c.width,
                           x.as() + expected.kept[row] * c.width);
    report.require(what + ": a row that is alone has changed", same);
  }
  report.require(what + ": 2 threads give other bits", bits[0] == bits[1]);
}

static void testProtect(Report &report, const std::string &isa) {
  JitKernel kernel(
      "func.func @main(%i: memref<?xi32>, %f: memref<?xi1>) {\nkernel.token_protect %i, %f {values = "
      "array<i64: 3, 70000>} : memref<?xi32>, memref<?xi1>\nreturn\n}",
      isa);
  for (int64_t rows : {0, 1, 37}) {
    Buffer ids({rows}, 4), flags({rows}, 1);
    bool good = true;
    for (int64_t row = 0; row < rows; ++row)
      ids.as<int32_t>()[row] = row % 3 == 0 ? 3 : row % 3 == 1 ? 70000 : int32_t(row);
    kernel.run({&ids, &flags});
    for (int64_t row = 0; row < rows; ++row)
      good &= flags.as<int8_t>()[row] == (row % 3 != 2);
    report.require("token_protect of " + std::to_string(rows), good && flags.guardIsIntact());
  }
}

bool testMerge(const std::string &isa) {
  Report report{"merge"};
  std::vector<int64_t> lengths = {1, 2, 3, 0, 16, 17, 64, 131};
  for (float share : {0.5f, 0.8f, 1.0f}) {
    std::string what = "merge to " + std::to_string(share);
    MergeCase plain{lengths, share};
    testCase(report, isa, plain, what);
    MergeCase protects = plain;
    protects.first = 3;
    protects.last = 2;
    protects.fixed = protects.sizes = true;
    testCase(report, isa, protects, what + ", protected rows, sizes");
    MergeCase equal = plain;
    equal.first = equal.last = 0;
    equal.equalKeys = true;
    equal.kvHeads = 1;
    equal.depth = 64;
    equal.width = 300;
    testCase(report, isa, equal, what + ", equal cosines");
  }
  MergeCase few{{9, 30}, 0.5f, 20};
  testCase(report, isa, few, "merge, minimum");
  testProtect(report, isa);
  return report.finish(isa);
}
