//===- BF16.h - Rounding f32 to one bf16 or to the sum of two -----------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_BF16_H
#define TAMIS_LIB_CODEGEN_KERNELS_BF16_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// For levels with bf16 instructions, whose vectors have 16 lanes. A vector of f32 becomes one of bf16,
/// rounded to nearest even (denormal numbers become 0); with `split` a second one follows, of what the first
/// lacks.
Emitter::Values roundToTerms(Emitter &e, mlir::Value x, bool split);
/// The same for two vectors, whose terms follow each other in vectors of 32 bf16.
Emitter::Values roundPairToTerms(Emitter &e, mlir::Value low, mlir::Value high, bool split);

} // namespace tamis

#endif
