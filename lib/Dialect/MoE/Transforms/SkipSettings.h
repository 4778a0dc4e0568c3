//===- SkipSettings.h - Settings of a run that say which experts are skipped ---------------------------===//
#ifndef TAMIS_LIB_DIALECT_MOE_TRANSFORMS_SKIPSETTINGS_H
#define TAMIS_LIB_DIALECT_MOE_TRANSFORMS_SKIPSETTINGS_H

#include "mlir/IR/BuiltinOps.h"

namespace tamis::moe {

/// Adds settings to those of the module attribute `tamis.policy`, whose steps may have their own thresholds
/// under `skip`, or makes it. A setting of 0, which the dense step has, skips nothing.
class SkipSettings {
public:
  /// `threshold` is that of each step but the dense one that says nothing of its own.
  SkipSettings(mlir::ModuleOp module, double threshold);

  /// Emits an error where the attribute is none that a pass has written; to be called first.
  mlir::LogicalResult check() const;
  /// Whether any step skips experts.
  bool skips() const;
  /// The number of the setting of one more layer.
  int64_t add(llvm::StringRef layer);
  /// Writes the attribute. Emits an error where a step has not one threshold for each layer.
  mlir::LogicalResult describe();

private:
  mlir::DictionaryAttr known() const;

  mlir::ModuleOp module;
  double threshold;
  llvm::SmallVector<std::string> layers;
};

} // namespace tamis::moe

#endif
