//===- Floats.h - Conversions of floating-point numbers, on bytes -------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_FLOATS_H
#define TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_FLOATS_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tamis {

/// Rounds to nearest even; a NaN stays one.
uint16_t roundToBF16(float value);
float extendBF16(uint16_t bits);
float extendF16(uint16_t bits);

/// Applies `change` to each element of `from`, and rounds it to nearest even into `to`.
void changeFloats(llvm::ArrayRef<char> from, mlir::FloatType fromType, llvm::MutableArrayRef<char> to,
                  mlir::FloatType toType, llvm::function_ref<void(llvm::APFloat &)> change);
/// Rounds each element of `from` to nearest even into `to`.
void convertFloats(llvm::ArrayRef<char> from, mlir::FloatType fromType, llvm::MutableArrayRef<char> to,
                   mlir::FloatType toType);

} // namespace tamis

#endif
