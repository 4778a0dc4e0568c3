//===- WordPointers.h - Pointers into buffers of words of 32 bits --------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_WORDPOINTERS_H
#define TAMIS_LIB_CODEGEN_KERNELS_WORDPOINTERS_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// Pointers to `count` places of a flat buffer that are `stride` words apart, the first one at word `offset`.
/// Opaque to LLVM, which would else take their computation apart and repeat it within loops.
mlir::SmallVector<mlir::Value> pointersTo(Emitter &e, mlir::Value flat, mlir::Value offset,
                                          mlir::Value stride, int64_t count);

/// Loads a value of `type` from `word` words of 32 bits behind a pointer.
mlir::Value loadWords(Emitter &e, mlir::Type type, mlir::Value pointer, mlir::Value word);

/// Asks for the line of a word behind a pointer, for the first- or the second-level cache.
void prefetchWord(Emitter &e, mlir::Value pointer, mlir::Value word, int64_t level);

} // namespace tamis

#endif
