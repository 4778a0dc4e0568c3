//===- WeightDialect.h - The weight dialect and its ops ------------------------------------------------===//
#ifndef TAMIS_DIALECT_WEIGHT_IR_WEIGHTDIALECT_H
#define TAMIS_DIALECT_WEIGHT_IR_WEIGHTDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tamis/Dialect/Weight/IR/WeightDialect.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/Weight/IR/WeightOps.h.inc"

#endif
