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

namespace tamis::weight {

/// Whether the compiler evaluates what an op makes: all ops of the dialect but weight.get. Null is none.
bool isWeightOp(mlir::Operation *op);
/// Whether a value is a weight that the compiler evaluates. Null is none.
bool isWeight(mlir::Value value);

} // namespace tamis::weight

#endif
