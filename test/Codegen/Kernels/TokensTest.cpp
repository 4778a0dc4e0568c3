//===- TokensTest.cpp - Kernels that pack and unpack rows ---------------------------------------------===//
#include "KernelTest.h"

#include <algorithm>

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

bool testTokens(const std::string &isa) {
  Report report{"tokens"};
  testIndex<int64_t>(report, isa, "i64");
  testIndex<int32_t>(report, isa, "i32");
  testIndex<int8_t>(report, isa, "i1");
  testIndex<float>(report, isa, "f32");
  testRowsOf<float>(report, isa, "f32");
  testRowsOf<int64_t>(report, isa, "i64");
  testRowsOf<int8_t>(report, isa, "i1");
  return report.finish(isa);
}
