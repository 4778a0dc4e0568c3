//===- TokenDialect.h - The token dialect and its ops --------------------------------------------------===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENDIALECT_H
#define TAMIS_DIALECT_TOKEN_IR_TOKENDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tamis/Dialect/Token/IR/TokenDialect.h.inc"
#include "tamis/Dialect/Token/IR/TokenEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tamis/Dialect/Token/IR/TokenAttrs.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/Token/IR/TokenOps.h.inc"

#endif
