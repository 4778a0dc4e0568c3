//===- WeightWriter.h - The bytes of weights
//----------------------------------------------------------------===//
#ifndef TAMIS_TARGET_WEIGHTWRITER_H
#define TAMIS_TARGET_WEIGHTWRITER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tamis {

struct WeightRecord {
  std::string name;
  uint64_t offset, length;
  /// The transforms of the recipe, such as "concat, pack_panels".
  std::string transforms;
};

/// The weights of a module and their places, and the length of the segment that holds them.
struct WeightLayout {
  std::vector<WeightRecord> weights;
  uint64_t bytes = 0;
};
WeightLayout layOutWeights(mlir::ModuleOp module);

/// Evaluates the module's recipes in the order of their offsets and hands their bytes to `sink`, zeros
/// between them included, so that the pieces make up the segment. One weight is in memory at a time. Files
/// named by weight.source are relative to the module attribute `weight.folder`. Fails with an error when a
/// file cannot be read.
mlir::LogicalResult writeWeights(mlir::ModuleOp module,
                                 llvm::function_ref<mlir::LogicalResult(llvm::ArrayRef<char>)> sink);

} // namespace tamis

#endif
