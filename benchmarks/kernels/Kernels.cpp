//===- Kernels.cpp - How near kernels come to the machine's peak --------------------------------------===//
//
// Google Benchmark program. Each product also reports its share of the peak of fused multiply-adds, which the
// same process measures right before and after it, since clocks drift.
//
//===--------------------------------------------------------------------------------------------------===//
#include "JitKernel.h"

#include <benchmark/benchmark.h>
#include <chrono>
#include <cmath>
#include <map>

static const char *isaOfMachine() { return machineRuns("x86-64-v4") ? "x86-64-v4" : "x86-64-v3"; }

template <typename Function> static double secondsOf(Function function) {
  auto begin = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Sixteen million multiply-adds a call in 10 independent chains, which is what one core can do at most.
static double measurePeak() {
  bool wide = std::string(isaOfMachine()) == "x86-64-v4";
  std::string vector = wide ? "vector<16xf32>" : "vector<8xf32>";
  static std::unique_ptr<JitKernel> kernel;
  constexpr int chains = 10, steps = 100000;
  if (!kernel) {
    std::string arguments, types, yields, body, results, use;
    for (int i = 0; i < chains; ++i) {
      std::string n = std::to_string(i), comma = i ? ", " : "";
      arguments += comma + "%a" + n + " = %zero";
      types += comma + vector;
      yields += comma + "%f" + n;
      body += "%f" + n + " = vector.fma %b, %c, %a" + n + " : " + vector + "\n";
    }
    std::string sum = "%r#0";
    for (int i = 1; i < chains; ++i) {
      std::string next = "%s" + std::to_string(i);
      use += next + " = arith.addf " + sum + ", %r#" + std::to_string(i) + " : " + vector + "\n";
      sum = next;
    }
    kernel = std::make_unique<JitKernel>(
        "func.func @main(%x: memref<16xf32>) {\n%zero = arith.constant dense<0.0> : " + vector +
            "\n%i = arith.constant 0 : index\n%one = arith.constant 1 : index\n%n = arith.constant " +
            std::to_string(steps) + " : index\n%b = vector.load %x[%i] : memref<16xf32>, " + vector +
            "\n%c = vector.load %x[%i] : memref<16xf32>, " + vector + "\n%r:" + std::to_string(chains) +
            " = scf.for %k = %i to %n step %one iter_args(" + arguments + ") -> (" + types + ") {\n" + body +
            "scf.yield " + yields + " : " + types + "\n}\n" + use + "vector.store " + sum +
            ", %x[%i] : memref<16xf32>, " + vector + "\nreturn\n}",
        isaOfMachine());
  }
  Buffer x({16});
  double best = 1e9;
  for (int i = 0; i < 20; ++i)
    best = std::min(best, secondsOf([&] { kernel->run({&x}); }));
  return 2.0 * (wide ? 16 : 8) * chains * steps / best;
}

/// Runs `function` until the benchmark has enough, and reports the best run's rate.
template <typename Function> static void measure(benchmark::State &state, double flops, Function function) {
  double peak = measurePeak(), best = 1e9;
  for (auto _ : state) {
    double seconds = secondsOf(function);
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  peak = std::max(peak, measurePeak());
  state.counters["GFLOPS"] = flops / best / 1e9;
  state.counters["percent_of_peak"] = 100 * flops / best / peak;
  state.counters["best_us"] = best * 1e6;
}

static JitKernel &linearKernel(const std::string &activation) {
  static std::map<std::string, std::unique_ptr<JitKernel>> kernels;
  std::unique_ptr<JitKernel> &kernel = kernels[activation];
  if (!kernel)
    kernel = std::make_unique<JitKernel>(
        "func.func @main(%x: memref<?x?xf32>, %w: memref<?x?x16xf32>, %b: memref<?xf32>, %y: "
        "memref<?x?xf32>) "
        "{\nkernel.linear %x, %w, %b, %y {activation = #nn<activation " +
            activation +
            ">, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1>} : memref<?x?xf32>, memref<?x?x16xf32>, "
            "memref<?xf32>, memref<?x?xf32>\nreturn\n}",
        isaOfMachine());
  return *kernel;
}

static void linear(benchmark::State &state, const std::string &activation) {
  int64_t m = state.range(0), k = state.range(1), n = state.range(2), threads = state.range(3);
  Buffer x({m, k}), w({n / 16, k, 16}), b({n}), y({m, n});
  for (int64_t i = 0; i < x.elements(); ++i)
    x.as()[i] = std::sin(i);
  for (int64_t i = 0; i < w.elements(); ++i)
    w.as()[i] = std::sin(i * 3);
  JitKernel &kernel = linearKernel(activation);
  measure(state, 2.0 * m * k * n, [&] { kernel.run({&x, &w, &b, &y}, threads); });
}

static void attention(benchmark::State &state) {
  int64_t batch = state.range(0), length = state.range(1), threads = state.range(2), heads = 12, depth = 32;
  static JitKernel kernel(
      "func.func @main(%q: memref<?x1152xf32>, %o: memref<?xi64>, %y: memref<?x384xf32>) {\nkernel.attention "
      "%q, %q, %q, %o, %y {heads = 12 : i64, kv_heads = 12 : i64, head_dim = 32 : i64, value_dim = 32 : i64, "
      "scale = 0.17677669 : f32, q_column = 0 : i64, k_column = 384 : i64, v_column = 768 : i64, causal = "
      "false, window = 0 : i64, softcap = 0.0 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, "
      "1>} : memref<?x1152xf32>, memref<?x1152xf32>, memref<?x1152xf32>, memref<?xi64>, memref<?x384xf32>\n"
      "return\n}",
      isaOfMachine());
  Buffer q({batch * length, 1152}), o({batch + 1}, 8), y({batch * length, 384});
  for (int64_t i = 0; i < q.elements(); ++i)
    q.as()[i] = std::sin(i);
  for (int64_t b = 0; b <= batch; ++b)
    o.as<int64_t>()[b] = b * length;
  measure(state, 4.0 * batch * heads * length * length * depth, [&] { kernel.run({&q, &o, &y}, threads); });
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
  std::printf("%s, peak of one core %.1f GFLOP/s\n", isaOfMachine(), measurePeak() / 1e9);
  for (const char *activation : {"none", "gelu"})
    for (int64_t m : {1, 4, 16, 64, 128, 512})
      for (auto [k, n] :
           {std::pair(384, 384), std::pair(384, 1152), std::pair(384, 1536), std::pair(1536, 384)})
        for (int64_t threads : {1, 2})
          benchmark::RegisterBenchmark((std::string("linear_") + activation).c_str(),
                                       [activation](benchmark::State &s) { linear(s, activation); })
              ->Args({m, k, n, threads})
              ->ArgNames({"M", "K", "N", "threads"})
              ->UseManualTime();
  for (auto [batch, length] : {std::pair(1, 16), std::pair(32, 29), std::pair(1, 128), std::pair(8, 128),
                               std::pair(1, 512), std::pair(1, 2048)})
    for (int64_t threads : {1, 2})
      benchmark::RegisterBenchmark("attention_12x32", attention)
          ->Args({batch, length, threads})
          ->ArgNames({"batch", "length", "threads"})
          ->UseManualTime();
  for (int64_t rows : {16, 128, 1024})
    benchmark::RegisterBenchmark("layer_norm", layerNorm)->Args({rows, 384});
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
