//===- TokensTest.cpp - Kernels that move rows ---------------------------------------------------------===//
#include "KernelTest.h"

#include <algorithm>
#include <cmath>

namespace {
/// The places of a mask's tokens.
struct Places {
  std::vector<int64_t> rows, offsets{0};
};
} // namespace

static Places placesOf(const std::vector<int> &mask, int64_t batch, int64_t length) {
  Places p;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t s = 0; s < length; ++s)
      if (mask[b * length + s])
        p.rows.push_back(b * length + s);
    p.offsets.push_back(p.rows.size());
  }
  return p;
}

template <typename T>
static void testIndex(Report &report, const std::string &isa, const std::string &element) {
  std::string m = "memref<?x?x" + element + ">";
  JitKernel kernel("func.func @main(%m: " + m +
                       ", %r: memref<?xi64>, %o: memref<?xi64>) {\nkernel.token_index %m, "
                       "%r, %o {binary} : " +
                       m + ", memref<?xi64>, memref<?xi64>\nreturn\n}",
                   isa);
  for (int64_t length : {0, 1, 7, 40}) {
    int64_t batch = 5;
    Random random(length + 3);
    std::vector<int> values(batch * length);
    Buffer mask({batch, length}, sizeof(T)), rows({batch * length}, 8), offsets({batch + 1}, 8);
    for (size_t i = 0; i < values.size(); ++i)
      mask.as<T>()[i] = values[i] = random.next() % 3 != 0;
    Places expected = placesOf(values, batch, length);
    report.require("token_index: a check failed", kernel.run({&mask, &rows, &offsets}).empty());
    report.require("token_index: wrong rows",
                   std::equal(expected.rows.begin(), expected.rows.end(), rows.as<int64_t>()));
    report.require("token_index: wrong offsets",
                   std::equal(expected.offsets.begin(), expected.offsets.end(), offsets.as<int64_t>()));
    report.require("token_index: wrote outside", rows.guardIsIntact() && offsets.guardIsIntact());
    report.require("token_index: wrong counters", kernel.counters[0] == batch * length &&
                                                      kernel.counters[1] == int64_t(expected.rows.size()));
    if (length == 7 && element != "i1") {
      mask.as<T>()[11] = 2;
      report.require("token_index: the mask 2 passes",
                     kernel.run({&mask, &rows, &offsets}) ==
                         "the mask holds a value that is neither 0 nor 1; compile with --keep-padding");
    }
  }
}

template <typename T>
static void testRowsOf(Report &report, const std::string &isa, const std::string &element) {
  std::string x = "memref<?x?x?x" + element + ">", y = "memref<?x?x" + element + ">", i = "memref<?xi64>";
  JitKernel pack("func.func @main(%x: " + x + ", %r: " + i + ", %y: " + y +
                     ") {\nkernel.token_pack %x, %r, %y : " + x + ", " + i + ", " + y + "\nreturn\n}",
                 isa);
  JitKernel unpack("func.func @main(%y: " + y + ", %r: " + i + ", %x: " + x +
                       ") {\nkernel.token_unpack %y, %r, %x : " + y + ", " + i + ", " + x + "\nreturn\n}",
                   isa);
  JitKernel first("func.func @main(%y: " + y + ", %r: " + i + ", %o: " + i + ", %x: " + x + ", %z: " + y +
                      ") {\n%one = arith.constant 1 : index\n%s = memref.dim %x, %one : " + x +
                      "\nkernel.token_first %y, %r, %o, %s, %z {position = 0 : i64} : " + y + ", " + i +
                      ", " + i + ", index, " + y + "\nreturn\n}",
                  isa);
  int64_t batch = 4, length = 9;
  for (int64_t h : {1, 5, 32, 100})
    for (int density = 0; density < 4; ++density) {
      Random random(h + density);
      std::vector<int> mask(batch * length);
      for (int64_t n = 0; n < batch * length; ++n)
        mask[n] = density == 3   ? 1
                  : density == 0 ? 0
                                 : (n % length == 0 || random.next() % 3 < unsigned(density));
      Places places = placesOf(mask, batch, length);
      int64_t count = places.rows.size();
      Buffer x({batch, length, h}, sizeof(T)), one({1, length, h}, sizeof(T)), rows({count}, 8),
          offsets({batch + 1}, 8), y({count, h}, sizeof(T)), back({batch, length, h}, sizeof(T)),
          z({batch, h}, sizeof(T));
      std::copy(places.rows.begin(), places.rows.end(), rows.as<int64_t>());
      std::copy(places.offsets.begin(), places.offsets.end(), offsets.as<int64_t>());
      for (int64_t n = 0; n < x.elements(); ++n)
        x.as<T>()[n] = T(n % 2 ? 1 : sizeof(T) == 1 ? 0 : n);
      std::memset(back.as<T>(), 1, back.elements() * sizeof(T));
      std::string what =
          " of " + element + ", h " + std::to_string(h) + ", " + std::to_string(count) + " rows";
      pack.run({&x, &rows, &y});
      unpack.run({&y, &rows, &back});
      bool good = y.guardIsIntact() && back.guardIsIntact();
      for (int64_t n = 0; n < count * h; ++n)
        good &= y.as<T>()[n] == x.as<T>()[places.rows[n / h] * h + n % h];
      report.require("token_pack" + what, good);
      good = true;
      for (int64_t n = 0; n < x.elements(); ++n)
        good &= back.as<T>()[n] == (mask[n / h] ? x.as<T>()[n] : T(0));
      report.require("token_unpack" + what, good);
      std::copy(x.as<T>(), x.as<T>() + one.elements(), one.as<T>());
      pack.run({&one, &rows, &y});
      good = true;
      for (int64_t n = 0; n < count * h; ++n)
        good &= y.as<T>()[n] == x.as<T>()[places.rows[n / h] % length * h + n % h];
      report.require("token_pack, shared" + what, good);
      pack.run({&x, &rows, &y});
      std::string reason = first.run({&y, &rows, &offsets, &x, &z});
      good = reason.empty() == (density != 0);
      for (int64_t n = 0; density && n < batch * h; ++n)
        good &= z.as<T>()[n] == x.as<T>()[n / h * length * h + n % h];
      report.require("token_first" + what + reason, good);
    }
}

/// What is gathered at kept rows and at the others is put together again.
template <typename T>
static void testRestore(Report &report, const std::string &isa, const std::string &element) {
  std::string x = "memref<?x?x" + element + ">", i = "memref<?xi64>";
  JitKernel dropped("func.func @main(%k: " + i + ", %d: " + i + ") {\nkernel.token_dropped %k, %d : " + i +
                        ", " + i + "\nreturn\n}",
                    isa);
  JitKernel gather("func.func @main(%x: " + x + ", %k: " + i + ", %y: " + x +
                       ") {\nkernel.token_gather %x, %k, %y : " + x + ", " + i + ", " + x + "\nreturn\n}",
                   isa);
  JitKernel restore("func.func @main(%y: " + x + ", %k: " + i + ", %m: " + x + ", %d: " + i + ", %x: " + x +
                        ") {\nkernel.token_restore %y, %k, %m, %d, %x : " + x + ", " + i + ", " + x + ", " +
                        i + ", " + x + "\nreturn\n}",
                    isa);
  for (int64_t h : {1, 5, 32, 100})
    for (int64_t count : {0, 1, 2, 40})
      for (int density = 0; density < 4; ++density) {
        Random random(h + 7 * count + density);
        std::vector<int64_t> stay, go;
        for (int64_t row = 0; row < count; ++row)
          (int(random.next() % 3) < density ? stay : go).push_back(row);
        auto kept = int64_t(stay.size()), gone = int64_t(go.size());
        Buffer all({count}, 8), k({kept}, 8), d({gone}, 8), states({count, h}, sizeof(T)),
            y({kept, h}, sizeof(T)), m({gone, h}, sizeof(T)), back({count, h}, sizeof(T));
        std::copy(stay.begin(), stay.end(), k.as<int64_t>());
        for (int64_t n = 0; n < states.elements(); ++n)
          states.as<T>()[n] = T(sizeof(T) == 1 ? n % 2 : n + 1);
        std::string what = " of " + element + ", h " + std::to_string(h) + ", " + std::to_string(kept) +
                           " of " + std::to_string(count) + " rows";
        dropped.run({&k, &all});
        report.require("token_dropped" + what,
                       std::equal(go.begin(), go.end(), all.as<int64_t>()) && all.guardIsIntact());
        std::copy(go.begin(), go.end(), d.as<int64_t>());
        gather.run({&states, &k, &y});
        gather.run({&states, &d, &m});
        bool good = y.guardIsIntact() && m.guardIsIntact();
        for (int64_t n = 0; n < kept * h; ++n)
          good &= y.as<T>()[n] == states.as<T>()[stay[n / h] * h + n % h];
        report.require("token_gather" + what, good);
        restore.run({&y, &k, &m, &d, &back});
        report.require("token_restore" + what,
                       std::equal(states.as<T>(), states.as<T>() + count * h, back.as<T>()) &&
                           back.guardIsIntact());
      }
}

/// Scores by attention, from `queries` rows of each sequence, beside sums in double.
static void testAttentionScore(Report &report, const std::string &isa, const std::string &queries,
                               int64_t asked, int64_t heads, int64_t kvHeads, int64_t depth,
                               int64_t valueDepth, bool byValues) {
  std::string x = "memref<?x?xf32>", i = "memref<?xi64>", out = "memref<?xf32>";
  // What attention reads lies in one product: queries, keys, values, and a column that is no one's.
  int64_t keys = heads * depth, values = keys + kvHeads * depth, width = values + kvHeads * valueDepth + 1;
  std::string types = x + ", " + x + ", " + (byValues ? x + ", " : "") + i + ", " + out;
  auto integer = [](const std::string &name, int64_t value) {
    return name + " = " + std::to_string(value) + " : i64, ";
  };
  JitKernel kernel("func.func @main(%x: " + x + ", %o: " + i + ", %s: " + out +
                       ") {\nkernel.token_attention_score %x, %x, " + (byValues ? "%x, " : "") +
                       "%o, %s {queries = #token<queries " + queries + ">, " + integer("count", asked) +
                       integer("heads", heads) + integer("kv_heads", kvHeads) + integer("head_dim", depth) +
                       integer("value_dim", valueDepth) + integer("q_column", 0) + integer("k_column", keys) +
                       integer("v_column", values) + "scale = 0.25 : f32} : " + types + "\nreturn\n}",
                   isa);
  for (const std::vector<int64_t> &lengths : {std::vector<int64_t>{}, {0}, {1}, {3, 0, 16, 17}, {70, 2}}) {
    std::vector<int64_t> offsets{0};
    for (int64_t length : lengths)
      offsets.push_back(offsets.back() + length);
    int64_t rows = offsets.back();
    Random random(rows + depth);
    Buffer all({rows, width}), begins({int64_t(offsets.size())}, 8), scores({rows});
    std::copy(offsets.begin(), offsets.end(), begins.as<int64_t>());
    for (int64_t n = 0; n < all.elements(); ++n)
      all.as<float>()[n] = float(int64_t(random.next() % 2001) - 1000) / 500;
    kernel.run({&all, &begins, &scores});
    double worst = 0;
    for (size_t b = 0; b < lengths.size(); ++b) {
      int64_t n = lengths[b], c = std::min(n, asked);
      const float *first = all.as<float>() + offsets[b] * width;
      std::vector<double> received(n);
      for (int64_t head = 0; head < heads; ++head)
        for (int64_t q = 0; q < c; ++q) {
          int64_t row = queries == "first" ? q : queries == "last" ? n - c + q : (2 * q + 1) * n / (2 * c);
          int64_t keyHead = head / (heads / kvHeads);
          std::vector<double> weights(n);
          double sum = 0;
          for (int64_t k = 0; k < n; ++k) {
            double dot = 0, magnitude = 0;
            for (int64_t d = 0; d < depth; ++d)
              dot += double(first[row * width + head * depth + d]) *
                     first[k * width + keys + keyHead * depth + d];
            for (int64_t d = 0; d < valueDepth; ++d)
              magnitude += std::fabs(first[k * width + values + keyHead * valueDepth + d]);
            weights[k] = std::exp(dot * 0.25);
            sum += weights[k];
            if (byValues)
              weights[k] *= magnitude;
          }
          for (int64_t k = 0; k < n; ++k)
            received[k] += weights[k] / sum * double(n) / double(heads * c);
        }
      for (int64_t k = 0; k < n; ++k)
        worst = std::max(worst, std::fabs(scores.as<float>()[offsets[b] + k] - received[k]) /
                                    std::max(1.0, received[k]));
    }
    report.require("token_attention_score from " + std::to_string(asked) + " " + queries + ", " +
                       std::to_string(heads) + "/" + std::to_string(kvHeads) + " heads of " +
                       std::to_string(depth) + ", " + std::to_string(rows) + " rows: off by " +
                       std::to_string(worst),
                   worst < 2e-6 * double(depth) && scores.guardIsIntact());
  }
}

bool testTokens(const std::string &isa) {
  Report report{"tokens"};
  testIndex<int64_t>(report, isa, "i64");
  testIndex<int32_t>(report, isa, "i32");
  testIndex<int8_t>(report, isa, "i1");
  testIndex<float>(report, isa, "f32");
  testRowsOf<float>(report, isa, "f32");
  testRowsOf<int64_t>(report, isa, "i64");
  testRowsOf<int8_t>(report, isa, "i1");
  testRestore<float>(report, isa, "f32");
  testRestore<int64_t>(report, isa, "i64");
  testRestore<int8_t>(report, isa, "i1");
  testAttentionScore(report, isa, "first", 1, 4, 4, 32, 32, false);
  testAttentionScore(report, isa, "last", 5, 4, 2, 24, 20, true);
  testAttentionScore(report, isa, "spread", 3, 3, 1, 7, 33, true);
  testAttentionScore(report, isa, "spread", 1000, 2, 2, 64, 16, false);
  return report.finish(isa);
}
