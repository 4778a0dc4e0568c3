//===- Kernels.cpp - How near kernels come to the machine's peak --------------------------------------===//
//
// Google Benchmark program. Each product also reports its share of the peak of its level's multiply-add
// instruction. Clocks drift, and what else runs on a physical core halves it for milliseconds: so the peak is
// measured right before every run of the product, for as long as that takes, and percent_of_peak is the
// median of the pairs' ratios. best_percent is the best run's share of the best peak: what neighbours that
// share the memory and the outer caches take from the median, they take less from it.
//
//===--------------------------------------------------------------------------------------------------===//
#include "LinearKernel.h"
#include "WeightReads.h"

#include "tamis/Codegen/ISALevel.h"
#include "llvm/ADT/ArrayRef.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <map>
#include <memory>

/// The levels that this machine runs, best first.
static std::vector<std::string> isasOfMachine() {
  std::vector<std::string> isas;
  for (const tamis::ISALevel &level : tamis::isaLevels())
    if (machineRuns(level.name.str()))
      isas.push_back(level.name.str());
  return isas;
}
static std::string isaOfMachine() { return isasOfMachine().front(); }

namespace {
/// A multiply-add instruction: what the peak of a level and precision is measured with.
struct Instruction {
  std::string vector, setup, body; ///< type of the accumulator; what `body`, with @A for it and @R, refers to
  double operations;               ///< of one
  int chains;                      ///< independent ones
};
} // namespace

/// The instruction that a level's kernels of a precision live on.
static Instruction instructionOf(const tamis::ISALevel &level, const std::string &precision) {
  std::string lanes = std::to_string(level.lanes), f32 = "vector<" + lanes + "xf32>",
              i32 = "vector<" + lanes + "xi32>";
  auto load = [](std::string type) { return "%b = vector.load %x[%i] : memref<4096xf32>, " + type + "\n"; };
  if (level.amx && precision != "f32") {
    bool integers = precision == "int8";
    std::string operand = integers ? "!amx.tile<16x64xi8>" : "!amx.tile<16x32xbf16>";
    std::string sum = integers ? "!amx.tile<16x16xi32>" : "!amx.tile<16x16xf32>";
    // Two tiles: an instruction may not name one twice.
    std::string tile = " = amx.tile_load %x[%i], %s : memref<4096xf32> into " + operand + "\n";
    std::string other = " = amx.tile_load %x[%s], %s : memref<4096xf32> into " + operand + "\n";
    return {sum, "%s = arith.constant 16 : index\n%b" + tile + "%c" + other,
            std::string("@R = amx.") + (integers ? "tile_muli" : "tile_mulf") + " %b, %c, @A : " + operand +
                ", " + operand + ", " + sum + "\n",
            2.0 * 16 * 16 * (integers ? 64 : 32), 4};
  }
  if (level.bf16 && precision == "bf16")
    return {f32, load(f32) + "%c = vector.bitcast %b : " + f32 + " to vector<32xbf16>\n",
            "@R = llvm.call_intrinsic \"llvm.x86.avx512bf16.dpbf16ps.512\"(@A, %c, %c) : (" + f32 +
                ", vector<32xbf16>, vector<32xbf16>) -> " + f32 + "\n",
            4.0 * level.lanes, 10};
  if (level.vnni && precision == "int8") {
    std::string bytes = "vector<" + std::to_string(4 * level.lanes) + "xi8>";
    return {i32, load(f32) + "%c = vector.bitcast %b : " + f32 + " to " + bytes + "\n",
            "@R = llvm.call_intrinsic \"llvm.x86.avx512.vpdpbusd." + std::to_string(32 * level.lanes) +
                "\"(@A, %c, %c) : (" + i32 + ", " + bytes + ", " + bytes + ") -> " + i32 + "\n",
            8.0 * level.lanes, 10};
  }
  return {f32, load(f32), "@R = vector.fma %b, %b, @A : " + f32 + "\n", 2.0 * level.lanes, 10};
}

namespace {
/// Multiply-adds in independent chains on one core.
struct Peak {
  std::unique_ptr<JitKernel> kernel;
  double operations = 0; ///< of a run
  double run() {         ///< operations a second
    return operations / secondsOf([&] { kernel->run({&x}); });
  }
  Buffer x{{4096}};
};
} // namespace

static Peak &peakOf(const std::string &isa, const std::string &precision) {
  static std::map<std::string, Peak> peaks;
  Peak &peak = peaks[isa + precision];
  if (!peak.kernel) {
    constexpr int steps = 100000;
    const tamis::ISALevel &level = *tamis::lookupISALevel(isa);
    Instruction instruction = instructionOf(level, precision);
    bool tiles = instruction.vector[0] == '!';
    auto replace = [](std::string text, const std::string &from, const std::string &to) {
      for (size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
      return text;
    };
    std::string arguments, types, yields, body, use;
    for (int i = 0; i < instruction.chains; ++i) {
      std::string n = std::to_string(i), comma = i ? ", " : "";
      arguments += comma + "%a" + n + " = %zero";
      types += comma + instruction.vector;
      yields += comma + "%f" + n;
      body += replace(replace(instruction.body, "@A", "%a" + n), "@R", "%f" + n);
      // Every sum is written, so that none is left out.
      std::string at = "%x[%at" + n + "]";
      use += "%at" + n + " = arith.constant " + std::to_string(256 * i) + " : index\n";
      use += tiles ? "amx.tile_store " + at + ", %r#" + n + ", %s : memref<4096xf32>, " + instruction.vector +
                         "\n"
                   : "%v" + n + " = vector.bitcast %r#" + n + " : " + instruction.vector + " to vector<" +
                         std::to_string(level.lanes) + "xf32>\nvector.store %v" + n + ", " + at +
                         " : memref<4096xf32>, vector<" + std::to_string(level.lanes) + "xf32>\n";
    }
    std::string zero =
        tiles ? "%zero = amx.tile_zero : " + instruction.vector + "\n"
              : "%zero = arith.constant dense<0" +
                    std::string(instruction.vector.find("xf32") == std::string::npos ? "" : ".0") +
                    "> : " + instruction.vector + "\n";
    peak.kernel = std::make_unique<JitKernel>(
        "func.func @main(%x: memref<4096xf32>) {\n" + zero +
            "%i = arith.constant 0 : index\n%one = arith.constant 1 : index\n%n = arith.constant " +
            std::to_string(steps) + " : index\n" + instruction.setup +
            "%r:" + std::to_string(instruction.chains) + " = scf.for %k = %i to %n step %one iter_args(" +
            arguments + ") -> (" + types + ") {\n" + body + "scf.yield " + yields + " : " + types + "\n}\n" +
            use + "return\n}",
        isa);
    peak.operations = instruction.operations * instruction.chains * steps;
  }
  return peak;
}

/// Runs `function` of so many operations on `threads` threads until the benchmark has enough.
template <typename Function>
static void measure(benchmark::State &state, const std::string &isa, const std::string &precision,
                    double operations, int64_t threads, Function function) {
  Peak &peak = peakOf(isa, precision);
  double best = 1e9, bestPeak = 0;
  std::vector<double> shares;
  for (auto _ : state) {
    // As long as the product takes, after the first one.
    double rate = 0;
    int64_t rounds = 0;
    do {
      double now = peak.run();
      rate += now;
      bestPeak = std::max(bestPeak, now);
      ++rounds;
    } while (best < 1e9 && rounds * peak.operations < best * rate / rounds);
    double seconds = secondsOf(function);
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
    shares.push_back(operations / seconds / (rate / rounds) / threads);
  }
  auto middle = shares.begin() + shares.size() / 2;
  std::nth_element(shares.begin(), middle, shares.end());
  state.counters["Gop/s"] = operations / best / 1e9;
  state.counters["percent_of_peak"] = 100 * *middle;
  state.counters["best_percent"] = 100 * operations / best / (bestPeak * threads);
  state.counters["best_us"] = best * 1e6;
}

static void linear(benchmark::State &state, const std::string &isa, const std::string &precision,
                   const std::string &epilogue) {
  int64_t m = state.range(0), k = state.range(1), n = state.range(2), threads = state.range(3);
  LinearBuffers buffers(precision, m, k, n);
  JitKernel &kernel = linearKernel(isa, precision, epilogue, k);
  measure(state, isa, precision, 2.0 * m * k * n, threads, [&] { buffers.run(kernel, threads); });
}

static void attention(benchmark::State &state) {
  int64_t batch = state.range(0), length = state.range(1), threads = state.range(2), heads = 12, depth = 32;
  static JitKernel kernel(
      "func.func @main(%q: memref<?x1152xf32>, %o: memref<?xi64>, %y: memref<?x384xf32>) {\nkernel.attention "
      "%q, %q, %q, %o, %y {heads = 12 : i64, kv_heads = 12 : i64, head_dim = 32 : i64, value_dim = 32 : i64, "
      "scale = 0.17677669 : f32, q_column = 0 : i64, k_column = 384 : i64, v_column = 768 : i64, causal = "
      "false, window = 0 : i64, softcap = 0.0 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, "
      "0, 1>} : memref<?x1152xf32>, memref<?x1152xf32>, memref<?x1152xf32>, memref<?xi64>, "
      "memref<?x384xf32>\n"
      "return\n}",
      isaOfMachine());
  Buffer q({batch * length, 1152}), o({batch + 1}, 8), y({batch * length, 384});
  for (int64_t i = 0; i < q.elements(); ++i)
    q.as()[i] = std::sin(i);
  for (int64_t b = 0; b <= batch; ++b)
    o.as<int64_t>()[b] = b * length;
  measure(state, isaOfMachine(), "f32", 4.0 * batch * heads * length * length * depth, threads,
          [&] { kernel.run({&q, &o, &y}, threads); });
}

/// Few queries of 16 heads on many keys, as in decoding: the figure is the bytes of keys and values a second.
static void attentionOfFew(benchmark::State &state) {
  int64_t queries = state.range(0), keys = state.range(1), keyHeads = state.range(2),
          threads = state.range(3);
  constexpr int64_t heads = 16, depth = 64;
  std::string k = "memref<?x?x" + std::to_string(keyHeads * depth) + "xf32>",
              q = "memref<?x?x" + std::to_string(heads * depth) + "xf32>";
  static std::map<int64_t, std::unique_ptr<JitKernel>> kernels;
  std::unique_ptr<JitKernel> &kernel = kernels[keyHeads];
  if (!kernel)
    kernel = std::make_unique<JitKernel>(
        "func.func @main(%q: " + q + ", %k: " + k + ", %v: " + k + ", %y: " + q +
            ") {\nkernel.attention %q, %k, %v, %y {heads = 16 : i64, kv_heads = " + std::to_string(keyHeads) +
            " : i64, head_dim = 64 : i64, value_dim = 64 : i64, scale = 0.125 : f32, q_column = 0 : i64, "
            "k_column "
            "= 0 : i64, v_column = 0 : i64, causal = true, window = 0 : i64, softcap = 0.0 : f32, "
            "operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 1>} : " +
            q + ", " + k + ", " + k + ", " + q + "\nreturn\n}",
        isaOfMachine());
  Buffer qs({1, queries, heads * depth}), ks({1, keys, keyHeads * depth}), vs({1, keys, keyHeads * depth}),
      y({1, queries, heads * depth});
  for (Buffer *buffer : {&qs, &ks, &vs})
    for (int64_t i = 0; i < buffer->elements(); ++i)
      buffer->as()[i] = std::sin(i);
  double best = 1e9;
  for (auto _ : state) {
    double seconds = secondsOf([&] { kernel->run({&qs, &ks, &vs, &y}, threads); });
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  state.counters["GB/s"] = 2.0 * ks.elements() * sizeof(float) / best / 1e9;
  state.counters["best_us"] = best * 1e6;
}

static void layerNorm(benchmark::State &state) {
  int64_t rows = state.range(0), h = state.range(1);
  static JitKernel kernel(
      "func.func @main(%x: memref<?x?xf32>, %s: memref<?xf32>, %b: memref<?xf32>, %y: memref<?x?xf32>) {\n"
      "kernel.layer_norm %x, %s, %b, %y {epsilon = 1.0e-12 : f32} : memref<?x?xf32>, memref<?xf32>, "
      "memref<?xf32>, memref<?x?xf32>\nreturn\n}",
      isaOfMachine());
  Buffer x({rows, h}), s({h}), b({h}), y({rows, h});
  for (int64_t i = 0; i < x.elements(); ++i)
    x.as()[i] = std::sin(i);
  for (auto _ : state)
    kernel.run({&x, &s, &b, &y});
  state.SetBytesProcessed(state.iterations() * rows * h * 8);
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  JitKernel::keepCores();
  std::vector<std::string> isas = isasOfMachine();
  for (const std::string &isa : isas)
    for (const char *precision : {"f32", "split-f32", "bf16", "int8"}) {
      double best = 0;
      for (int i = 0; i < 20; ++i)
        best = std::max(best, peakOf(isa, precision).run());
      std::printf("%s, %s: peak of one core %.1f Gop/s\n", isa.c_str(), precision, best / 1e9);
      for (const char *epilogue : {"product", "bias", "gelu"})
        for (int64_t m : {1, 4, 16, 64, 128, 512})
          for (auto [k, n] : {std::pair(384, 384), std::pair(384, 1152), std::pair(384, 1536),
                              std::pair(1536, 384), std::pair(768, 3072), std::pair(3072, 768),
                              std::pair(1024, 4096), std::pair(4096, 1024), std::pair(4096, 4096)})
            for (int64_t threads : {1, 2})
              benchmark::RegisterBenchmark(
                  (std::string("linear_") + precision + "_" + epilogue + "_" + isa).c_str(),
                  [=](benchmark::State &s) { linear(s, isa, precision, epilogue); })
                  ->Args({m, k, n, threads})
                  ->ArgNames({"M", "K", "N", "threads"})
                  ->UseManualTime();
      registerWeightReads(isa, precision);
    }
  for (auto [batch, length] : {std::pair(1, 16), std::pair(32, 29), std::pair(1, 128), std::pair(8, 128),
                               std::pair(1, 512), std::pair(1, 2048)})
    for (int64_t threads : {1, 2})
      benchmark::RegisterBenchmark("attention_12x32", attention)
          ->Args({batch, length, threads})
          ->ArgNames({"batch", "length", "threads"})
          ->UseManualTime();
  for (int64_t keys : {128, 1024, 8192})
    for (int64_t keyHeads : {1, 4, 16})
      for (int64_t queries : {1, 2, 4, 6, 7})
        for (int64_t threads : {1, 2})
          benchmark::RegisterBenchmark("attention_of_few_16x64", attentionOfFew)
              ->Args({queries, keys, keyHeads, threads})
              ->ArgNames({"queries", "keys", "key_heads", "threads"})
              ->UseManualTime();
  for (int64_t rows : {16, 128, 1024})
    benchmark::RegisterBenchmark("layer_norm", layerNorm)->Args({rows, 384});
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
