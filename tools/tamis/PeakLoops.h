//===- PeakLoops.h - Loops that do nothing but what a peak is of -----------------------===//
//
// They are written in assembly: a compiler's idea of a loop, or of the registers that it needs, would be
// measured with it, and would be another one in each build. The caller makes sure that the CPU has the
// instructions.
//
//===----------------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_PEAKLOOPS_H
#define TAMIS_TOOLS_PEAKLOOPS_H

#include <cstddef>
#include <cstdint>

namespace tamis::tools {

/// Multiply-adds into sums that do not depend on each other, more of them than an instruction takes cycles:
/// one to each sum in a step. `operand` is 1 KiB, what both factors are read from, once.
using MultiplyAddLoop = void (*)(const void *operand, int64_t steps);

/// Sums of the loops on vector registers.
constexpr int64_t vectorSums = 12;
void multiplyAddF32Avx2(const void *operand, int64_t steps);    // vfmadd231ps
void multiplyAddF32Avx512(const void *operand, int64_t steps);  // vfmadd231ps
void multiplyAddI16Avx2(const void *operand, int64_t steps);    // vpmaddwd, vpaddd
void multiplyAddI16Avx512(const void *operand, int64_t steps);  // vpmaddwd, vpaddd
void multiplyAddI8AvxVnni(const void *operand, int64_t steps);  // vpdpbusd
void multiplyAddI8Avx512(const void *operand, int64_t steps);   // vpdpbusd
void multiplyAddBF16Avx512(const void *operand, int64_t steps); // vdpbf16ps

/// Sums of the loops on tile registers.
constexpr int64_t tileSums = 6;
void multiplyAddBF16Amx(const void *operand, int64_t steps); // tdpbf16ps
void multiplyAddI8Amx(const void *operand, int64_t steps);   // tdpbusd

/// Reads `bytes`, a multiple of 512, from `data`, aligned to 64, and again `passes` times in all.
using ReadLoop = void (*)(const void *data, int64_t bytes, int64_t passes);

void readAvx2(const void *data, int64_t bytes, int64_t passes);
void readAvx512(const void *data, int64_t bytes, int64_t passes);
/// With a prefetch of what is to come: the better way out of slow memory on many CPUs.
void readAheadAvx2(const void *data, int64_t bytes, int64_t passes);
void readAheadAvx512(const void *data, int64_t bytes, int64_t passes);

/// Takes the data out of all caches.
void evict(const void *data, int64_t bytes);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_PEAKLOOPS_H
