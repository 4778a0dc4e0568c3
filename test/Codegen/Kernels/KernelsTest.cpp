//===- KernelsTest.cpp - Runs the tests of all kernels ------------------------------------------------===//
//
// Arguments: names of tests (all by default).
//
//===--------------------------------------------------------------------------------------------------===//
#include "KernelTest.h"

int main(int argc, char **argv) {
  std::pair<const char *, bool (*)(const std::string &)> tests[] = {{"linear", testLinear},
                                                                    {"precision", testPrecision},
                                                                    {"quantized-linear", testQuantizedLinear},
                                                                    {"matmul", testMatmul},
                                                                    {"attention", testAttention},
                                                                    {"rows", testRows},
                                                                    {"tokens", testTokens},
                                                                    {"vector-math", testVectorMath}};
  bool good = true;
  for (std::string isa : {"x86-64-v3", "x86-64-v3-vnni", "x86-64-v4", "x86-64-v4-vnni", "x86-64-v4-bf16", "x86-64-v4-amx"}) {
    if (!machineRuns(isa)) {
      std::printf("%s: not run, this machine lacks it\n", isa.c_str());
      continue;
    }
    for (auto [name, test] : tests) {
      bool wanted = argc == 1;
      for (int i = 1; i < argc; ++i)
        wanted |= std::string(argv[i]) == name;
      if (wanted)
        good &= test(isa);
    }
  }
  return good ? 0 : 1;
}
