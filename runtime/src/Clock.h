//===- Clock.h - The clock of deadlines and profiles ----------------------------------------------------===//
#ifndef TAMIS_RUNTIME_CLOCK_H
#define TAMIS_RUNTIME_CLOCK_H

#include <cstdint>
#include <ctime>

namespace tamis {

inline int64_t monotonicNanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace tamis

#endif
