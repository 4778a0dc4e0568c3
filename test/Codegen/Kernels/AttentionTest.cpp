//===- AttentionTest.cpp - kernel.attention against plain loops ---------------------------------------===//
#include "KernelTest.h"

#include "tamis/Codegen/ISALevel.h"

#include <limits>
#include <optional>

namespace {
/// A precision of the products. `rounds` says whether the level rounds the factors for it, which the
/// expectation then does with q, k and v; weights, at most 1, are rounded by the kernel alone.
struct Precision {
  const char *name;
  bool rounds;
  double tolerance;
  double operator()(float value) const {
    return rounds ? rounded(value, std::strcmp(name, "split_f32") == 0) : value;
  }
};
struct Form {
  int64_t heads = 2, kvHeads = 2, depth = 32, valueDepth = 32;
  bool ragged = true, mask = false, bias = false, positions = false, causal = false, fused = true;
  /// Rows of the bias that exclude all keys by the lowest float: means of the values.
  bool lowestRows = false;
  bool keyBias = false;
  int64_t window = 0;
  float softcap = 0, scale = 0.2f;
  /// The type of mask and bias.
  std::string maskElement = "i64";
  /// q, k and v are the result of a linear layer with a weight of bf16, the identity.
  bool behindLinear = false;
  Precision precision{"f32", false, 3e-6};
};

/// One batch: lengths of the sequences; keys are as many unless `keyLength` (padded form) says otherwise.
struct Batch {
  std::vector<int64_t> lengths;
  int64_t keyLength = 0;
};
} // namespace

static int64_t fusedWidth(const Form &f) { return f.heads * f.depth + f.kvHeads * (f.depth + f.valueDepth); }

static std::string textOf(const Form &f) {
  std::string rows = f.ragged ? "memref<?x" : "memref<?x?x";
  auto type = [&](int64_t columns) { return rows + std::to_string(columns) + "xf32>"; };
  int64_t q = f.heads * f.depth, k = f.kvHeads * f.depth, v = f.kvHeads * f.valueDepth;
  std::string qType = type(f.fused ? fusedWidth(f) : q), kType = type(f.fused ? fusedWidth(f) : k),
              vType = type(f.fused ? fusedWidth(f) : v), outType = type(f.heads * f.valueDepth);
  std::string maskType = "memref<?x?x" + f.maskElement + ">", biasType = "memref<?x?x?x?xf32>",
              indexType = "memref<?xi64>";
  std::string use = f.behindLinear ? "%h, %h, %h" : "%q, %k, %v", types = qType + ", " + kType + ", " + vType;
  auto add = [&](bool present, const char *name, const std::string &type) {
    if (present)
      use += std::string(", ") + name, types += ", " + type;
  };
  add(f.mask, "%mask", maskType);
  add(f.bias, "%bias", biasType);
  add(f.ragged, "%offsets", indexType);
  add(f.positions, "%positions", indexType);
  add(f.keyBias, "%key_bias", "memref<?xf32>");
  add(true, "%out", outType);
  char attributes[800];
  std::snprintf(
      attributes, sizeof attributes,
      "{heads = %ld : i64, kv_heads = %ld : i64, head_dim = %ld : i64, value_dim = %ld : i64, scale = "
      "%.9e : f32, q_column = 0 : i64, k_column = %ld : i64, v_column = %ld : i64, causal = %s, "
      "window = %ld : i64, softcap = %.9e : f32, precision = #nn<product_precision %s>, operandSegmentSizes "
      "= array<i32: 1, 1, 1, %d, %d, "
      "%d, %d, %d, 0, 1>}",
      f.heads, f.kvHeads, f.depth, f.valueDepth, f.scale, f.fused ? q : 0, f.fused ? q + k : 0,
      f.causal ? "true" : "false", f.window, f.softcap, f.precision.name, f.mask, f.bias, f.ragged,
      f.positions, f.keyBias);
  std::string weightType = "memref<?x?x16x2xbf16>", linear;
  if (f.behindLinear)
    linear = "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n%n0 = memref.dim %q, %c0 : " +
             qType + "\n%n1 = memref.dim %q, %c1 : " + qType + "\n%h = memref.alloc(" +
             (f.ragged ? "%n0" : "%n0, %n1") + ") : " + qType +
             "\nkernel.linear %q, %w, %h {activation = #nn<activation none>, operandSegmentSizes = "
             "array<i32: 1, 1, 0, 0, 0, 0, 1>} : " +
             qType + ", " + weightType + ", " + qType + "\n";
  return "func.func @main(%q: " + qType + ", %k: " + kType + ", %v: " + vType + ", %mask: " + maskType +
         ", %bias: " + biasType + ", %offsets: " + indexType + ", %positions: " + indexType +
         ", %key_bias: memref<?xf32>, %w: " + weightType + ", %out: " + outType + ") {\n" + linear +
         "kernel.attention " + use + " " + attributes + " : " + types + "\nreturn\n}";
}

/// The identity [n, n] as a packed weight.
static Buffer identity(int64_t n) {
  int64_t words = (n / 2 + 15) / 16 * 16;
  Buffer weight({(n + 15) / 16, words, 16, 2}, 2);
  for (int64_t i = 0; i < n; ++i)
    weight.as<uint16_t>()[((i / 16 * words + i / 2) * 16 + i % 16) * 2 + i % 2] = roundToBF16(1);
  return weight;
}

static void attentionCase(Report &report, JitKernel &kernel, const Form &f, const Batch &batch,
                          const std::string &what, bool holes = false) {
  int64_t count = batch.lengths.size(), longest = 0, total = 0;
  for (int64_t n : batch.lengths) {
    longest = std::max(longest, n);
    total += n;
  }
  int64_t keyLength = batch.keyLength ? batch.keyLength : longest;
  Random random(total * 31 + f.depth);
  int64_t width = fusedWidth(f);
  int64_t queryRows = f.ragged ? total : count * longest, keyRows = f.ragged ? total : count * keyLength;
  auto make = [&](int64_t rows, int64_t length, int64_t columns) {
    Buffer b(f.ragged ? std::vector<int64_t>{rows, columns} : std::vector<int64_t>{count, length, columns});
    random.fill(b);
    return b;
  };
  int64_t qw = f.fused ? width : f.heads * f.depth, kw = f.fused ? width : f.kvHeads * f.depth,
          vw = f.fused ? width : f.kvHeads * f.valueDepth;
  Buffer q = make(queryRows, longest, qw), k = make(keyRows, keyLength, kw), v = make(keyRows, keyLength, vw);
  int64_t qc = 0, kc = f.fused ? f.heads * f.depth : 0, vc = f.fused ? kc + f.kvHeads * f.depth : 0;
  if (f.fused)
    k.dims = v.dims = q.dims; // read from q
  Buffer mask({count, keyLength}, f.maskElement == "i64" ? 8 : f.maskElement == "i1" ? 1 : 4);
  auto kept = [&](int64_t b, int64_t j) {
    return !f.mask || (j < batch.lengths[b] && !(holes && j % 5 == 2));
  };
  for (int64_t b = 0; b < count; ++b)
    for (int64_t j = 0; j < keyLength; ++j) {
      int64_t i = b * keyLength + j;
      if (f.maskElement == "i64")
        mask.as<int64_t>()[i] = kept(b, j);
      else if (f.maskElement == "i32")
        mask.as<int32_t>()[i] = kept(b, j);
      else if (f.maskElement == "i1")
        mask.as<int8_t>()[i] = kept(b, j);
      else
        mask.as()[i] = kept(b, j);
    }
  // Ragged positions: place j, or with holes 2 j, of a longer sequence.
  int64_t places = f.ragged ? 2 * longest + 3 : longest, keyPlaces = f.ragged ? places : keyLength;
  Buffer bias({1, f.heads, places, keyPlaces}), offsets({count + 1}, 8), positions({total}, 8);
  random.fill(bias);
  for (int64_t i = 0; i < bias.elements(); i += 7)
    bias.as()[i] = -std::numeric_limits<float>::infinity();
  for (int64_t row = 0; f.lowestRows && row < f.heads * places; row += 3)
    std::fill_n(bias.as() + row * keyPlaces, keyPlaces, std::numeric_limits<float>::lowest());
  // The logarithms of small numbers.
  Buffer keyBias({total});
  for (int64_t row = 0; row < total; ++row)
    keyBias.as()[row] = float(std::log(1 + row % 5));
  std::vector<int64_t> first(count);
  for (int64_t b = 0, row = 0; b < count; ++b) {
    first[b] = row;
    for (int64_t j = 0; j < batch.lengths[b]; ++j)
      positions.as<int64_t>()[row++] = holes ? 2 * j + 1 : j + 2;
    offsets.as<int64_t>()[b + 1] = row;
  }
  std::vector<int64_t> outDims = q.dims;
  outDims.back() = f.heads * f.valueDepth;
  Buffer out(outDims), out2(outDims);
  fillNaN(out);
  const Buffer &ks = f.fused ? q : k, &vs = f.fused ? q : v;
  Buffer weight = identity(f.behindLinear ? width : 2);
  std::vector<Buffer *> buffers = {&q,       f.fused ? &q : &k, f.fused ? &q : &v, &mask,   &bias,
                                   &offsets, &positions,        &keyBias,          &weight, &out};
  kernel.run(buffers);
  buffers.back() = &out2;
  kernel.run(buffers, 2);

  std::vector<double> expected(out.elements());
  for (int64_t b = 0; b < count; ++b)
    for (int64_t h = 0; h < f.heads; ++h) {
      int64_t queries = f.ragged ? batch.lengths[b] : longest, keys = f.ragged ? queries : keyLength;
      int64_t q0 = f.ragged ? first[b] : b * longest, k0 = f.ragged ? first[b] : b * keyLength;
      int64_t kh = h / (f.heads / f.kvHeads);
      std::vector<double> weights(keys);
      for (int64_t i = 0; i < queries; ++i) {
        double greatest = -INFINITY, sum = 0;
        for (int64_t j = 0; j < keys; ++j) {
          double s = 0;
          for (int64_t d = 0; d < f.depth; ++d)
            s += f.precision(q.as()[(q0 + i) * qw + qc + h * f.depth + d]) *
                 f.precision(ks.as()[(k0 + j) * kw + kc + kh * f.depth + d]);
          s *= f.scale;
          if (f.softcap != 0)
            s = f.softcap * std::tanh(s / f.softcap);
          if (f.bias) {
            int64_t pi = f.positions ? positions.as<int64_t>()[q0 + i] : i;
            int64_t pj = f.positions ? positions.as<int64_t>()[k0 + j] : j;
            s += bias.as()[(h * places + pi) * keyPlaces + pj];
          }
          if (f.keyBias)
            s += keyBias.as()[k0 + j];
          int64_t centre = i + keys - queries;
          if ((f.causal && j > centre) || (f.window && std::abs(centre - j) > f.window / 2) || !kept(b, j))
            s = -INFINITY;
          weights[j] = s;
          greatest = std::max(greatest, s);
        }
        for (double &w : weights)
          sum += w = greatest == -INFINITY ? 0 : std::exp(w - greatest);
        for (int64_t e = 0; e < f.valueDepth; ++e) {
          double y = 0;
          for (int64_t j = 0; j < keys; ++j)
            y += weights[j] * f.precision(vs.as()[(k0 + j) * vw + vc + kh * f.valueDepth + e]);
          expected[(q0 + i) * f.heads * f.valueDepth + h * f.valueDepth + e] = sum == 0 ? 0 : y / sum;
        }
      }
    }
  report.compare(std::string(f.precision.name) + ", " + what, out, expected, f.precision.tolerance);
  report.require(what + ": 2 threads give other bits",
                 std::memcmp(out.as(), out2.as(), out.elements() * 4) == 0);
}

/// Few queries a sequence, whose keys are read where they lie, in chunks of 512.
static void fewQueries(Report &report, const std::string &isa, const Precision &precision) {
  Form plain;
  plain.precision = precision;
  plain.precision.rounds = false; // nothing is rounded but what already is
  plain.precision.tolerance = 3e-6;
  plain.ragged = plain.fused = false;
  auto all = [&](const Form &f, const std::string &what, bool holes = false) {
    JitKernel kernel(textOf(f), isa);
    for (int64_t queries : {1, 3, 4, 6})
      for (int64_t keys : {1, 16, 17, 513, 1300})
        if (keys >= queries || !f.causal)
          attentionCase(
              report, kernel, f, Batch{{queries, queries}, keys},
              "few queries, " + what + ", " + std::to_string(queries) + " x " + std::to_string(keys), holes);
  };
  Form behind = plain;
  behind.fused = true;
  behind.behindLinear = precision.rounds && std::strcmp(precision.name, "bf16") == 0;
  behind.precision = precision;
  JitKernel kernel(textOf(behind), isa);
  for (int64_t tokens : {1, 3, 6})
    attentionCase(report, kernel, behind, Batch{{tokens, tokens, tokens}},
                  "few queries, a fused product of " + std::to_string(tokens));
  if (precision.rounds)
    return; // the others are the code of f32
  for (int64_t depth : {32, 64, 24, 7}) {
    Form f = plain;
    f.depth = depth;
    f.valueDepth = depth == 24 ? 256 : depth + 4;
    all(f, "depth " + std::to_string(depth));
  }
  Form f = plain;
  f.heads = 6;
  f.kvHeads = 1;
  f.causal = true;
  all(f, "one key head, causal");
  f.kvHeads = 2;
  f.mask = true;
  all(f, "grouped, causal, mask", true);
  f.causal = false;
  f.softcap = 0.7f;
  f.bias = true;
  all(f, "grouped, mask, bias, softcap");
  f.lowestRows = true;
  f.mask = false;
  f.softcap = 0;
  f.window = 9;
  all(f, "grouped, window, rows without keys");
}

static void attentionForms(Report &report, const std::string &isa, const Precision &precision) {
  fewQueries(report, isa, precision);
  Batch ragged{{1, 5, 16, 17, 0, 70, 128, 513}}, small{{3, 29, 0, 17}}, padded{{5, 17, 0, 9}}, single{{16}};
  Form plain;
  plain.precision = precision;
  for (int64_t depth : {32, 64, 80, 128, 24, 8, 20}) {
    Form f = plain;
    f.depth = f.valueDepth = depth;
    JitKernel kernel(textOf(f), isa);
    attentionCase(report, kernel, f, depth == 32 ? ragged : small, "ragged depth " + std::to_string(depth));
    if (depth % 32 == 0 && precision.rounds && std::strcmp(precision.name, "bf16") == 0) {
      f.behindLinear = true;
      JitKernel behind(textOf(f), isa);
      attentionCase(report, behind, f, ragged, "behind a linear layer, depth " + std::to_string(depth));
      f.behindLinear = false;
    }
    if (depth == 32)
      for (int64_t n : {1, 5, 15, 16, 17, 31, 32, 33, 48, 70, 128, 513, 1100})
        attentionCase(report, kernel, f, Batch{{n}}, "one sequence of " + std::to_string(n));
  }
  std::string text;
  std::optional<JitKernel> last; // One form often comes with several batches in turn.
  auto once = [&](const Form &f, const Batch &batch, const std::string &what, bool holes = false) {
    if (std::string wanted = textOf(f); wanted != text) {
      text = wanted;
      last.emplace(text, isa);
    }
    JitKernel &kernel = *last;
    attentionCase(report, kernel, f, batch, what, holes);
    attentionCase(report, kernel, f, single, what + ", one sequence", holes);
  };
  for (const char *element : {"i64", "i32", "i1", "f32"}) {
    Form f = plain;
    f.ragged = false;
    f.mask = true;
    f.maskElement = element;
    once(f, padded, std::string("padded, mask ") + element, true);
  }
  Form cross = plain;
  cross.ragged = cross.fused = false;
  cross.depth = 20;
  cross.valueDepth = 12;
  once(cross, Batch{{7, 7}, 33}, "cross");
  cross.causal = true;
  once(cross, Batch{{7, 7}, 33}, "cross, causal");
  cross.bias = true;
  once(cross, Batch{{7, 7}, 600}, "cross, causal, bias");
  cross.causal = false;
  cross.lowestRows = true;
  once(cross, Batch{{7, 7}, 33}, "cross, rows without keys");
  once(cross, Batch{{17, 7}, 600}, "cross, rows without keys over blocks");
  Form grouped = plain;
  grouped.heads = 6;
  grouped.depth = grouped.valueDepth = 16;
  grouped.causal = true;
  once(grouped, small, "grouped, causal");
  Form sizes = plain;
  sizes.keyBias = true;
  once(sizes, ragged, "bias of keys");
  once(sizes, Batch{{700}}, "bias of keys over blocks");
  sizes.bias = sizes.positions = true;
  sizes.softcap = 0.7f;
  once(sizes, small, "bias of keys, bias, softcap", true);
  sizes = plain;
  sizes.keyBias = true;
  sizes.scale = -0.2f;
  once(sizes, small, "bias of keys, scale below 0");
  Form window = plain;
  window.window = 9;
  once(window, small, "window");
  once(window, Batch{{700}}, "window over blocks");
  Form capped = plain;
  capped.softcap = 0.7f;
  capped.scale = 0.9f;
  once(capped, small, "softcap");
  Form negative = plain;
  negative.scale = -0.3f;
  negative.causal = true;
  once(negative, small, "negative scale");
  Form biased = plain;
  biased.bias = biased.positions = true;
  once(biased, small, "bias at positions");
  once(biased, small, "bias at positions with holes", true);
  once(biased, Batch{{600, 3}}, "bias over blocks");
}

bool testAttention(const std::string &isa) {
  Report report{"attention"};
  const tamis::ISALevel &level = *tamis::lookupISALevel(isa);
  if (level.features.empty())
    attentionForms(report, isa, {"f32", false, 3e-6});
  // Rounding a weight to bf16 changes it by 2^-9 of it, and so the weighted mean of values below 1.
  const Precision rounding[] = {{"bf16", level.bf16, 2.5e-3}, {"split_f32", level.amx, 3e-5}};
  for (const Precision &precision : rounding) {
    if (precision.rounds) {
      attentionForms(report, isa, precision);
      continue;
    }
    Form plain;
    plain.precision = {precision.name, false, 3e-6}; // the code of f32
    JitKernel kernel(textOf(plain), isa);
    attentionCase(report, kernel, plain, Batch{{3, 29, 0, 17}}, "not rounded");
  }
  return report.finish(isa);
}
