//===- ExpertMask.h - Which experts a token has, by a matrix ------------------------------------------===//
//
// Routers with a capacity, and those that were written for accelerators, do not list a token's experts: a
// matrix says for each token and each expert whether it is one of the token's. Which that are need not be
// understood, since where the matrix is not 0 is found at run time: a matrix of any origin is the same as a
// list with places left free. How many places are enough is proven from how the matrix was made.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTMASK_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTMASK_H

#include "Experts.h"

namespace tamis::raising {

/// A vector of all tokens' numbers for one expert: elements of `tensor` whose indices are the tokens' in
/// order, and constants.
struct ExpertColumn {
  mlir::Value tensor;
  int64_t axis = -1; ///< of the expert, when `tensor` has a column for each
  onnx::Polynomial expert;

  bool isOfMatrix() const { return axis >= 0; }
};

/// The column that an element is in, when it is in one.
std::optional<ExpertColumn> columnOf(Stage &stage, const onnx::ElementOf &element,
                                     llvm::ArrayRef<onnx::Polynomial> tokens);

/// An element before casts that keep whether it is 0.
onnx::ElementOf beforeCasts(Stage &stage, onnx::ElementOf element);

/// Is an element, which is a number, 0 or 1?
bool isZeroOrOne(Stage &stage, const onnx::ElementOf &element);

/// How many experts a token may have: elements of `element`, of which one index is `expert`, that are not 0
/// for one token. Absent where that is not known.
std::optional<int64_t> expertsPerToken(Stage &stage, const onnx::ElementOf &element,
                                       const onnx::Polynomial &expert);

/// The router's choice when a matrix [..., E] has the weights of the experts that each token chose, and zeros
/// elsewhere.
std::optional<Choice> choiceOf(Stage &stage, mlir::Value matrix);

/// A list of experts [..., k] with -1 for places that are free, and what belongs to it.
struct ExpertList {
  mlir::Value indices, weights;
  mlir::Value taken; ///< [..., k], 1 where a place is taken and 0 where it is free
};

/// The list for a matrix [..., E] of which no row has more than k elements that are not 0. `weights` [..., E]
/// may be null: 1 for all.
ExpertList listExperts(Stage &stage, mlir::Value matrix, mlir::Value weights, int64_t k);

} // namespace tamis::raising

#endif
