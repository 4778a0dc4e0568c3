//===- NNDialect.cpp - Registration of the nn dialect ---------------------------------------------------===//
#include "tamis/Dialect/NN/IR/NNDecoding.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::nn;

#include "tamis/Dialect/NN/IR/NNDialect.cpp.inc"
#include "tamis/Dialect/NN/IR/NNEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "tamis/Dialect/NN/IR/NNAttrs.cpp.inc"

void NNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tamis/Dialect/NN/IR/NNAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/NN/IR/NNOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/NN/IR/NNDecodingOps.cpp.inc"
      >();
}
