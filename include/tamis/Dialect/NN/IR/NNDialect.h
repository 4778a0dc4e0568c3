//===- NNDialect.h - The nn dialect and its ops --------------------------------------------------------===//
#ifndef TAMIS_DIALECT_NN_IR_NNDIALECT_H
#define TAMIS_DIALECT_NN_IR_NNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tamis/Dialect/NN/IR/NNDialect.h.inc"
#include "tamis/Dialect/NN/IR/NNEnums.h.inc"

namespace tamis::nn {
/// Of ops whose products or tables have a precision that the user chooses (nn-assign-precisions).
template <typename Op> struct HasPrecision : mlir::OpTrait::TraitBase<Op, HasPrecision> {};
} // namespace tamis::nn

#define GET_ATTRDEF_CLASSES
#include "tamis/Dialect/NN/IR/NNAttrs.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/NN/IR/NNOps.h.inc"

#endif
