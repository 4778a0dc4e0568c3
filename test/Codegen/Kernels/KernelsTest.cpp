//===- KernelsTest.cpp - Runs the tests of all kernels ------------------------------------------------===//
//
// Arguments: names of tests (all by default). Each runs at the levels whose code for it is their own.
//
//===--------------------------------------------------------------------------------------------------===//
#include "KernelTest.h"

#include "tamis/Codegen/ISALevel.h"
#include "llvm/ADT/ArrayRef.h"

int main(int argc, char **argv) {
  std::pair<const char *, bool (*)(const std::string &)> tests[] = {{"linear", testLinear},
                                                                    {"precision", testPrecision},
                                                                    {"quantized-linear", testQuantizedLinear},
                                                                    {"matmul", testMatmul},
                                                                    {"attention", testAttention},
                                                                    {"experts", testExperts},
                                                                    {"rows", testRows},
                                                                    {"tokens", testTokens},
                                                                    {"merge", testMerge},
                                                                    {"vector-math", testVectorMath},
                                                                    {"int4", testInt4},
                                                                    {"caches", testCaches}};
  bool good = true;
  for (const tamis::ISALevel &level : llvm::reverse(tamis::isaLevels())) {
    std::string isa = level.name.str();
    if (!machineRuns(isa)) {
      std::printf("%s: not run, this machine lacks it\n", isa.c_str());
      continue;
    }
    for (auto [name, test] : tests) {
      // What a level has beyond its base is for products of bf16, int8 and int4 alone.
      bool isOwn = level.features.empty() || test == testPrecision || test == testInt4 ||
                   test == testQuantizedLinear || (test == testAttention && level.bf16) ||
                   (test == testExperts && level.amx);
      // Integers need no bf16, but tiles have both.
      if (test == testInt4 || test == testQuantizedLinear)
        isOwn &= !level.bf16 || level.amx;
      bool wanted = argc == 1;
      for (int i = 1; i < argc; ++i)
        wanted |= std::string(argv[i]) == name;
      if (wanted && isOwn)
        good &= test(isa);
    }
  }
  return good ? 0 : 1;
}
