//===- Int4.h - Weights of 4 bits, on bytes ------------------------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_INT4_H
#define TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_INT4_H

#include "Packing.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"

namespace tamis {

/// (q - zeros) * scales: q [rows, columns] row-major, from 0 to 15; scales and zeros [ceil(rows / block),
/// columns], or one element.
struct Int4Matrix {
  const uint8_t *q;
  uint64_t rows, columns, block;
  llvm::ArrayRef<float> scales, zeros;
};

/// weight.pack_int4. `out` is zero before, as below.
void packInt4(const Int4Matrix &matrix, const weight::Int4Format &format, llvm::MutableArrayRef<char> out);

/// weight.quantize_int4 of f32.
void quantizeInt4(const MatrixView &matrix, const weight::Int4Format &format,
                  llvm::MutableArrayRef<char> out);

} // namespace tamis

#endif
