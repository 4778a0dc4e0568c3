//===- KnownElements.h - Elements of small tensors known at compile time ------------------------------===//
//
// Exporters compute shapes with tensors: Shape, Gather, Concat, Reshape. These functions evaluate such
// arithmetic as far as it does not depend on the model's inputs, element by element, so that one unknown size
// hides no other.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_ONNX_IR_KNOWNELEMENTS_H
#define TAMIS_DIALECT_ONNX_IR_KNOWNELEMENTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace tamis::onnx {

/// An element: `integer` of integer and bool tensors (unsigned 64-bit ones as their bits), `real` of float
/// tensors.
struct Number {
  int64_t integer = 0;
  double real = 0;
};

/// Row-major; an element that depends on an input of the model is absent.
using KnownElements = llvm::SmallVector<std::optional<Number>, 8>;

/// Larger tensors are not evaluated.
constexpr int64_t maxKnownElements = 1024;

/// The elements of `tensor`; absent when none is known, or its shape is not static or too large.
std::optional<KnownElements> knownElements(mlir::Value tensor);
/// Those of an integer or bool tensor.
std::optional<llvm::SmallVector<std::optional<int64_t>>> knownIntegers(mlir::Value tensor);
/// Those of an integer or bool tensor, when all are known.
std::optional<llvm::SmallVector<int64_t>> constantIntegers(mlir::Value tensor);
/// The elements of each result of `op`, evaluated from its operands.
llvm::SmallVector<std::optional<KnownElements>> evaluate(mlir::Operation *op);

/// The constant with these elements, when all are known; null otherwise. The type is a static tensor type.
mlir::DenseElementsAttr makeConstant(mlir::ShapedType type, const KnownElements &elements);
/// The elements of a constant of at most maxKnownElements elements.
std::optional<KnownElements> readConstant(mlir::Attribute attribute);

/// `value` cut to an integer: the nearest one when it is out of range, 0 for NaN.
int64_t toInteger(double value);

/// What start : end : step takes of a dimension of `size`: `size` elements from `start` on.
struct SliceBounds {
  int64_t start, size;
};
/// Clamps as ONNX says; step is not 0.
SliceBounds sliceBounds(int64_t start, int64_t end, int64_t step, int64_t size);

} // namespace tamis::onnx

#endif
