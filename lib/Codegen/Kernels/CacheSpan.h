//===- CacheSpan.h - Where the tokens of a sequence are in a cache ------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_CACHESPAN_H
#define TAMIS_LIB_CODEGEN_KERNELS_CACHESPAN_H

#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// What kernel.cache_spans says of a sequence, as indices.
struct CacheSpan {
  CacheSpan(Emitter &e, mlir::Value spans, mlir::Value sequence);
  mlir::Value first; ///< the row of the first token
  mlir::Value from;  ///< of the first new one
  mlir::Value end;   ///< behind the last one
};

/// Writes the numbers of rows [begin, end) to kept[at ...]; where the next one goes.
mlir::Value emitRows(Emitter &e, mlir::Value kept, mlir::Value at, mlir::Value begin, mlir::Value end);

} // namespace tamis

#endif
