//===- Evaluator.h - The bytes that transforms of weights make -----------------------------------------===//
#ifndef TAMIS_DIALECT_WEIGHT_EVALUATION_EVALUATOR_H
#define TAMIS_DIALECT_WEIGHT_EVALUATION_EVALUATOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tamis::weight {

/// Bytes of a tensor as the weight segment holds it: row-major, little-endian, a bool as a byte.
uint64_t bytesOf(mlir::RankedTensorType type);

using WeightSink = llvm::function_ref<mlir::LogicalResult(llvm::ArrayRef<char>)>;

/// Evaluates a value that comes from weight.load through transforms and hands its bytes to `sink`, front to
/// back, in pieces of whole elements. `symbols` is the table of the module with the sources, whose attribute
/// `weight.folder` is the folder of their files. In memory are the result and what it is made of: no more
/// than a few megabytes when the elements are stored as they lie in a file. Fails with an error at the source
/// when its file cannot be read, and silently when `sink` fails.
mlir::LogicalResult streamBytes(const mlir::SymbolTable &symbols, mlir::Value value, WeightSink sink);

} // namespace tamis::weight

#endif
