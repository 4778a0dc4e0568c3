//===- KeptReaders.h - Ops that read rows of which some may be gone -----------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_KEPTREADERS_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_KEPTREADERS_H

#include "TokenPolicy.h"

#include "mlir/IR/BuiltinOps.h"

namespace tamis::token {

/// Checks that ops that read rows by their places find what they read, and that the policy says what outputs
/// with a row for each token may hold. Reports errors.
llvm::LogicalResult checkKeptReaders(mlir::ModuleOp module, const TokenPolicy &policy);

} // namespace tamis::token

#endif
