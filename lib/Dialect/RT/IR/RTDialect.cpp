//===- RTDialect.cpp - Registration of the rt dialect ---------------------------------------------------===//
#include "tamis/Dialect/RT/IR/RTDecoding.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::rt;

#include "tamis/Dialect/RT/IR/RTDialect.cpp.inc"

void RTDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/RT/IR/RTOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tamis/Dialect/RT/IR/RTDecodingOps.cpp.inc"
      >();
}
