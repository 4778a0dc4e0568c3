//===- BF16ToBits.h - Numbers of bf16 as integers in LLVM ---------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_BF16TOBITS_H
#define TAMIS_LIB_CODEGEN_BF16TOBITS_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/PatternMatch.h"

namespace tamis {

/// Arithmetic on bf16 is expanded before the conversion to LLVM; what is left only moves its bits, which LLVM
/// would do by arithmetic in places, and that by calls of a library: for a masked load of a vector without
/// AVX512-BF16, for one. So numbers and vectors of bf16 become integers; the instructions of bf16, which are
/// LLVM's already, have them reinterpreted.
void populateBF16ToBits(mlir::LLVMTypeConverter &converter, mlir::RewritePatternSet &patterns);

} // namespace tamis

#endif
