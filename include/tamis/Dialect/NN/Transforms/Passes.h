//===- Passes.h - Passes on the nn dialect ------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_PASSES_H
#define TAMIS_DIALECT_NN_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tamis::nn {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

#endif
