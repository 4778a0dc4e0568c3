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
/// e^x for x <= 0 within 2.2 ulp, two instructions less; 0 below -87.33.
mlir::Value emitExpOfNegative(Emitter &e, mlir::Value x);
/// erf x within 3e-7; -1 and 1 beyond 3.925.
mlir::Value emitErf(Emitter &e, mlir::Value x);
/// tanh x within 3e-7 and 5 ulp.
mlir::Value emitTanh(Emitter &e, mlir::Value x);
/// The activation of a linear layer.
mlir::Value emitActivation(Emitter &e, nn::Activation kind, mlir::Value x);

} // namespace tamis

#endif
