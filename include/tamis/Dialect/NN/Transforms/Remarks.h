//===- Remarks.h - What passes tell the user of an artifact -------------------------------------------===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_REMARKS_H
#define TAMIS_DIALECT_NN_TRANSFORMS_REMARKS_H

#include "mlir/IR/BuiltinOps.h"

namespace tamis {

/// Adds a sentence of a pass to the module's `tamis.remarks`, which `tamis inspect` and reports show.
void addRemark(mlir::ModuleOp module, llvm::StringRef pass, const llvm::Twine &text);

} // namespace tamis

#endif
