//===- TokenOps.cpp - Verifiers, folders and builders of the token ops ----------------------------------------===//
#include "tamis/Dialect/Token/IR/TokenDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::token;

#define GET_OP_CLASSES
#include "tamis/Dialect/Token/IR/TokenOps.cpp.inc"
