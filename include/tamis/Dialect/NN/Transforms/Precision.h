//===- Precision.h - The precisions of products with weights ------------------------------------------===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_PRECISION_H
#define TAMIS_DIALECT_NN_TRANSFORMS_PRECISION_H

#include "mlir/IR/Operation.h"

namespace tamis::nn {

enum class Precision { F32, SplitF32, BF16, Int8 };

/// The precision that the option `precision` of a pass names. After an error at `op` there is none.
mlir::FailureOr<Precision> parsePrecision(mlir::Operation *op, llvm::StringRef name);

} // namespace tamis::nn

#endif
