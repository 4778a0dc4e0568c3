//===- Passes.h - From buffers to LLVM IR ---------------------------------------------------------===//
#ifndef TAMIS_CODEGEN_PASSES_H
#define TAMIS_CODEGEN_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace tamis {

#define GEN_PASS_DECL
#include "tamis/Codegen/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "tamis/Codegen/Passes.h.inc"

} // namespace tamis

#endif
