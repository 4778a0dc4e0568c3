//===- RTDialect.h - The rt dialect and its ops --------------------------------------------------------===//
#ifndef TAMIS_DIALECT_RT_IR_RTDIALECT_H
#define TAMIS_DIALECT_RT_IR_RTDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tamis/Dialect/RT/IR/RTDialect.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/RT/IR/RTOps.h.inc"

#endif
