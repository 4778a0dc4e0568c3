//===- MoEDialect.cpp - Registration of the moe dialect -------------------------------------------===//
#include "tamis/Dialect/MoE/IR/MoEDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::moe;

#include "tamis/Dialect/MoE/IR/MoEDialect.cpp.inc"
#include "tamis/Dialect/MoE/IR/MoEEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "tamis/Dialect/MoE/IR/MoEAttrs.cpp.inc"

void MoEDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tamis/Dialect/MoE/IR/MoEAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/MoE/IR/MoEOps.cpp.inc"
      >();
}
