//===- Mask.h - Elements of attention masks of any type -----------------------------------------------===//
#ifndef TAMIS_CODEGEN_KERNELS_MASK_H
#define TAMIS_CODEGEN_KERNELS_MASK_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// Whether a mask's element (i64, i32, i1 or f32) is not 0, as i1.
mlir::Value emitIsKept(Emitter &e, mlir::Value element);
/// The element as f32.
mlir::Value emitMaskWeight(Emitter &e, mlir::Value element);

} // namespace tamis

#endif
