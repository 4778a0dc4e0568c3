//===- GroupSetting.h - Settings of a run by the lengths of sequences ---------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_GROUPSETTING_H
#define TAMIS_LIB_CODEGEN_KERNELS_GROUPSETTING_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// The run's setting for a sequence, an f32: number `setting` up to lengths[0] rows, and so on, the last one
/// beyond all `lengths`. `whole`, its length before any row was left out, says of which group it is.
mlir::Value emitGroupSetting(Emitter &e, int64_t setting, llvm::ArrayRef<int64_t> lengths, mlir::Value whole);

} // namespace tamis

#endif
