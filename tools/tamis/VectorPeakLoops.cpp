//===- VectorPeakLoops.cpp - Multiply-adds on vector registers ------------------------===//

#include "PeakLoops.h"

// Registers 0 to 11 are the sums, 12 and 13 the factors; 14 is what an instruction that does not add makes.
#define EACH_SUM(instructions) ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n" instructions "\n.endr\n"

#define MULTIPLY_ADD_LOOP(name, vector, instructions)                                                        \
  void tamis::tools::name(const void *operand, int64_t steps) {                                              \
    __asm__ volatile(                                                                                        \
        "vmovups (%[operand]), %%" vector "12\n"                                                             \
        "vmovups 64(%[operand]), %%" vector "13\n" EACH_SUM(                                                 \
            "vxorps %%xmm\\sum, %%xmm\\sum, %%xmm\\sum") ".p2align 5\n"                                      \
                                                         "1:\n" EACH_SUM(instructions) "dec %[steps]\n"      \
                                                                                       "jnz 1b\n"            \
                                                                                       "vzeroupper\n"        \
        : [steps] "+r"(steps)                                                                                \
        : [operand] "r"(operand)                                                                             \
        : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",    \
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14");                                                      \
  }

MULTIPLY_ADD_LOOP(multiplyAddF32Avx2, "ymm", "vfmadd231ps %%ymm12, %%ymm13, %%ymm\\sum")
MULTIPLY_ADD_LOOP(multiplyAddF32Avx512, "zmm", "vfmadd231ps %%zmm12, %%zmm13, %%zmm\\sum")
MULTIPLY_ADD_LOOP(multiplyAddI16Avx2, "ymm",
                  "vpmaddwd %%ymm12, %%ymm13, %%ymm14\n vpaddd %%ymm14, %%ymm\\sum, %%ymm\\sum")
MULTIPLY_ADD_LOOP(multiplyAddI16Avx512, "zmm",
                  "vpmaddwd %%zmm12, %%zmm13, %%zmm14\n vpaddd %%zmm14, %%zmm\\sum, %%zmm\\sum")
MULTIPLY_ADD_LOOP(multiplyAddI8AvxVnni, "ymm", "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm\\sum")
MULTIPLY_ADD_LOOP(multiplyAddI8Avx512, "zmm", "vpdpbusd %%zmm12, %%zmm13, %%zmm\\sum")
MULTIPLY_ADD_LOOP(multiplyAddBF16Avx512, "zmm", "vdpbf16ps %%zmm12, %%zmm13, %%zmm\\sum")
