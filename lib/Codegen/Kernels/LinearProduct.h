//===- LinearProduct.h - The product of a linear layer as a work list of block products ----------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_LINEARPRODUCT_H
#define TAMIS_LIB_CODEGEN_KERNELS_LINEARPRODUCT_H

#include "LinearEpilogue.h"
#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// out [T, N] = epilogue(left w).
struct LinearProduct {
  const Microkernel &microkernel;
  const LeftOperand &left;
  mlir::Value w;     ///< packed (weight.pack_panels), as the microkernel's kind of operands says
  mlir::Value out;   ///< [T, N]
  mlir::Value k;     ///< elements of a row
  mlir::Value words; ///< of a panel along K
  LinearEpilogue epilogue;
  /// Where only some columns are computed: `w` holds so many panels, flat, from that one on, a multiple of 4.
  mlir::Value firstPanel = {}, panelCount = {};

  /// Calls a function `name`, shared by all products of the same form, in an rt.parallel region of `kind`.
  void emit(KernelExpander &expander, Emitter &e, llvm::StringRef name, llvm::StringRef kind);
};

} // namespace tamis

#endif
