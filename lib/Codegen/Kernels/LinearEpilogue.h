//===- LinearEpilogue.h - What a linear layer does to a tile right after its product -------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_LINEAREPILOGUE_H
#define TAMIS_LIB_CODEGEN_KERNELS_LINEAREPILOGUE_H

#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"

namespace tamis {

/// out = activation(product + bias) + residual. The buffers are flat; absent ones are null.
///
/// A product of integers is sum of q w over K, where q stands for (q - zero) * scale and column n of w for
/// (w - columnZeros[n]) * columnScales[n]. With columnSums[n] = sum of w - columnZeros[n], the sum of
/// (q - zero)(w - columnZeros[n]) is the product less zero * columnSums[n] less rowSums * columnZeros[n].
struct LinearEpilogue {
  mlir::Value bias, residual;
  mlir::Value columnScales, columnSums; ///< [N]; the scales of a product of integers, else null
  mlir::Value rowScales;            ///< [T]: each row of q has its scale, and zero is 128; without scales of
                                    ///< columns, what the rows of a product of f32 are multiplied by
  mlir::Value range;                ///< [2]: the scale and zero of all of q; this or rowScales
  mlir::Value columnZeros, rowSums; ///< [N] of i8 and [T]: both or none
  nn::Activation activation = nn::Activation::None;
  std::optional<LeftRows> form; ///< that of the products that read the result
  bool storesF32 = true;

  bool isNeeded() const {
    return bias || residual || columnScales || rowScales || form || activation != nn::Activation::None;
  }
  /// The buffers that there are, in an order that their presence decides, to be passed to a function.
  llvm::SmallVector<mlir::Value *> operands();
  /// Distinguishes the code of epilogues with other operands.
  std::string name() const;
  /// The columns of a product from `begin` on, a vector, as numbers with their bias.
  struct Columns {
    mlir::Value mask; ///< those that exist; null when all do
    mlir::Value bias;
    mlir::Value scale;  ///< of a product of integers, as are the others; that of `range` is in it
    mlir::Value excess; ///< what zero adds to the product
    mlir::Value zeros;  ///< what sums of rows are multiplied by
  };
  /// What a vector of columns needs, whatever the row. `limit` columns exist; without it all do.
  Columns columns(Emitter &e, mlir::Value begin, mlir::Value limit) const;
  /// What a row needs, whatever the columns.
  struct Row {
    mlir::Value scale, sum;
  };
  Row row(Emitter &e, mlir::Value row) const;
  /// product + bias, where a product of integers becomes the number that it stands for.
  mlir::Value number(Emitter &e, mlir::Value product, const Columns &columns, const Row &row) const;
  /// Applies it to one tile. `limit` columns of `out` exist; without it all do.
  void emit(Emitter &e, const Tile &tile, const Matrix &out, mlir::Value limit) const;
};

} // namespace tamis

#endif
