//===- MachinePeaks.cpp - The most that this machine can do, as measured ---------------===//

#include "MachinePeaks.h"

#include "ExitCode.h"

#include "runtime/src/Clock.h"
#include "runtime/src/Cpu.h"
#include "runtime/src/Memory.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>
#include <sched.h>

namespace tamis::tools {

namespace {

/// 1.0 in bf16 twice, about 1 as f32, and neither 0 nor all alike as integers.
constexpr uint32_t operandWord = 0x3f803f80;
struct alignas(64) Operand {
  uint32_t words[256];
  Operand() { std::ranges::fill(words, operandWord); }
};

constexpr int64_t operationsOf(int64_t products, int64_t sums) { return 2 * products * sums; }

constexpr ArithmeticUnit units[] = {
    {"fma-avx2", "f32, vfmadd231ps of 256 bits", "x86-64-v3", multiplyAddF32Avx2, operationsOf(8, vectorSums),
     20000},
    {"fma-avx512", "f32, vfmadd231ps of 512 bits", "x86-64-v4", multiplyAddF32Avx512,
     operationsOf(16, vectorSums), 20000},
    {"int16-avx2", "i16, vpmaddwd and vpaddd of 256 bits", "x86-64-v3", multiplyAddI16Avx2,
     operationsOf(16, vectorSums), 20000},
    {"int16-avx512", "i16, vpmaddwd and vpaddd of 512 bits", "x86-64-v4", multiplyAddI16Avx512,
     operationsOf(32, vectorSums), 20000},
    {"int8-avx2", "i8, vpdpbusd of 256 bits", "x86-64-v3-vnni", multiplyAddI8AvxVnni,
     operationsOf(32, vectorSums), 20000},
    {"int8-avx512", "i8, vpdpbusd of 512 bits", "x86-64-v4-vnni", multiplyAddI8Avx512,
     operationsOf(64, vectorSums), 20000},
    {"bf16-avx512", "bf16, vdpbf16ps of 512 bits", "x86-64-v4-bf16", multiplyAddBF16Avx512,
     operationsOf(32, vectorSums), 10000},
    {"bf16-amx", "bf16, tdpbf16ps", "x86-64-v4-amx", multiplyAddBF16Amx, operationsOf(16 * 16 * 32, tileSums),
     2000},
    {"int8-amx", "i8, tdpbusd", "x86-64-v4-amx", multiplyAddI8Amx, operationsOf(16 * 16 * 64, tileSums),
     2000},
};

} // namespace

bool ArithmeticUnit::isAvailable() const { return isaRank(isa) > 0; }

std::span<const ArithmeticUnit> arithmeticUnits() { return units; }

const ArithmeticUnit &arithmeticUnit(std::string_view name) {
  const auto *unit = std::ranges::find(units, name, &ArithmeticUnit::name);
  assert(unit != std::end(units));
  return *unit;
}

/// A run of all threads. They start when all are there, and the run lasts from the first start to the last
/// end, so that a thread is never measured while others idle.
struct PeakMeter::Run {
  const std::function<void(int32_t)> &work, &prepare;
  int32_t threads;
  std::atomic<int32_t> arrived = 0;
  std::atomic<int64_t> begin = std::numeric_limits<int64_t>::max(), end = 0;

  static void task(void *run, int32_t thread) { static_cast<Run *>(run)->onThread(thread); }

  void onThread(int32_t thread) {
    if (prepare)
      prepare(thread);
    // Waits actively, but for the case that there are more threads than cores.
    arrived.fetch_add(1);
    for (int64_t turns = 1; arrived.load() < threads; ++turns)
      if (turns % 1000 == 0)
        sched_yield();
    int64_t from = monotonicNanoseconds();
    work(thread);
    int64_t to = monotonicNanoseconds();
    for (int64_t known = begin.load(); from < known && !begin.compare_exchange_weak(known, from);)
      ;
    for (int64_t known = end.load(); to > known && !end.compare_exchange_weak(known, to);)
      ;
  }
};

PeakMeter::PeakMeter(int32_t threads, double seconds)
    : threads(threads), cores(coreCount()), seconds(seconds), pinning(threads), data(threads) {
  TamisError error = TAMIS_ERROR_INIT;
  check(pool.start(threads, defaultAllocator(), &error), error);
  each([this](int32_t thread) { pinning.pin(thread); });
}

PeakMeter::~PeakMeter() {
  provide(0);
  pool.stop();
}

double PeakMeter::best(const std::function<void(int32_t)> &work,
                       const std::function<void(int32_t)> &prepare) {
  constexpr int minRuns = 5;
  int64_t best = std::numeric_limits<int64_t>::max();
  int64_t length = static_cast<int64_t>(seconds * 1e9), start = monotonicNanoseconds();
  for (int runs = 0; runs < minRuns || monotonicNanoseconds() - start < length; ++runs) {
    Run run{work, prepare, threads};
    pool.run(Run::task, &run);
    best = std::min(best, run.end.load() - run.begin.load());
  }
  return static_cast<double>(std::max<int64_t>(best, 1)) / 1e9;
}

void PeakMeter::each(const std::function<void(int32_t)> &work) {
  const std::function<void(int32_t)> none;
  Run run{work, none, threads};
  pool.run(Run::task, &run);
}

double PeakMeter::operationRate(const ArithmeticUnit &unit) {
  static const Operand operand;
  double time = best([&](int32_t) { unit.loop(&operand, unit.steps); });
  return static_cast<double>(unit.operations * unit.steps * threads) / time / 1e9;
}

int64_t PeakMeter::capacity(const MemoryLevel &level) const {
  return level.bytes ? level.bytes * level.cachesOf(threads, cores) : std::numeric_limits<int64_t>::max();
}

int64_t PeakMeter::bytesForReading(const std::vector<MemoryLevel> &levels, size_t index) const {
  constexpr int64_t granule = 4096, mebibyte = int64_t{1} << 20, times = 8;
  auto share = [&](const MemoryLevel &level) {
    int32_t caches = level.cachesOf(threads, cores);
    return level.bytes / ((threads + caches - 1) / caches);
  };
  if (levels[index].bytes == 0)
    // Any size will do, since it is evicted before; of all threads at most 1 GiB.
    return std::clamp<int64_t>(1024 / threads, 1, 16) * mebibyte;
  // Half a cache is left to others.
  int64_t most = share(levels[index]) / 2, before = index ? share(levels[index - 1]) : 0;
  int64_t bytes = (before ? std::min(most, times * before) : most) / granule * granule;
  return bytes >= 2 * before ? bytes : 0;
}

double PeakMeter::readRate(const MemoryLevel &level, int64_t bytes) {
  constexpr int64_t runBytes = int64_t{4} << 20; // a run of a small cache is of many passes
  provide(bytes);
  bool isMemory = level.bytes == 0, wide = isaRank("x86-64-v4") > 0;
  int64_t passes = isMemory ? 1 : std::max<int64_t>(runBytes / bytes, 1);
  auto timeOf = [&](ReadLoop loop) {
    return best([&](int32_t thread) { loop(data[thread], bytes, passes); },
                isMemory ? [&](int32_t thread) { evict(data[thread], bytes); }
                         : std::function<void(int32_t)>());
  };
  // Which form is the faster differs from CPU to CPU.
  double time = timeOf(wide ? readAvx512 : readAvx2);
  if (level.name != "L1")
    time = std::min(time, timeOf(wide ? readAheadAvx512 : readAheadAvx2));
  return static_cast<double>(bytes * passes * threads) / time / 1e9;
}

void PeakMeter::provide(int64_t bytes) {
  constexpr size_t hugePage = size_t{2} << 20;
  if (bytes > 0 && bytes <= dataBytes)
    return;
  TamisAllocator allocator = defaultAllocator();
  for (char *&block : data) {
    if (block)
      allocator.release(allocator.user, block, dataBytes, hugePage);
    block = nullptr;
  }
  dataBytes = bytes;
  if (bytes == 0)
    return;
  for (char *&block : data) {
    block = static_cast<char *>(allocator.allocate(allocator.user, bytes, hugePage));
    if (!block)
      throw std::bad_alloc();
  }
  // Each thread has its data near itself.
  each([&](int32_t thread) { std::memset(data[thread], 1, bytes); });
}

} // namespace tamis::tools
