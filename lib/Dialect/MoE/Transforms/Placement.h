//===- Placement.h - Which matrices the experts of a layer have ----------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_MOE_TRANSFORMS_PLACEMENT_H
#define TAMIS_LIB_DIALECT_MOE_TRANSFORMS_PLACEMENT_H

#include "tamis/Dialect/MoE/IR/MoEDialect.h"

namespace tamis::moe {

/// Whether the weights of a layer can be stored otherwise: all are known, and not packed yet.
bool canPlace(ExpertsOp experts);
/// The place of each expert's matrices.
llvm::SmallVector<int64_t> placesOf(ExpertsOp experts);
/// Stores the weights anew: the matrices at place i are those that were at `sources[i]`, and expert e has
/// those at `places[e]`, or none for -1.
void place(ExpertsOp experts, llvm::ArrayRef<int64_t> sources, llvm::ArrayRef<int64_t> places);

} // namespace tamis::moe

#endif
