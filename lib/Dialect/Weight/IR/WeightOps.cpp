//===- WeightOps.cpp - Verifiers, folders and builders of the weight ops --------------------------------------===//
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::weight;

#define GET_OP_CLASSES
#include "tamis/Dialect/Weight/IR/WeightOps.cpp.inc"
