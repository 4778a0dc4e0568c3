//===- ExpertsTest.cpp - kernel.route, kernel.experts and kernel.combine against plain loops ----------===//
#include "KernelTest.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace {
struct RouteCase {
  const char *score;
  bool ties, bias, softmaxChosen, normalize;
  int64_t groups = 1, kept = 1, top = 1;
  std::vector<int64_t> leftOut = {};
  double fallback = 0;
  bool limitsWeights = false;
  double mixer = -1; ///< the threshold of the sparse mixer; none below 0
};
} // namespace

static std::string leftOutText(const RouteCase &c) {
  std::string text;
  for (int64_t expert : c.leftOut)
    text += (text.empty() ? ", left_out = array<i64: " : ", ") + std::to_string(expert);
  return text.empty() ? "" : text + ">, fallback = " + std::to_string(c.fallback) + " : f32";
}

static std::string routeText(const RouteCase &c, int64_t experts, int64_t k) {
  std::string logits = "memref<?x" + std::to_string(experts) + "xf32>",
              bias = "memref<" + std::to_string(experts) + "xf32>",
              out = "memref<?x" + std::to_string(k) + "x";
  std::string operands = std::string("%l") + (c.bias ? ", %b" : "") + ", %i, %w",
              types = logits + (c.bias ? ", " + bias : "") + ", " + out + "i64>, " + out + "f32>";
  return "func.func @main(%l: " + logits + ", %b: " + bias + ", %i: " + out + "i64>, %w: " + out +
         "f32>) {\nkernel.route " + operands + " {score = #moe<score " + c.score + ">, ties = #moe<ties " +
         (c.ties ? "high" : "low") + ">, groups = " + std::to_string(c.groups) +
         " : i64, kept_groups = " + std::to_string(c.kept) + " : i64, group_top = " + std::to_string(c.top) +
         " : i64, group_fill = 0.0 : f32, epsilon = 0.0 : f32, scale = 1.5 : f32" +
         (c.softmaxChosen ? ", softmax_chosen" : "") + (c.normalize ? ", normalize" : "") + leftOutText(c) +
         (c.limitsWeights ? ", limits_weights" : "") +
         (c.mixer >= 0 ? ", mixer_threshold = " + std::to_string(c.mixer) + " : f32" : "") + "} : " + types +
         "\nreturn\n}";
}

/// The greatest `count` of the numbers, the greatest first.
static std::vector<int64_t> greatest(const std::vector<double> &numbers, int64_t count, bool high) {
  std::vector<int64_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return numbers[a] != numbers[b] ? numbers[a] > numbers[b] : high ? a > b : a < b;
  });
  order.resize(count);
  return order;
}

static void routeCase(Report &report, const RouteCase &c, const std::string &isa, int64_t t, int64_t experts,
                      int64_t k) {
  JitKernel kernel(routeText(c, experts, k), isa);
  Random random(experts * 31 + k);
  Buffer logits({t, experts}), bias({experts}), indices({t, k}, 8), weights({t, k}), other({t, k});
  random.fill(bias);
  for (int64_t i = 0; i < logits.elements(); ++i)
    logits.as()[i] = float(random.next() % 7) - 3; // many ties
  kernel.run({&logits, &bias, &indices, &weights});
  std::vector<double> expected;
  bool chosenWell = true;
  for (int64_t row = 0; row < t; ++row) {
    std::vector<double> s(logits.as() + row * experts, logits.as() + (row + 1) * experts);
    double all = 0, left = 0;
    for (double v : s)
      all += std::exp(v);
    for (int64_t e : c.leftOut)
      left += std::exp(s[e]);
    bool leavesOut = !c.leftOut.empty() && 1 - left / all >= c.fallback;
    for (int64_t e : c.leftOut)
      if (leavesOut)
        s[e] = -INFINITY;
    double sum = 0;
    for (double &v : s) {
      if (c.score == std::string("sigmoid"))
        v = 1 / (1 + std::exp(-v));
      else if (c.score == std::string("softmax"))
        v = std::exp(v), sum += v;
    }
    std::vector<double> choice(s);
    for (int64_t e = 0; e < experts; ++e)
      choice[e] = (sum != 0 ? s[e] /= sum : s[e]) + (c.bias ? bias.as()[e] : 0);
    if (c.groups > 1) {
      int64_t size = experts / c.groups;
      std::vector<double> scores;
      for (int64_t g = 0; g < c.groups; ++g) {
        std::vector<double> group(choice.begin() + g * size, choice.begin() + (g + 1) * size);
        double total = 0;
        for (int64_t e : greatest(group, c.top, c.ties))
          total += group[e];
        scores.push_back(total);
      }
      std::vector<int64_t> kept = greatest(scores, c.kept, c.ties);
      for (int64_t e = 0; e < experts; ++e)
        if (std::find(kept.begin(), kept.end(), e / size) == kept.end())
          choice[e] = 0, s[e] = c.limitsWeights ? 0 : s[e];
    }
    for (int64_t e : c.leftOut)
      if (leavesOut)
        choice[e] = -INFINITY;
    std::vector<int64_t> chosen = greatest(choice, k, c.ties);
    std::vector<double> w;
    for (int64_t e : chosen)
      w.push_back(c.softmaxChosen ? std::exp(s[e]) : s[e]);
    std::vector<double> rest(s);
    for (int64_t j = 0; j < k && c.mixer >= 0; ++j) {
      double m = w[j], sum = 0;
      for (double l : rest)
        sum += !((m - l) / std::max(std::fabs(l), m) > c.mixer) ? std::exp(l - m) : 0;
      w[j] = 1 / sum;
      rest[chosen[j]] = -INFINITY;
    }
    double total = std::accumulate(w.begin(), w.end(), 0.0);
    for (int64_t j = 0; j < k; ++j) {
      // Numbers that differ by rounding only may be chosen either way; logits here are whole.
      chosenWell &= indices.as<int64_t>()[row * k + j] == chosen[j];
      expected.push_back(1.5 * (c.softmaxChosen || c.normalize ? w[j] / total : w[j]));
    }
  }
  std::string what = std::string(c.score) + (c.ties ? " high" : " low") + " E=" + std::to_string(experts) +
                     " k=" + std::to_string(k);
  report.require(what + ": other experts are chosen", chosenWell);
  report.compare(what, weights, expected, 1e-6);
  kernel.run({&logits, &bias, &indices, &other}, 2);
  report.require(what + ": 2 threads give other bits", std::memcmp(weights.as(), other.as(), t * k * 4) == 0);
}

/// A row of NaN has k experts still, none of them left out, and weights that are NaN.
static void routeNaN(Report &report, const std::string &isa) {
  {
    JitKernel kernel(routeText({"logits", false, false, true, false, 1, 1, 1, {0, 1}}, 5, 3), isa);
    Buffer logits({1, 5}), bias({5}), indices({1, 3}, 8), weights({1, 3});
    for (int64_t e = 0; e < 5; ++e)
      logits.as()[e] = NAN;
    kernel.run({&logits, &bias, &indices, &weights});
    for (int64_t j = 0; j < 3; ++j)
      report.require("NaN: an expert that is left out", indices.as<int64_t>()[j] == 2 + j);
  }
  {
    // One that is NaN spoils the weights of experts that are chosen from it, and is itself chosen last.
    JitKernel kernel(routeText({"logits", false, false, false, false, 1, 1, 1, {}, 0, false, 0.5}, 3, 3),
                     isa);
    Buffer logits({1, 3}), bias({3}), indices({1, 3}, 8), weights({1, 3});
    for (int64_t e = 0; e < 3; ++e)
      logits.as()[e] = e == 1 ? NAN : float(e);
    kernel.run({&logits, &bias, &indices, &weights});
    for (int64_t j = 0; j < 3; ++j)
      report.require("NaN: mixed", indices.as<int64_t>()[j] == std::array<int64_t, 3>{2, 0, 1}[j] &&
                                       std::isnan(weights.as()[j]));
  }
  JitKernel kernel(routeText({"softmax", false, false, false, true}, 9, 3), isa);
  Buffer logits({2, 9}), bias({9}), indices({2, 3}, 8), weights({2, 3});
  for (int64_t e = 0; e < 9; ++e)
    logits.as()[e] = NAN, logits.as()[9 + e] = float(e);
  kernel.run({&logits, &bias, &indices, &weights});
  for (int64_t j = 0; j < 3; ++j) {
    report.require("NaN: expert", indices.as<int64_t>()[j] == j && indices.as<int64_t>()[3 + j] == 8 - j);
    report.require("NaN: weight", std::isnan(weights.as()[j]) && weights.as()[3 + j] > 0);
  }
}

/// `placed`: the experts' matrices are at places that are operands, and an index of -1 is no expert.
static std::string expertsText(int64_t h, int64_t inner, int64_t n, int64_t experts, int64_t k, bool gated,
                               bool bias, bool weighted, bool placed = false) {
  auto number = [](int64_t i) { return std::to_string(i); };
  int64_t columns = gated ? 2 * ((inner + 7) / 8 * 8) : inner;
  std::string x = "memref<?x" + number(h) + "xf32>", i = "memref<?x" + number(k) + "xi64>",
              w = "memref<?x" + number(k) + "xf32>", e = "memref<" + number(experts) + "x",
              in = e + number((columns + 15) / 16) + "x" + number(h) + "x16xf32>",
              bIn = e + number(columns) + "xf32>",
              out = e + number((n + 15) / 16) + "x" + number(inner) + "x16xf32>",
              bOut = e + number(n) + "xf32>", y = "memref<?x" + number(n) + "xf32>";
  std::string use = "%x, %i", types = x + ", " + i;
  auto add = [&](bool isThere, const char *value, const std::string &type) {
    if (isThere)
      use += std::string(", ") + value, types += ", " + type;
  };
  add(weighted, "%w", w);
  add(true, "%a", in);
  add(bias, "%b", bIn);
  add(true, "%c", out);
  add(bias, "%d", bOut);
  std::string places = e + "i64>";
  add(placed, "%p", places);
  std::string sizes = std::string("1, 1, ") + (weighted ? "1" : "0") + ", 1, " + (bias ? "1" : "0") +
                      ", 0, 0, 1, " + (bias ? "1" : "0") + ", 0, 0, " + (placed ? "1" : "0") + ", 1";
  return "func.func @main(%x: " + x + ", %i: " + i + ", %w: " + w + ", %a: " + in + ", %b: " + bIn +
         ", %c: " + out + ", %d: " + bOut + (placed ? ", %p: " + places : "") + ", %y: " + y +
         ") {\nkernel.experts " + use +
         ", %y {activation = #nn<activation silu>, alpha = 1.0 : f32, beta = 0.0 : f32, limit = 0x7F800000 : "
         "f32" +
         (gated ? ", gated" : "") + (placed ? ", skips" : "") +
         ", operandSegmentSizes = array<i32: " + sizes + ">} : " + types + ", " + y + "\nreturn\n}";
}

/// Panels of each expert's matrix [K, N].
static Buffer packed(const Buffer &w) {
  int64_t experts = w.dims[0], k = w.dims[1], n = w.dims[2];
  Buffer result({experts, (n + 15) / 16, k, 16});
  for (int64_t e = 0; e < experts; ++e)
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < n; ++j)
        result.as()[((e * result.dims[1] + j / 16) * k + i) * 16 + j % 16] = w.as()[(e * k + i) * n + j];
  return result;
}

static void expertsCase(Report &report, const std::string &isa, int64_t h, int64_t inner, int64_t n,
                        int64_t experts, int64_t k, bool gated, bool bias) {
  JitKernel sums(expertsText(h, inner, n, experts, k, gated, bias, true), isa),
      pairs(expertsText(h, inner, n, experts, k, gated, bias, false), isa);
  int64_t rounded = (inner + 7) / 8 * 8, columns = gated ? 2 * rounded : inner;
  for (int64_t t : {0, 1, 2, 5, 40, 150}) {
    Random random(t * 7 + h + inner);
    Buffer x({t, h}), indices({t, k}, 8), weights({t, k}), in({experts, h, columns}), bIn({experts, columns}),
        out({experts, inner, n}), bOut({experts, n}), y({t, n}), y2({t, n}), rows({t * k, n});
    for (Buffer *buffer : {&x, &weights, &in, &bIn, &out, &bOut})
      random.fill(*buffer);
    for (int64_t e = 0; gated && e < experts; ++e) // behind the last column of a gate there are zeros
      for (int64_t j = 0; j < columns; ++j)
        if (j / 16 * 8 + j % 8 >= inner) {
          bIn.as()[e * columns + j] = 0;
          for (int64_t i = 0; i < h; ++i)
            in.as()[(e * h + i) * columns + j] = 0;
        }
    for (int64_t row = 0; row < t; ++row) // distinct, and skewed to the first experts
      for (int64_t j = 0; j < k; ++j) {
        int64_t expert = random.next() % experts * (random.next() % 2);
        auto taken = [&](int64_t e) {
          return std::find(indices.as<int64_t>() + row * k, indices.as<int64_t>() + row * k + j, e) !=
                 indices.as<int64_t>() + row * k + j;
        };
        while (taken(expert))
          expert = (expert + 1) % experts;
        indices.as<int64_t>()[row * k + j] = expert;
      }
    fillNaN(y);
    fillNaN(rows);
    Buffer a = packed(in), c = packed(out);
    sums.run({&x, &indices, &weights, &a, &bIn, &c, &bOut, &y});
    sums.run({&x, &indices, &weights, &a, &bIn, &c, &bOut, &y2}, 2);
    std::vector<int64_t> counts(experts);
    for (int64_t p = 0; p < t * k; ++p)
      ++counts[indices.as<int64_t>()[p]];
    report.require("experts are not counted", sums.expertCounts == counts);
    pairs.run({&x, &indices, &weights, &a, &bIn, &c, &bOut, &rows});
    std::vector<double> expected(t * n, 0.0), expectedRows(t * k * n, 0.0);
    for (int64_t p = 0; p < t * k; ++p) {
      int64_t e = indices.as<int64_t>()[p], row = p / k;
      std::vector<double> product(columns), hidden(inner);
      for (int64_t j = 0; j < columns; ++j) {
        product[j] = bias ? bIn.as()[e * columns + j] : 0;
        for (int64_t i = 0; i < h; ++i)
          product[j] += double(x.as()[row * h + i]) * in.as()[(e * h + i) * columns + j];
      }
      for (int64_t j = 0; j < inner; ++j) {
        double g = product[gated ? j / 8 * 16 + j % 8 : j];
        hidden[j] = g / (1 + std::exp(-g)) * (gated ? product[j / 8 * 16 + j % 8 + 8] : 1);
      }
      for (int64_t j = 0; j < n; ++j) {
        double value = bias ? bOut.as()[e * n + j] : 0;
        for (int64_t i = 0; i < inner; ++i)
          value += hidden[i] * out.as()[(e * inner + i) * n + j];
        expectedRows[p * n + j] = value;
        expected[row * n + j] += weights.as()[p] * value;
      }
    }
    std::string what = "T=" + std::to_string(t) + " H=" + std::to_string(h) + " I=" + std::to_string(inner) +
                       " N=" + std::to_string(n) + (gated ? " gated" : "");
    report.compare(what, y, expected, 1e-4);
    report.compare(what + " pairs", rows, expectedRows, 1e-4);
    report.require(what + ": 2 threads give other bits", std::memcmp(y.as(), y2.as(), t * n * 4) == 0);
  }
}

/// Experts that have each other's matrices, and pairs that are skipped, beside those without places, in which
/// the weight of a skipped pair is 0.
static void placedCase(Report &report, const std::string &isa, bool bias) {
  int64_t t = 43, h = 19, inner = 27, n = 21, experts = 6, k = 3;
  JitKernel plain(expertsText(h, inner, n, experts, k, false, bias, true), isa),
      placed(expertsText(h, inner, n, experts, k, false, bias, true, true), isa),
      pairs(expertsText(h, inner, n, experts, k, false, bias, false, true), isa);
  Random random(77);
  Buffer x({t, h}), indices({t, k}, 8), some({t, k}, 8), weights({t, k}), in({experts, h, inner}),
      bIn({experts, inner}), out({experts, inner, n}), bOut({experts, n}), places({experts}, 8), y({t, n}),
      y2({t, n}), rows({t * k, n});
  for (Buffer *buffer : {&x, &weights, &in, &bIn, &out, &bOut})
    random.fill(*buffer);
  Buffer in2(in.dims), bIn2(bIn.dims), out2(out.dims), bOut2(bOut.dims);
  for (int64_t e = 0; e < experts; ++e) {
    int64_t place = (e + 2) % experts;
    places.as<int64_t>()[e] = place;
    for (auto [from, to] : {std::pair(&in, &in2), {&bIn, &bIn2}, {&out, &out2}, {&bOut, &bOut2}}) {
      int64_t size = from->elements() / experts;
      std::copy_n(from->as() + e * size, size, to->as() + place * size);
    }
  }
  Buffer zeroed({t, k});
  int64_t kept = 0;
  for (int64_t p = 0; p < t * k; ++p) {
    bool isSkipped = p / k == 5 || random.next() % 3 == 0; // one token has no expert at all
    indices.as<int64_t>()[p] = (p / k + p % k) % experts;
    some.as<int64_t>()[p] = isSkipped ? -1 : indices.as<int64_t>()[p];
    zeroed.as()[p] = isSkipped ? 0 : weights.as()[p];
    kept += !isSkipped;
  }
  fillNaN(y2);
  fillNaN(rows);
  Buffer a = packed(in), c = packed(out), a2 = packed(in2), c2 = packed(out2);
  plain.run({&x, &indices, &zeroed, &a, &bIn, &c, &bOut, &y});
  for (int64_t threads : {1, 2}) {
    placed.run({&x, &some, &weights, &a2, &bIn2, &c2, &bOut2, &places, &y2}, threads);
    report.compare("places and skipped pairs", y2, std::vector<double>(y.as(), y.as() + t * n), 1e-5);
  }
  report.require("skipped pairs are counted",
                 std::accumulate(placed.expertCounts.begin(), placed.expertCounts.end(), int64_t(0)) == kept);
  pairs.run({&x, &some, &weights, &a2, &bIn2, &c2, &bOut2, &places, &rows});
  std::vector<double> sums(t * n, 0.0);
  for (int64_t p = 0; p < t * k; ++p)
    for (int64_t j = 0; j < n; ++j) {
      report.require("the row of a skipped pair is not zeros",
                     some.as<int64_t>()[p] >= 0 || rows.as()[p * n + j] == 0);
      sums[p / k * n + j] += double(weights.as()[p]) * rows.as()[p * n + j];
    }
  report.compare("places and skipped pairs, rows", y, sums, 1e-5);
  places.as<int64_t>()[1] = -1;
  report.require("an expert without a place is not refused",
                 placed.run({&x, &some, &weights, &a2, &bIn2, &c2, &bOut2, &places, &y2}) ==
                     "the router chose an expert that was taken away");
}

/// What the compiler did not make may choose an expert that there is not.
static void outOfRange(Report &report, const std::string &isa) {
  JitKernel kernel(expertsText(8, 8, 8, 4, 1, false, false, true), isa);
  Buffer x({1, 8}), indices({1, 1}, 8), weights({1, 1}), a({4, 1, 8, 16}), b({4, 8}), y({1, 8});
  for (int64_t expert : {4, -1}) {
    indices.as<int64_t>()[0] = expert;
    report.require("expert " + std::to_string(expert) + " is not refused",
                   kernel.run({&x, &indices, &weights, &a, &b, &a, &b, &y}) ==
                       "the router chose an expert that there is not");
  }
}

static void combineCase(Report &report, const std::string &isa) {
  JitKernel kernel(
      "func.func @main(%y: memref<?x37xf32>, %w: memref<?x3xf32>, %z: memref<?x37xf32>) {\n"
      "kernel.combine %y, %w, %z : memref<?x37xf32>, memref<?x3xf32>, memref<?x37xf32>\nreturn\n}",
      isa);
  Random random(5);
  Buffer y({33, 37}), w({11, 3}), z({11, 37});
  random.fill(y);
  random.fill(w);
  kernel.run({&y, &w, &z});
  std::vector<double> expected(11 * 37, 0.0);
  for (int64_t p = 0; p < 33; ++p)
    for (int64_t j = 0; j < 37; ++j)
      expected[p / 3 * 37 + j] += double(w.as()[p]) * y.as()[p * 37 + j];
  report.compare("combine", z, expected, 1e-6);
}

bool testExperts(const std::string &isa) {
  Report report{"experts"};
  for (auto [experts, k] : {std::pair<int64_t, int64_t>{8, 2}, {5, 5}, {37, 6}, {3, 1}})
    for (const RouteCase &c : {RouteCase{"logits", false, false, true, false},
                               {"softmax", true, false, false, true},
                               {"sigmoid", false, true, false, true},
                               {"softmax", false, false, false, false}})
      routeCase(report, c, isa, 41, experts, k);
  routeCase(report, {"sigmoid", false, true, false, true, 4, 2, 2}, isa, 41, 16, 3);
  routeCase(report, {"logits", true, false, false, false, 5, 3, 1}, isa, 41, 20, 4);
  routeCase(report, {"softmax", false, false, false, false, 4, 2, 1, {}, 0, true}, isa, 41, 16, 5);
  routeCase(report, {"sigmoid", true, true, false, true, 5, 1, 2, {}, 0, true}, isa, 41, 20, 4);
  for (double threshold : {0.4, 0.0, 3.0})
    for (bool high : {false, true}) {
      routeCase(report, {"logits", high, false, false, false, 1, 1, 1, {}, 0, false, threshold}, isa, 41, 16,
                2);
      routeCase(report, {"logits", high, false, false, false, 1, 1, 1, {1, 4}, 0, false, threshold}, isa, 41,
                37, 5);
    }
  for (double fallback : {0.0, 0.7}) {
    std::vector<int64_t> leftOut{0, 3, 8, 15};
    routeCase(report, {"softmax", false, false, false, false, 1, 1, 1, leftOut, fallback}, isa, 41, 16, 3);
    routeCase(report, {"logits", true, false, true, false, 1, 1, 1, leftOut, fallback}, isa, 41, 19, 4);
    routeCase(report, {"sigmoid", false, true, false, true, 1, 1, 1, leftOut, fallback}, isa, 41, 16, 12);
  }
  routeNaN(report, isa);
  expertsCase(report, isa, 32, 64, 32, 8, 2, true, false);
  expertsCase(report, isa, 19, 27, 21, 5, 3, true, true);
  expertsCase(report, isa, 19, 27, 21, 5, 3, false, true);
  expertsCase(report, isa, 48, 33, 50, 3, 1, false, false);
  placedCase(report, isa, true);
  placedCase(report, isa, false);
  outOfRange(report, isa);
  combineCase(report, isa);
  return report.finish(isa);
}
