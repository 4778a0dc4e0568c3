//===- TokenDialect.cpp - Registration of the token dialect ---------------------------------------------===//
#include "tamis/Dialect/Token/IR/TokenCache.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::token;

#include "tamis/Dialect/Token/IR/TokenDialect.cpp.inc"
#include "tamis/Dialect/Token/IR/TokenEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "tamis/Dialect/Token/IR/TokenAttrs.cpp.inc"

void TokenDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tamis/Dialect/Token/IR/TokenAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/Token/IR/TokenOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/Token/IR/TokenCacheOps.cpp.inc"
      >();
}
