//===- VectorMath.h - Elementary functions on vectors of f32 ------------------------------------------===//
//
// Polynomials and rational functions of our own, without tables or branches, so that they inline into any
// kernel. NaN gives NaN. Errors were measured over all finite inputs against double precision
// (test/Codegen/Kernels repeats it); an ulp is that of the exact result.
//
//===--------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CODEGEN_KERNELS_VECTORMATH_H
#define TAMIS_CODEGEN_KERNELS_VECTORMATH_H

#include "tamis/Codegen/Kernels/Emitter.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"

namespace tamis {

/// e^x within 2.2 ulp; 0 below -86.98 (no denormal results), infinity above 88.72.
mlir::Value emitExp(Emitter &e, mlir::Value x);
/// log2 e, the factor that makes e^x a power of 2.
inline constexpr float log2OfE = 1.44269504f;
/// How near 2^x is to be.
enum class Exp2Error {
  Float, ///< within 2.6 ulp
  BF16,  ///< within 7.5e-5 or 1260 ulp, a 25th of what rounding to bf16 adds; two instructions less
};
/// 2^x for x <= 0; 0 for -infinity; below -126 a denormal number or 0.
mlir::Value emitExp2OfNegative(Emitter &e, mlir::Value x, Exp2Error error = Exp2Error::Float);
/// erf x within 3e-7; -1 and 1 beyond 3.925.
mlir::Value emitErf(Emitter &e, mlir::Value x);
/// tanh x within 3e-7 and 5 ulp.
mlir::Value emitTanh(Emitter &e, mlir::Value x);
/// The activation of a linear layer.
mlir::Value emitActivation(Emitter &e, nn::Activation kind, mlir::Value x);

} // namespace tamis

#endif
