//===- ExpertTerms.h - Sums of experts whose tokens a matrix names --------------------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTTERMS_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTTERMS_H

#include "ExpertMask.h"
#include "ExpertMatcher.h"

namespace tamis::raising {

/// One expert's rows.
struct ExpertTerm {
  mlir::Operation *op = nullptr;
  bool adds = true;            ///< or else it writes
  bool starts = false;         ///< whether what it adds or writes to is zeros
  std::optional<int64_t> slab; ///< the slab that it is written to
  ExpertColumn mask;
  llvm::SmallVector<ExpertColumn, 2> weights; ///< whose product the rows are multiplied by
  float scale = 1;                            ///< likewise
  mlir::Value single; ///< the list of its tokens, where the graph fails for another number of them than one
  MatchedExpert layers;
};

/// The last product of an expert whose weighted result an element is of; the weights go to `term`.
std::optional<ExpertProduct> weightedProduct(Stage &stage, ExpertMatcher &matcher,
                                             const onnx::ElementOf &element,
                                             llvm::ArrayRef<onnx::Polynomial> tokens, ExpertTerm &term);

/// The columns [tokens..., E] of all terms, each the product of several.
mlir::Value matrixOf(Stage &stage, llvm::ArrayRef<llvm::SmallVector<ExpertColumn, 2>> columns,
                     int64_t tokenRank);

/// Replaces the result of `root` by a mixture's, which may lack the dimension of 1 before the last.
void replaceSum(Stage &stage, mlir::Operation *root, mlir::Value y);

/// Replaces the result of `root` by a mixture of the terms' experts, which comes with `others`: added to
/// their sum, or written over the only one. With a `limit` above 0, only where no token has more experts than
/// that.
void buildTerms(Stage &stage, mlir::Operation *root, std::vector<ExpertTerm> &terms,
                llvm::ArrayRef<mlir::Value> others, int64_t limit);

} // namespace tamis::raising

#endif
