//===- CacheTest.cpp - kernel.attention on chosen rows of caches ---------------------------------------===//
//
// Lists of rows that end within a chunk of keys of the kernel, at its end, and behind several; lists of one
// length and of others; masks and biases at the numbers of the rows. Beside sums in double.
//
//===---------------------------------------------------------------------------------------------------===//
#include "KernelTest.h"

#include <algorithm>
#include <numeric>

namespace {
struct Form {
  int64_t heads, kvHeads, depth, valueDepth;
  bool forAll;     ///< one list for all key heads
  bool mask, bias; ///< the bias is of each head
  bool causal = false;
};
} // namespace

static std::string textOf(const Form &f) {
  auto text = [](int64_t value) { return std::to_string(value); };
  std::string kv = text(f.kvHeads), q = "memref<?x?x" + text(f.heads * f.depth) + "xf32>",
              k = "memref<?x" + kv + "x?x" + text(f.depth) + "xf32",
              v = "memref<?x" + kv + "x?x" + text(f.valueDepth) + "xf32", mask = "memref<?x?xi64>",
              bias = "memref<?x?x?x?xf32>", kept = "memref<?x" + text(f.forAll ? 1 : f.kvHeads) + "x?xi64>",
              out = "memref<?x?x" + text(f.heads * f.valueDepth) + "xf32>";
  // The caches have room behind the rows of each head.
  auto part = [&](const std::string &name, const std::string &type, int64_t size) {
    return "%" + name + "r = memref.subview %" + name + "[0, 0, 0, 0] [%b, " + kv + ", %t, " + text(size) +
           "] [1, 1, 1, 1] : " + type + "> to " + type + ", strided<[?, ?, " + text(size) + ", 1]>>\n";
  };
  std::string uses = "%q, %kr, %vr", types = q + ", " + k + ", strided<[?, ?, " + text(f.depth) + ", 1]>>, " +
                                             v + ", strided<[?, ?, " + text(f.valueDepth) + ", 1]>>";
  auto add = [&](bool present, const std::string &use, const std::string &type) {
    if (present)
      uses += ", " + use, types += ", " + type;
  };
  add(f.mask, "%m", mask);
  add(f.bias, "%a", bias);
  add(true, "%l", kept);
  add(true, "%o", out);
  return "func.func @main(%q: " + q + ", %k: " + k + ">, %v: " + v + ">, %m: " + mask + ", %a: " + bias +
         ", %l: " + kept + ", %o: " + out +
         ") {\n%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n%b = memref.dim %m, %c0 : " +
         mask + "\n%t = memref.dim %m, %c1 : " + mask + "\n" + part("k", k, f.depth) +
         part("v", v, f.valueDepth) + "kernel.attention " + uses + " {heads = " + text(f.heads) +
         " : i64, kv_heads = " + kv + " : i64, head_dim = " + text(f.depth) +
         " : i64, value_dim = " + text(f.valueDepth) +
         " : i64, scale = 0.25 : f32, q_column = 0 : i64, k_column = 0 : i64, v_column = 0 : i64, causal = " +
         (f.causal ? "true" : "false") +
         ", window = 0 : i64, softcap = 0.0 : f32, precision = #nn<product_precision f32>, "
         "operandSegmentSizes = "
         "array<i32: 1, 1, 1, " +
         text(f.mask) + ", " + text(f.bias) + ", 0, 0, 0, 1, 1>} : " + types + "\nreturn\n}";
}

/// `most`: the room of a list; 0: all rows are read.
static void testLists(Report &report, JitKernel &kernel, const Form &f, int64_t rows, int64_t most) {
  int64_t batch = 2, room = rows + 5, lists = f.forAll ? 1 : f.kvHeads;
  Random random(rows + most);
  Buffer q({batch, 1, f.heads * f.depth}), k({batch, f.kvHeads, room, f.depth}),
      v({batch, f.kvHeads, room, f.valueDepth}), mask({batch, rows}, 8), bias({batch, f.heads, 1, rows}),
      kept({batch, lists, 1 + most}, 8), out({batch, 1, f.heads * f.valueDepth}), again(out.dims);
  for (Buffer *buffer : {&q, &k, &v, &bias})
    random.fill(*buffer);
  for (int64_t n = 0; n < mask.elements(); ++n)
    mask.as<int64_t>()[n] = n % rows == rows - 1 || random.next() % 5 != 0;
  std::vector<std::vector<int64_t>> chosen;
  for (int64_t list = 0; list < batch * lists; ++list) {
    std::vector<int64_t> all(rows);
    std::iota(all.begin(), all.end(), 0);
    if (most) {
      // The first list is full; others are shorter, down to one row.
      int64_t count = list == 0 ? most : list == 1 ? 1 : std::max<int64_t>(1, most * 2 / 3);
      for (int64_t i = 0; i < rows - 1; ++i)
        std::swap(all[i], all[i + random.next() % (rows - i)]);
      all.resize(count);
      std::sort(all.begin(), all.end());
    }
    int64_t *at = kept.as<int64_t>() + list * (1 + most);
    at[0] = most ? int64_t(all.size()) : 0;
    for (size_t i = 0; most && i < all.size(); ++i)
      at[1 + i] = all[i];
    chosen.push_back(all);
  }
  fillNaN(out);
  std::vector<Buffer *> buffers{&q, &k, &v, &mask, &bias, &kept, &out};
  kernel.run(buffers);
  std::string what = "rows of caches: " + std::to_string(most) + " of " + std::to_string(rows) + ", heads " +
                     std::to_string(f.heads) + "/" + std::to_string(f.kvHeads) + " of " +
                     std::to_string(f.depth);
  int64_t read = 0;
  for (const std::vector<int64_t> &list : chosen)
    read += int64_t(list.size()) * (f.forAll ? f.kvHeads : 1);
  report.require(what + ": counters", kernel.counters[TAMIS_COUNTER_CACHE_ROWS] == batch * f.kvHeads * rows &&
                                          kernel.counters[TAMIS_COUNTER_CACHE_ROWS_READ] == read);
  buffers.back() = &again;
  kernel.run(buffers, 2);
  std::vector<double> expected;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < f.heads; ++h) {
      int64_t keyHead = h / (f.heads / f.kvHeads);
      const std::vector<int64_t> &list = chosen[b * lists + (f.forAll ? 0 : keyHead)];
      std::vector<double> values(f.valueDepth);
      double sum = 0;
      for (int64_t row : list) {
        if (f.mask && !mask.as<int64_t>()[b * rows + row])
          continue;
        double score = 0;
        for (int64_t d = 0; d < f.depth; ++d)
          score += double(q.as()[b * f.heads * f.depth + h * f.depth + d]) *
                   k.as()[((b * f.kvHeads + keyHead) * room + row) * f.depth + d];
        double weight = std::exp(score * 0.25 + (f.bias ? bias.as()[(b * f.heads + h) * rows + row] : 0));
        sum += weight;
        for (int64_t d = 0; d < f.valueDepth; ++d)
          values[d] += weight * v.as()[((b * f.kvHeads + keyHead) * room + row) * f.valueDepth + d];
      }
      for (double value : values)
        expected.push_back(sum ? value / sum : 0);
    }
  report.compare(what, out, expected, 3e-6);
  report.require(what + ": 2 threads give other bits",
                 std::memcmp(out.as(), again.as(), out.elements() * 4) == 0);
}

bool testCaches(const std::string &isa) {
  Report report{"caches"};
  for (const Form &f : {Form{2, 2, 32, 32, true, false, false}, Form{6, 2, 24, 20, false, true, true},
                        Form{4, 1, 7, 33, true, false, true, true}, Form{8, 4, 64, 64, false, true, false}}) {
    JitKernel kernel(textOf(f), isa);
    for (int64_t most : {0, 1, 15, 16, 40, 512, 513, 1100})
      testLists(report, kernel, f, std::max<int64_t>(61, most * 3 / 2), most);
  }
  return report.finish(isa);
}
