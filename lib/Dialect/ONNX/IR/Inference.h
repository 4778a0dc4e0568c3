//===- Inference.h - What the inference of result types of the onnx ops shares ------------------------===//
#ifndef TAMIS_LIB_DIALECT_ONNX_IR_INFERENCE_H
#define TAMIS_LIB_DIALECT_ONNX_IR_INFERENCE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/TypeUtilities.h"
#include <string>

namespace tamis::onnx {

using Types = llvm::SmallVectorImpl<mlir::Type>;
using Sizes = llvm::SmallVector<int64_t>;

constexpr int64_t dynamicSize = mlir::ShapedType::kDynamic;

enum class ElementClass { Any, Number, Float, Bool };

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// "[?, 3, 4]"
std::string describeSizes(llvm::ArrayRef<int64_t> sizes);

/// Fails with an error unless the element type of `operand` is in the class.
llvm::LogicalResult checkElements(mlir::Operation *op, mlir::Value operand, ElementClass wanted);
/// Fails with an error unless the operands have one element type.
llvm::LogicalResult checkSameElements(mlir::Operation *op, mlir::ValueRange operands);
/// Fails with an error unless 0 <= axis < rank (or <= rank with `orEnd`).
llvm::LogicalResult checkAxis(mlir::Operation *op, int64_t axis, int64_t rank, bool orEnd = false);
/// Fails with an error unless the axes ascend in [0, rank).
llvm::LogicalResult checkAxes(mlir::Operation *op, llvm::ArrayRef<int64_t> axes, int64_t rank);
/// Fails with an error unless `operand` has the rank.
llvm::LogicalResult checkRank(mlir::Operation *op, mlir::Value operand, int64_t rank, llvm::StringRef name);
/// Fails with an error unless `operand` can have exactly one element.
llvm::LogicalResult checkScalar(mlir::Operation *op, mlir::Value operand, llvm::StringRef name);
/// The length of a 1-D operand; fails with an error when it is not 1-D or of unknown length.
llvm::FailureOr<int64_t> staticLength(mlir::Operation *op, mlir::Value operand, llvm::StringRef name);

/// Broadcasts `shape` into `result` as numpy does.
llvm::LogicalResult broadcast(mlir::Operation *op, llvm::ArrayRef<int64_t> shape, Sizes &result);
llvm::LogicalResult broadcastOperands(mlir::Operation *op, mlir::ValueRange operands, Sizes &result);

/// The sizes of a numpy product: a vector on the left is a row, one on the right a column, and that dimension
/// vanishes; leading dimensions are broadcast.
llvm::FailureOr<Sizes> productSizes(mlir::Operation *op, mlir::RankedTensorType a, mlir::RankedTensorType b);

/// One of two sizes that must be equal: the static one. Fails with an error when they differ.
llvm::LogicalResult unify(mlir::Operation *op, int64_t &size, int64_t other, llvm::StringRef what);

} // namespace tamis::onnx

#endif
