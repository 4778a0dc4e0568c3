//===- LinearKernel.h - kernel.linear as benchmarks call it -------------------------------------------===//
#ifndef TAMIS_BENCHMARKS_KERNELS_LINEARKERNEL_H
#define TAMIS_BENCHMARKS_KERNELS_LINEARKERNEL_H

#include "JitKernel.h"

#include <chrono>

template <typename Function> double secondsOf(Function function) {
  auto begin = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The kernel of one linear layer, for each number of rows and columns. It is compiled once. `epilogue`:
/// "product" is the microkernel alone, "bias" adds one, "gelu" does both.
JitKernel &linearKernel(const std::string &isa, const std::string &precision, const std::string &epilogue,
                        int64_t k);

/// Its arguments.
class LinearBuffers {
public:
  LinearBuffers(const std::string &precision, int64_t m, int64_t k, int64_t n);
  void run(JitKernel &kernel, int64_t threads) { kernel.run({&x, &w, &b, &s, &t, &y}, int(threads)); }
  int64_t weightBytes() const { return bytes; }
  /// Of one panel of 16 columns.
  static int64_t panelBytes(const std::string &precision, int64_t k);

private:
  Buffer x, b, s, t, y, w;
  int64_t bytes;
};

#endif
