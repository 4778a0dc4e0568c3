//===- KernelDialect.h - The kernel dialect and its ops ------------------------------------------------===//
#ifndef TAMIS_DIALECT_KERNEL_IR_KERNELDIALECT_H
#define TAMIS_DIALECT_KERNEL_IR_KERNELDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tamis/Dialect/MoE/IR/MoEDialect.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/Token/IR/TokenDialect.h"

#include "tamis/Dialect/Kernel/IR/KernelDialect.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/Kernel/IR/KernelOps.h.inc"

#endif
