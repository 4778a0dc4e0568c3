//===- Layout.h - The order of a weight's elements, on bytes -------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_LAYOUT_H
#define TAMIS_LIB_DIALECT_WEIGHT_EVALUATION_LAYOUT_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace tamis {

/// weight.transpose of elements of `width` bytes: `sizes` are those of `in`, and dimension d of `out` is
/// dimension perm[d] of it.
void permute(llvm::ArrayRef<char> in, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> perm,
             uint64_t width, llvm::MutableArrayRef<char> out);

/// weight.unpack: each byte of `in` holds 8 / `bits` numbers of 2 or 4 bits, the first in its lowest bits.
void unpackBits(llvm::ArrayRef<char> in, unsigned bits, bool isSigned, llvm::MutableArrayRef<char> out);

} // namespace tamis

#endif
