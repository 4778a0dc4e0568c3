//===- KernelDialect.cpp - Registration of the kernel dialect -------------------------------------------===//
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"

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
}
