//===- Passes.h - Passes on the token dialect
//------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_TOKEN_TRANSFORMS_PASSES_H
#define TAMIS_DIALECT_TOKEN_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tamis::token {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

#endif
