//===- LinearKernel.cpp - kernel.linear as benchmarks call it -----------------------------------------===//
#include "LinearKernel.h"

#include <cmath>
#include <map>

static int64_t elementsPerWord(const std::string &precision) {
  return precision == "f32" ? 1 : precision == "int8" ? 4 : 2;
}
static int64_t wordsOf(const std::string &precision, int64_t k) {
  int64_t perWord = elementsPerWord(precision);
  return perWord == 1 ? k : ((k + perWord - 1) / perWord + 15) / 16 * 16;
}
static std::vector<int64_t> weightDims(const std::string &precision, int64_t k, int64_t n) {
  int64_t perWord = elementsPerWord(precision), words = wordsOf(precision, k);
  if (precision == "split-f32")
    return {n / 16, words / 16, 32, 16, 2};
  if (perWord == 1)
    return {n / 16, words, 16};
  return {n / 16, words, 16, perWord};
}

JitKernel &linearKernel(const std::string &isa, const std::string &precision, const std::string &epilogue,
                        int64_t k) {
  static std::map<std::string, std::unique_ptr<JitKernel>> kernels;
  std::unique_ptr<JitKernel> &kernel = kernels[isa + precision + epilogue + std::to_string(k)];
  int64_t block = precision == "split-f32" ? 16 : 1;
  std::string words = std::to_string(wordsOf(precision, k) / block),
              x = "memref<?x" + std::to_string(k) + "xf32>";
  std::string weight = "memref<?x" + words + "x" +
                       (precision == "f32"    ? "16xf32>"
                        : precision == "bf16" ? "16x2xbf16>"
                        : precision == "int8" ? "16x4xi8>"
                                              : "32x16x2xbf16>");
  bool integers = precision == "int8", hasBias = epilogue != "product";
  std::string activation = epilogue == "gelu" ? "gelu" : "none";
  if (!kernel)
    kernel = std::make_unique<JitKernel>(
        "func.func @main(%x: " + x + ", %w: " + weight +
            ", %b: memref<?xf32>, %s: memref<?xf32>, %t: memref<?xi32>, %y: memref<?x?xf32>) {\n"
            "kernel.linear %x, %w, " +
            (hasBias ? "%b, " : "") + (integers ? "%s, %t, " : "") + "%y {activation = #nn<activation " +
            activation + ">, operandSegmentSizes = array<i32: 1, 1, " + (hasBias ? "1" : "0") + ", 0, " +
            (integers ? "1, 1" : "0, 0") + ", 1>} : " + x + ", " + weight + ", " +
            (hasBias ? "memref<?xf32>, " : "") + (integers ? "memref<?xf32>, memref<?xi32>, " : "") +
            "memref<?x?xf32>\nreturn\n}",
        isa);
  return *kernel;
}

int64_t LinearBuffers::panelBytes(const std::string &precision, int64_t k) {
  return wordsOf(precision, k) * 16 * 4 * (precision == "split-f32" ? 2 : 1);
}

LinearBuffers::LinearBuffers(const std::string &precision, int64_t m, int64_t k, int64_t n)
    : x({m, k}), b({n}), s({n}), t({n}), y({m, n}),
      w(weightDims(precision, k, n), 4 / elementsPerWord(precision)),
      bytes(n / 16 * panelBytes(precision, k)) {
  for (int64_t i = 0; i < x.elements(); ++i)
    x.as()[i] = std::sin(i);
  // The bits of a weight do not matter, as long as they are no denormal numbers.
  int64_t perWord = elementsPerWord(precision);
  if (perWord == 1)
    for (int64_t i = 0; i < w.elements(); ++i)
      w.as()[i] = 1 + i % 64;
  else if (perWord == 2)
    for (int64_t i = 0; i < w.elements(); ++i)
      w.as<uint16_t>()[i] = 0x3f80 + i % 64;
}
