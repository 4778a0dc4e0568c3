//===- Passes.h - Passes on the moe dialect -----------------------------------------------------------===//
#ifndef TAMIS_DIALECT_MOE_TRANSFORMS_PASSES_H
#define TAMIS_DIALECT_MOE_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tamis::moe {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

#endif
