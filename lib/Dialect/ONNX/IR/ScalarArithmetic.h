//===- ScalarArithmetic.h - Elementwise ops on one element --------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_ONNX_IR_SCALARARITHMETIC_H
#define TAMIS_LIB_DIALECT_ONNX_IR_SCALARARITHMETIC_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "llvm/ADT/APFloat.h"

namespace tamis::onnx {

/// True for ops that computeScalar knows: elementwise on operands that are broadcast.
bool isScalarOp(mlir::Operation *op);
/// One element of the result; absent when it is not defined (division by zero).
std::optional<Number> computeScalar(mlir::Operation *op, llvm::ArrayRef<Number> operands);
/// Joins two integers of a ReduceSum, Prod, Max or Min.
std::optional<Number> reduceScalars(mlir::Operation *op, Number a, Number b, mlir::Type type);

/// The number as an element of the type has it: integers wrap, floats are rounded.
Number roundTo(Number number, mlir::Type type);
llvm::APFloat toAPFloat(double value, mlir::FloatType type);
double toDouble(llvm::APFloat value);

} // namespace tamis::onnx

#endif
