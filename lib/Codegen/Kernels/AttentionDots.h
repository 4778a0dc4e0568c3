//===- AttentionDots.h - Products of one query with many keys -----------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONDOTS_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONDOTS_H

#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// `width` columns of row `row`, from `column` on, as f32.
mlir::Value loadRow(Emitter &e, const Matrix &m, mlir::Value row, int64_t column);
/// The same of a row of `columns` columns; zeros behind the last one.
mlir::Value loadRow(Emitter &e, const Matrix &m, mlir::Value row, int64_t column, int64_t columns);

/// All columns of a row, as vectors.
llvm::SmallVector<mlir::Value> loadWholeRow(Emitter &e, const Matrix &m, mlir::Value row, int64_t columns);

/// The products of a query of `depth` columns (loadWholeRow) with the `width` keys from `first` on, a vector.
/// With `keys`, their number, the last one stands in for those behind it.
mlir::Value emitDots(Emitter &e, llvm::ArrayRef<mlir::Value> query, const Matrix &k, int64_t depth,
                     mlir::Value first, mlir::Value keys = {});
/// The same with the keys in these `width` rows.
mlir::Value emitDots(Emitter &e, llvm::ArrayRef<mlir::Value> query, const Matrix &k, int64_t depth,
                     llvm::ArrayRef<mlir::Value> keys);

/// What a query gives `count` keys, exp(scale q k^T - the greatest), to weights[at ...]; their sum, a scalar,
/// by which they are not divided yet.
mlir::Value emitQueryWeights(Emitter &e, llvm::ArrayRef<mlir::Value> query, const Matrix &k, int64_t depth,
                             mlir::Value count, float scale, mlir::Value weights, mlir::Value at);

} // namespace tamis

#endif
