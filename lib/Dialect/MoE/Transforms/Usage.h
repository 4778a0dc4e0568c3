//===- Usage.h - What a profile says of a layer of experts ---------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_MOE_TRANSFORMS_USAGE_H
#define TAMIS_LIB_DIALECT_MOE_TRANSFORMS_USAGE_H

#include "tamis/Dialect/MoE/IR/MoEDialect.h"
#include <optional>

namespace tamis::moe {

/// What moe-read-profile found; lists have an element for each expert.
struct ExpertUsage {
  int64_t tokens = 0;
  llvm::SmallVector<int64_t> pairs;  ///< tokens that chose the expert
  llvm::SmallVector<double> lengths; ///< mean 2-norms of what it gave them; 0 where there were none
  llvm::SmallVector<double> scores;  ///< means of weight times that length; 0 where there were none

  /// That of a layer, or nothing where it is not known.
  static std::optional<ExpertUsage> of(ExpertsOp experts);
  void attachTo(ExpertsOp experts) const;
};

/// The name of a layer in remarks: its ONNX node's.
llvm::StringRef layerName(ExpertsOp experts);

} // namespace tamis::moe

#endif
