//===- Packing.h - Layouts and precisions of weights, on bytes ----------------------------------===//
#ifndef TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_PACKING_H
#define TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_PACKING_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace tamis {

/// A row-major matrix in memory of any alignment.
struct MatrixView {
  const char *data;
  uint64_t rows, columns;
};

/// weight.pack_panels without a change of the element, of `width` bytes: rows are grouped into `words` words
/// of 4 bytes. `out` is zero before, as in all functions here.
void packPanels(const MatrixView &matrix, uint64_t words, uint64_t width, llvm::MutableArrayRef<char> out);
/// weight.pack_panels of f32 as bf16, or as the sum of two.
void packPanelsAsBF16(const MatrixView &matrix, uint64_t words, bool split, llvm::MutableArrayRef<char> out);

/// weight.quantize_columns and weight.column_scales, of f32.
void quantizeColumns(const MatrixView &matrix, llvm::MutableArrayRef<char> out);
void columnScales(const MatrixView &matrix, llvm::MutableArrayRef<char> out);

} // namespace tamis

#endif
