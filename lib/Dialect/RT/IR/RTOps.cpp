//===- RTOps.cpp - Verifiers, folders and builders of the rt ops ----------------------------------------------===//
#include "tamis/Dialect/RT/IR/RTDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::rt;

#define GET_OP_CLASSES
#include "tamis/Dialect/RT/IR/RTOps.cpp.inc"
