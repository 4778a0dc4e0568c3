//===- JitKernel.h - Kernels compiled and run inside a test -------------------------------------------===//
#ifndef TAMIS_TEST_CODEGEN_KERNELS_JITKERNEL_H
#define TAMIS_TEST_CODEGEN_KERNELS_JITKERNEL_H

#include "tamis/code_abi.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// One buffer of a call, row-major, with a guard behind it that no kernel may touch.
struct Buffer {
  /// Zeros; `bytes` is the size of an element.
  Buffer(std::vector<int64_t> dims, size_t bytes = 4);
  int64_t elements() const;
  template <typename T = float> T *as() { return reinterpret_cast<T *>(data()); }
  template <typename T = float> const T *as() const {
    return reinterpret_cast<const T *>(const_cast<Buffer *>(this)->data());
  }
  bool guardIsIntact() const;

  std::vector<int64_t> dims;

private:
  char *data();
  size_t bytes;
  std::shared_ptr<char> storage;
  size_t size, begin;
};

/// A function @main over buffers, compiled for an ISA level with the passes of MachinePipeline.
class JitKernel {
public:
  /// `text` is the module. Ends the program with the diagnostics when it does not compile.
  JitKernel(const std::string &text, const std::string &isa);
  ~JitKernel();
  /// Runs @main on `threads` threads. Returns the reason when a check failed (one thread only), else "".
  std::string run(std::initializer_list<Buffer *> buffers, int threads = 1);
  std::string run(const std::vector<Buffer *> &buffers, int threads = 1);
  /// From now on each thread but the first keeps a core of its own, for measurements: on that of the first
  /// one, where the system may leave it for a while, both would wait for each other.
  static void keepCores();
  /// Counters of the last run.
  int64_t counters[8];
  /// Settings of the next runs.
  std::vector<float> settings;
  /// How many rows chose each expert, of the last run's last layer of experts.
  std::vector<int64_t> expertCounts;

private:
  struct Code;
  std::unique_ptr<Code> code;
};

/// Whether this machine runs code of an ISA level.
bool machineRuns(const std::string &isa);

#endif
