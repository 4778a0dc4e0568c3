//===- StreamingTileLoad.h - Tile loads that leave the first-level cache alone ------------------------===//
#ifndef TAMIS_CODEGEN_STREAMINGTILELOAD_H
#define TAMIS_CODEGEN_STREAMINGTILELOAD_H

#include "mlir/IR/BuiltinOps.h"

namespace tamis {

/// A unit attribute of amx.tile_load: what it reads is not read again while it would still be in the
/// first-level cache, and should not drive out what is.
inline constexpr llvm::StringLiteral streamingLoad = "tamis.streaming";

/// Makes loads with that attribute the instruction tileloaddt1, which upstream has no op for. They are calls
/// of the intrinsic of the plain load by now: upstream's conversion to LLVM keeps attributes.
void convertStreamingTileLoads(mlir::ModuleOp module);

} // namespace tamis

#endif
