//===- Passes.h - Conversions between dialects -------------------------------------------------------===//
#ifndef TAMIS_CONVERSION_PASSES_H
#define TAMIS_CONVERSION_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tamis {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "tamis/Conversion/Passes.h.inc"
} // namespace tamis

#endif
