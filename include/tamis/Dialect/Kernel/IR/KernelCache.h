//===- KernelCache.h - Which rows of a cache are read, on buffers --------------------------------------===//
#ifndef TAMIS_DIALECT_KERNEL_IR_KERNELCACHE_H
#define TAMIS_DIALECT_KERNEL_IR_KERNELCACHE_H

#include "tamis/Dialect/Kernel/IR/KernelDialect.h"

#define GET_OP_CLASSES
#include "tamis/Dialect/Kernel/IR/KernelCacheOps.h.inc"

#endif
