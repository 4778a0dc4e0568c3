//===- WeightDialect.cpp - Registration of the weight dialect -------------------------------------------===//
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::weight;

#include "tamis/Dialect/Weight/IR/WeightDialect.cpp.inc"

void WeightDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/Weight/IR/WeightOps.cpp.inc"
      >();
}
