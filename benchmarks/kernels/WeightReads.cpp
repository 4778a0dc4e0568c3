//===- WeightReads.cpp - How near products of few rows come to the speed of memory --------------------===//
//
// A product of few rows reads every weight once and does little else. Its figure is the bytes of the weight a
// second, beside what as many threads read, without computing, from as many bytes.
//
//===--------------------------------------------------------------------------------------------------===//
#include "WeightReads.h"
#include "LinearKernel.h"

#include "MachinePeaks.h"

#include <algorithm>
#include <benchmark/benchmark.h>

using namespace tamis::tools;

/// How often products and reads take turns, and for how long each goes on.
static constexpr int turns = 4;
static constexpr double turnSeconds = 0.02;

static void weightReads(benchmark::State &state, const std::string &isa, const std::string &precision) {
  int64_t m = state.range(0), k = state.range(1), megabytes = state.range(2), threads = state.range(3);
  int64_t panels = megabytes * 1000 * 1000 / LinearBuffers::panelBytes(precision, k);
  LinearBuffers buffers(precision, m, k, panels * 16);
  JitKernel &kernel = linearKernel(isa, precision, "bias", k);
  int64_t bytes = buffers.weightBytes(), share = bytes / threads / 4096 * 4096;
  PeakMeter meter(int32_t(threads), turnSeconds);
  // As a cache of that size: whatever holds the bytes after a first pass holds them for both.
  MemoryLevel level{"weights", bytes, 1};
  double rate = 0, peak = 0;
  for (auto _ : state) {
    // In turns, since others use the memory too.
    peak = std::max(peak, meter.readRate(level, share));
    double best = turnSeconds, all = 0;
    for (int runs = 0; runs < 5 || all < turnSeconds; ++runs) {
      double seconds = secondsOf([&] { buffers.run(kernel, threads); });
      best = runs ? std::min(best, seconds) : seconds;
      all += seconds;
    }
    state.SetIterationTime(best);
    rate = std::max(rate, double(bytes) / best / 1e9);
  }
  state.counters["GB/s"] = rate;
  state.counters["read_GB/s"] = peak;
  state.counters["percent_of_read"] = 100 * rate / peak;
}

void registerWeightReads(const std::string &isa, const std::string &precision) {
  // In a second-level cache; what the weights of a small model take; more than most last-level caches hold;
  // more than any.
  for (int64_t megabytes : {1, 20, 100, 700})
    for (int64_t m : {1, 4})
      for (int64_t k : {1024, 4096})
        for (int64_t threads : {1, 2})
          benchmark::RegisterBenchmark(("weight_reads_" + precision + "_" + isa).c_str(),
                                       [=](benchmark::State &state) { weightReads(state, isa, precision); })
              ->Args({m, k, megabytes, threads})
              ->ArgNames({"M", "K", "MB", "threads"})
              ->UseManualTime()
              ->Iterations(turns);
}
