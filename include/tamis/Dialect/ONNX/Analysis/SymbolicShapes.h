//===- SymbolicShapes.h - Sizes of tensors as functions of the arguments' sizes ----------------------===//
//
// Which sizes are equal, whatever the caller passes: exporters compute shapes with tensors (Shape, Gather,
// Concat, Reshape), and what a layer is shows only when that arithmetic is evaluated.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_ONNX_ANALYSIS_SYMBOLICSHAPES_H
#define TAMIS_DIALECT_ONNX_ANALYSIS_SYMBOLICSHAPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tamis/Dialect/ONNX/Analysis/Polynomial.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace tamis::onnx {

/// Elements of a small integer tensor, row-major; those that are not known are absent.
using Integers = llvm::SmallVector<std::optional<Polynomial>, 4>;

/// Of one function, computed front to back in its constructor. Ops that are made later are analysed when they
/// are asked for. An argument's dimensions of the same name (`onnx.dims`) are the same symbol.
class SymbolicShapes {
public:
  explicit SymbolicShapes(mlir::func::FuncOp function);
  SymbolicShapes(const SymbolicShapes &) = delete;

  /// The size of each dimension.
  llvm::ArrayRef<Polynomial> sizes(mlir::Value tensor);
  /// The elements of an integer or boolean tensor of at most 64 elements; null when none is known.
  const Integers *integers(mlir::Value tensor);
  /// The only element of a tensor, when it is a known integer.
  std::optional<Polynomial> integer(mlir::Value tensor);

  /// An argument and its dimension that has this size.
  std::optional<std::pair<mlir::BlockArgument, unsigned>> source(const Polynomial &size) const;

  /// A new index that runs over [0, extent).
  Polynomial newIndex(const Polynomial &extent);
  /// Proves value >= 0 from the ranges of the indices in it.
  bool isNonNegative(const Polynomial &value) const;
  /// The largest value that the indices in it allow; absent when an index has a negative factor.
  std::optional<Polynomial> upperBound(const Polynomial &value) const;

private:
  void analyse(mlir::Operation *op);
  llvm::SmallVector<Polynomial, 4> resultSizes(mlir::OpResult result);
  /// Those of nn, moe and token ops; none for an op that is not known.
  llvm::SmallVector<Polynomial, 4> layerSizes(mlir::OpResult result);
  std::optional<Integers> resultIntegers(mlir::Operation *op);
  llvm::SmallVector<Polynomial, 4> broadcast(mlir::ValueRange operands, unsigned rank);
  Polynomial newSymbol();
  /// Is `size` min(limit, c) of a slice, with a constant c above 1? Where both meet in a broadcast, they are
  /// equal in every run that does not fail.
  bool isClamped(const Polynomial &size, const Polynomial &limit) const;

  // Behind pointers, so that what was handed out stays in place.
  llvm::DenseMap<mlir::Value, std::unique_ptr<llvm::SmallVector<Polynomial, 4>>> sizesOf;
  llvm::DenseMap<mlir::Value, std::unique_ptr<Integers>> integersOf;
  llvm::DenseMap<Polynomial::Symbol, std::pair<mlir::BlockArgument, unsigned>> sources;
  llvm::DenseMap<Polynomial::Symbol, std::unique_ptr<Polynomial>> limits; // Of clamped sizes.
  llvm::SmallVector<std::optional<Polynomial>> extents;                   // By symbol; of indices only.
};

} // namespace tamis::onnx

#endif
