//===- ExpertEpilogue.h - What an expert does to a tile right after its products -----------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_EXPERTEPILOGUE_H
#define TAMIS_LIB_CODEGEN_KERNELS_EXPERTEPILOGUE_H

#include "LinearEpilogue.h"
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"

namespace tamis {

/// Turns a tile of the first product into hidden columns: the activation, and the product with the other half
/// of the columns when the layer is gated.
struct HiddenEpilogue {
  kernel::ExpertsOp op;   ///< for its attributes
  LinearEpilogue numbers; ///< bias and scales of this expert
  mlir::Value hidden;     ///< flat f32, or null when only `form` is written
  mlir::Value stride;     ///< columns of a row of `hidden`
  std::optional<LeftRows> form;
  mlir::Value limit; ///< columns of the product that exist; null when all do

  /// `begin` is the row of the tile's row 0 in `hidden` and in `form`.
  void emit(Emitter &e, const Tile &tile, mlir::Value begin);

private:
  mlir::Value gate(Emitter &e, mlir::Value g, mlir::Value u);
  void store(Emitter &e, mlir::Value y, mlir::Value row, mlir::Value column, mlir::Value mask) const;
};

/// Adds a tile of the second product to the tokens of its rows, times their weights, or writes it to the
/// pairs.
struct CombineEpilogue {
  LinearEpilogue numbers;
  mlir::Value pairOf;  ///< flat i64: the pair of a row
  mlir::Value weights; ///< flat, one a pair; null to write rows of pairs
  mlir::Value k;       ///< pairs of a token
  Matrix out;          ///< rows of tokens or of pairs
  mlir::Value limit;   ///< columns of `out`; null when there are as many as panels have

  void emit(Emitter &e, const Tile &tile, mlir::Value begin);
};

} // namespace tamis

#endif
