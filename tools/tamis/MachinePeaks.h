//===- MachinePeaks.h - The most that this machine can do, as measured -----------------===//
#ifndef TAMIS_TOOLS_MACHINEPEAKS_H
#define TAMIS_TOOLS_MACHINEPEAKS_H

#include "MemoryLevels.h"
#include "PeakLoops.h"
#include "Pinning.h"

#include "runtime/src/Pool.h"

#include <functional>
#include <span>
#include <string_view>

namespace tamis::tools {

/// A unit of the CPU that multiplies and adds.
struct ArithmeticUnit {
  const char *name;        // "amx-bf16"
  const char *description; // the instruction
  const char *isa;         // the level of the runtime that has it
  MultiplyAddLoop loop;
  int64_t operations; // of a step; a multiply-add is two
  int64_t steps; // of a run of some 50 microseconds: long for the clock, too short to be interrupted often

  /// Whether this CPU has it, and its operating system allows it.
  bool isAvailable() const;
};

/// All that Tamis knows.
std::span<const ArithmeticUnit> arithmeticUnits();
/// The unit of that name must exist.
const ArithmeticUnit &arithmeticUnit(std::string_view name);

/// Measures what a number of threads can do together: the best of many short runs, which begin and end on
/// all threads at once. Needs the level x86-64-v3.
class PeakMeter {
public:
  /// Measures each peak for at least `seconds`. Throws ToolError when the threads cannot be had.
  PeakMeter(int32_t threads, double seconds);
  ~PeakMeter();
  PeakMeter(const PeakMeter &) = delete;
  PeakMeter &operator=(const PeakMeter &) = delete;

  /// 1e9 operations a second. The unit must be available.
  double operationRate(const ArithmeticUnit &unit);

  /// How much the caches of a level hold that the threads use together; without bound for memory.
  int64_t capacity(const MemoryLevel &level) const;
  /// Bytes that each thread reads to measure a level of `levels`: too many for the level before, few enough
  /// to lie in this one. 0 when there is no such size.
  int64_t bytesForReading(const std::vector<MemoryLevel> &levels, size_t level) const;
  /// 1e9 bytes a second.
  double readRate(const MemoryLevel &level, int64_t bytesPerThread);

private:
  struct Run;
  /// Seconds of the best run of `work` on all threads; `prepare` runs on each before, and is not measured.
  double best(const std::function<void(int32_t thread)> &work,
              const std::function<void(int32_t thread)> &prepare = {});
  /// Calls `work` on each thread, once.
  void each(const std::function<void(int32_t thread)> &work);
  /// Memory that each thread touched first.
  void provide(int64_t bytesPerThread);

  int32_t threads;
  int32_t cores; // of this process, before threads are pinned
  double seconds;
  Pool pool{};
  Pinning pinning;
  std::vector<char *> data; // of each thread
  int64_t dataBytes = 0;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_MACHINEPEAKS_H
