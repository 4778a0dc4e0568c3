//===- AttentionResult.h - Rows of an attention's result ----------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONRESULT_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONRESULT_H

#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// What becomes of the products of weights and values: rows as f32, in the form of the products that read
/// them, or both.
struct AttentionResult {
  mlir::Value out;              ///< flat f32
  std::optional<LeftRows> form; ///< of the products that read `out`
  bool storesF32 = true;        ///< whether anything reads `out` itself
  int64_t columns = 0;          ///< of a head
  int64_t stride = 0;           ///< of a row of `out`

  /// `row` of the result, the columns of a head from `column` on, from those of `products` at `from`. Earlier
  /// blocks left their sum in `out`, which `factor` rescales; the last block divides by the sum of the
  /// weights.
  void emitRow(Emitter &e, mlir::Value products, mlir::Value from, mlir::Value row, mlir::Value column,
               mlir::Value factor, mlir::Value sum, mlir::Value isFirst, mlir::Value isLast) const;
  /// A vector of `row`, the columns from column + c on. What is not the `last` value of it is for `out`
  /// alone.
  void store(Emitter &e, mlir::Value y, mlir::Value row, mlir::Value column, mlir::Value c, mlir::Value mask,
             bool last) const;
};

/// 1 / sum of the weights; 0 for rows without keys, whose products are 0.
mlir::Value emitInverseSum(Emitter &e, mlir::Value sum);

} // namespace tamis

#endif
