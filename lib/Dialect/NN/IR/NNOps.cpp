//===- NNOps.cpp - Verifiers, folders and builders of the nn ops ----------------------------------------------===//
#include "tamis/Dialect/NN/IR/NNDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::nn;

#define GET_OP_CLASSES
#include "tamis/Dialect/NN/IR/NNOps.cpp.inc"
