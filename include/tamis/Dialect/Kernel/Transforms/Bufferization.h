//===- Bufferization.h - How layers on tensors become kernels on buffers ----------------------===//
#ifndef TAMIS_DIALECT_KERNEL_TRANSFORMS_BUFFERIZATION_H
#define TAMIS_DIALECT_KERNEL_TRANSFORMS_BUFFERIZATION_H

#include "mlir/IR/DialectRegistry.h"

namespace tamis::kernel {

/// One-shot bufferisation of the ops of nn: each becomes its kernel op with a new buffer for the result.
void registerNNBufferization(mlir::DialectRegistry &registry);
/// nn.kv_append writes its rows where the host wants the cache; nn.wanted_rows copies those that it wants.
void registerDecodingBufferization(mlir::DialectRegistry &registry);
/// What chooses rows of a cache becomes kernels that fill lists of them.
void registerCacheBufferization(mlir::DialectRegistry &registry);
/// As for nn, for the ops of token.
void registerTokenBufferization(mlir::DialectRegistry &registry);
/// The same for the ops of moe.
void registerMoEBufferization(mlir::DialectRegistry &registry);
/// weight.get of a tensor becomes weight.get of a buffer that is read only.
void registerWeightBufferization(mlir::DialectRegistry &registry);

} // namespace tamis::kernel

#endif
