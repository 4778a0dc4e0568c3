//===- KernelOps.cpp - Verifiers, folders and builders of the kernel ops
//--------------------------------------===//
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::kernel;

#define GET_OP_CLASSES
#include "tamis/Dialect/Kernel/IR/KernelOps.cpp.inc"
