//===- KernelDialect.cpp - Registration of the kernel dialect -------------------------------------------===//
#include "tamis/Dialect/Kernel/IR/KernelCache.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::kernel;

#include "tamis/Dialect/Kernel/IR/KernelDialect.cpp.inc"

void KernelDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/Kernel/IR/KernelOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/Kernel/IR/KernelCacheOps.cpp.inc"
      >();
}
