//===- ExpertAddition.h - Rows that are added to those of tokens --------------------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTADDITION_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTADDITION_H

#include "Experts.h"

namespace tamis::raising {

/// Rows that are added to those of tokens.
struct Addition {
  mlir::Value updates;
  onnx::ElementOf at;                        ///< the place that row `row` of the updates is added to
  llvm::SmallVector<onnx::Polynomial, 2> to; ///< the sizes of what is added to
  onnx::Polynomial count;                    ///< of places
  onnx::Polynomial row, column;
};

/// What a scatter to rows, or a product with a matrix that has a one where a row is for a token, adds;
/// whether the scatter adds, and to what, is not looked at.
std::optional<Addition> additionOf(Stage &stage, mlir::Operation *op);

/// Does it have ones, and zeros elsewhere?
bool hasZeroAndOne(Stage &stage, onnx::OneHotOp op);

/// How many ops read more of a value than its shape.
int64_t countReaders(mlir::Value value);

} // namespace tamis::raising

#endif
