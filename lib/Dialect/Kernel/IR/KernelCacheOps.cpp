//===- KernelCacheOps.cpp - Which rows of a cache are read, on buffers ------------------------------===//
#include "tamis/Dialect/Kernel/IR/KernelCache.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::kernel;

#define GET_OP_CLASSES
#include "tamis/Dialect/Kernel/IR/KernelCacheOps.cpp.inc"
