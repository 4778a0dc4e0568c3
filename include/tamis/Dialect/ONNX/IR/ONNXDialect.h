//===- ONNXDialect.h - The onnx dialect and its ops ----------------------------------------------------===//
#ifndef TAMIS_DIALECT_ONNX_IR_ONNXDIALECT_H
#define TAMIS_DIALECT_ONNX_IR_ONNXDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tamis/Dialect/ONNX/IR/ShapeInference.h"

#include "tamis/Dialect/ONNX/IR/ONNXDialect.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/ONNX/IR/ONNXOps.h.inc"

#endif
