//===- ProtectedRows.h - Rows that stay for what their tokens are -------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_PROTECTEDROWS_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_PROTECTEDROWS_H

#include "TokenPolicy.h"

#include "mlir/IR/BuiltinOps.h"

namespace tamis::token {

/// For each row that `index` gives whether its token is one that the policy protects by its id; null if the
/// policy names none. The ids are those that the greatest table of embeddings is read by. Reports errors.
llvm::FailureOr<mlir::Value> protectedRows(IndexOp index, const TokenPolicy &policy);

} // namespace tamis::token

#endif
