//===- DecoderRoles.h - What the inputs and outputs of a decoder mean ----------------------------------===//
#ifndef TAMIS_LIB_DIALECT_NN_TRANSFORMS_DECODERROLES_H
#define TAMIS_LIB_DIALECT_NN_TRANSFORMS_DECODERROLES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>

namespace tamis::nn {

/// What stepping a decoder needs to know; the artifact's schema has the same.
struct Decoder {
  llvm::SmallVector<std::pair<unsigned, unsigned>> caches; ///< argument and result
  int64_t ids = -1, mask = -1, positions = -1, logits = -1;
  int64_t vocabulary = 0, maxLength = 0;
  bool paddedBehind = false;
  std::string problem; ///< why the roles are not known; empty when they are

  /// The module's attribute `tamis.decoder`.
  mlir::DictionaryAttr toAttribute(mlir::MLIRContext *context) const;
};

/// Finds the roles of the arguments and results that are no caches. By data flow and shapes first: ids are
/// the rows that are read of a table, positions such rows of another table, or angles; masks reach
/// attentions. Names decide only where that leaves more than one.
void findRoles(mlir::func::FuncOp main, Decoder &decoder);

} // namespace tamis::nn

#endif
