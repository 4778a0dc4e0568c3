//===- Packed.h - Weights of few bits, and pieces of weights -------------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_PACKED_H
#define TAMIS_LIB_IMPORT_PACKED_H

#include "Node.h"

namespace tamis::import {

constexpr llvm::StringLiteral quantizeAgain = "quantise the model again";

/// Groups of `bits` bits as bytes; 8 bits are left as they are.
mlir::Value unpack(Node &node, mlir::Value x, int64_t bits);
mlir::Value reshape(Node &node, mlir::Value x, llvm::ArrayRef<int64_t> shape);
/// Elements [begin, begin + size) along `axis`.
mlir::Value sliceOf(Node &node, mlir::Value x, int64_t axis, int64_t begin, int64_t size);
/// Fails with an error that calls input `i` `what` unless it has `count` elements.
llvm::LogicalResult checkCount(Node &node, unsigned i, int64_t count, llvm::StringRef what);
/// Does the compiler know the elements: a weight, or a constant?
bool isKnown(mlir::Value value);

} // namespace tamis::import

#endif
