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

bool tamis::weight::isWeightOp(Operation *op) {
  return op && isa_and_nonnull<WeightDialect>(op->getDialect()) && !isa<GetOp>(op);
}
bool tamis::weight::isWeight(Value value) { return value && isWeightOp(value.getDefiningOp()); }
