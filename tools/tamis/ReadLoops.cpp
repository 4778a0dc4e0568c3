//===- ReadLoops.cpp - Reads of a buffer, as fast as they go ---------------------------===//

#include "PeakLoops.h"

#include <emmintrin.h>

// Eight lines a step.
#define EACH_LINE(instructions) ".irp line,0,64,128,192,256,320,384,448\n" instructions "\n.endr\n"

#define READ_LOOP(name, instructions)                                                                        \
  void tamis::tools::name(const void *data, int64_t bytes, int64_t passes) {                                 \
    for (; passes > 0; --passes) {                                                                           \
      const void *at = data;                                                                                 \
      int64_t steps = bytes / 512;                                                                           \
      __asm__ volatile(".p2align 5\n"                                                                        \
                       "1:\n" EACH_LINE(instructions) "add $512, %[at]\n"                                    \
                                                      "dec %[steps]\n"                                       \
                                                      "jnz 1b\n"                                             \
                                                      "vzeroupper\n"                                         \
                       : [at] "+r"(at), [steps] "+r"(steps)                                                  \
                       :                                                                                     \
                       : "cc", "memory", "xmm0", "xmm1");                                                    \
    }                                                                                                        \
  }

#define READ_AVX2 "vmovups \\line(%[at]), %%ymm0\n vmovups \\line+32(%[at]), %%ymm1\n"
#define READ_AVX512 "vmovups \\line(%[at]), %%zmm0\n"
// About what a core has under way at once.
#define PREFETCH "prefetcht0 \\line+2048(%[at])\n"

READ_LOOP(readAvx2, READ_AVX2)
READ_LOOP(readAvx512, READ_AVX512)
READ_LOOP(readAheadAvx2, PREFETCH READ_AVX2)
READ_LOOP(readAheadAvx512, PREFETCH READ_AVX512)

void tamis::tools::evict(const void *data, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += 64)
    _mm_clflush(static_cast<const char *>(data) + at);
  _mm_mfence();
}
