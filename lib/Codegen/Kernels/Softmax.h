//===- Softmax.h - The softmax of one row ---------------------------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_SOFTMAX_H
#define TAMIS_LIB_CODEGEN_KERNELS_SOFTMAX_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// The softmax of the `n` numbers of `x` from `from` on, written to `out` from `to` on. Both are flat buffers
/// of f32. NaN anywhere makes all of it NaN.
void emitSoftmax(Emitter &e, mlir::Value n, mlir::Value x, mlir::Value from, mlir::Value out, mlir::Value to);

} // namespace tamis

#endif
