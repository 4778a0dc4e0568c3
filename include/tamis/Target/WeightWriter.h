//===- WeightWriter.h - The bytes of weights
//----------------------------------------------------------------===//
#ifndef TAMIS_TARGET_WEIGHTWRITER_H
#define TAMIS_TARGET_WEIGHTWRITER_H

#include "mlir/IR/BuiltinOps.h"
#include "tamis/Target/AtomicFile.h"
#include "tamis/artifact_format.h"

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

  /// Whether they are worth a place at a large page.
  bool fillsLargePages() const { return bytes >= 4 * TAMIS_ARTIFACT_LARGE_PAGE; }
};
WeightLayout layOutWeights(mlir::ModuleOp module);

/// Evaluates the module's recipes in the order of their offsets and writes the segment of their bytes, zeros
/// between them included, to `file` from `offset` on. Returns the segment's hash. One weight is in memory at
/// a time. Files named by weight.source are relative to the module attribute `weight.folder`. A weight that
/// cannot be read was reported as a diagnostic, and the error is then std::errc::io_error.
llvm::Expected<uint64_t> writeWeights(mlir::ModuleOp module, AtomicFile &file, uint64_t offset);

} // namespace tamis

#endif
