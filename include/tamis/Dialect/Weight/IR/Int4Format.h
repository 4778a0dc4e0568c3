//===- Int4Format.h - Packed weights of 4 bits ---------------------------------------------------------===//
#ifndef TAMIS_DIALECT_WEIGHT_IR_INT4FORMAT_H
#define TAMIS_DIALECT_WEIGHT_IR_INT4FORMAT_H

#include "mlir/IR/BuiltinTypes.h"
#include <optional>

namespace tamis::weight {

/// A weight of 4 bits is (q - z) * s with q from 0 to 15; s, and z where it is not 8, belong to `group`
/// elements of a column that follow each other along K. It is packed as i32 [ceil(N / 16), ceil(K / group),
/// blockRows(), 16]: a block is a group of 16 columns, in rows of a word of 32 bits a column. Word r of the
/// first group / 8 holds q of the elements 8 r to 8 r + 7: that of 8 r + i in the lower half of byte i for i
/// below 4, in the upper half of byte i - 4 else. Then comes s as f32, and then, where there are zero points,
/// z as f32. Behind the last row and column everything is 0. Several matrices [E, K, N] have a leading
/// dimension E.
struct Int4Format {
  int64_t group = 32;
  bool hasZeros = false;

  static constexpr int64_t columns = 16, perWord = 8, defaultZero = 8, greatest = 15;
  static constexpr int64_t groups[] = {16, 32, 64, 128}; ///< that there are

  int64_t wordRows() const { return group / perWord; }
  int64_t blockRows() const { return wordRows() + (hasZeros ? 2 : 1); }
  int64_t blockWords() const { return blockRows() * columns; }
  int64_t groupsOf(int64_t k) const { return llvm::divideCeil(k, group); }
  llvm::SmallVector<int64_t> shape(int64_t k, int64_t n) const {
    return {static_cast<int64_t>(llvm::divideCeil(n, columns)), groupsOf(k), blockRows(), columns};
  }
  /// That of a packed weight of matrices [..., K, N].
  llvm::SmallVector<int64_t> shapeOf(llvm::ArrayRef<int64_t> matrices) const {
    size_t rank = matrices.size();
    llvm::SmallVector<int64_t> packed = shape(matrices[rank - 2], matrices[rank - 1]);
    packed.insert(packed.begin(), matrices.begin(), matrices.end() - 2);
    return packed;
  }
  /// That of a packed weight, of one matrix or of `leading` dimensions of them, by its type; nothing when it
  /// is none.
  static std::optional<Int4Format> of(mlir::ShapedType type, int64_t leading = 0) {
    if (!type.getElementType().isInteger(32) || type.getRank() != leading + 4 ||
        type.getShape().back() != columns)
      return std::nullopt;
    for (int64_t group : groups)
      for (bool hasZeros : {false, true})
        if (Int4Format format{group, hasZeros}; format.blockRows() == type.getDimSize(leading + 2))
          return format;
    return std::nullopt;
  }
};

} // namespace tamis::weight

#endif
