//===- AttentionFactors.h - The four factors of an attention's two products ---------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONFACTORS_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONFACTORS_H

#include "tamis/Codegen/Kernels/Expansion.h"

namespace tamis {

/// The part of one thread's scratch memory, as places in two buffers: `numbers` of f32, and `packed` of f32
/// or, in words of 32 bits, bf16.
struct AttentionScratch {
  mlir::Value scores, products, mask, maxima, sums, factors, numbersSize;
  mlir::Value keyPanels, valuePanels, queries, weights, packedSize;
  /// Moves all places to those of a thread.
  void moveTo(Emitter &e, mlir::Value thread);
};

/// How queries, keys, weights and values are laid out for the products q k^T and weights v: as f32, where the
/// queries stay where they are and the weights where the scores were, or as words of bf16.
class AttentionFactors {
public:
  AttentionFactors(KernelExpander &expander, kernel::AttentionOp op);

  /// That of the precision where the level multiplies such factors faster, else F32.
  OperandKind kind() const { return operands; }
  bool isF32() const { return operands == OperandKind::F32; }
  /// Whether q, k and v may also be rows of bf16, which are not rounded again: heads are whole vectors then.
  bool readsBF16Rows() const { return hasWholeHeads && operands == OperandKind::BF16; }
  /// Rows of q, k or v from `row` on, the columns from `column` on. `stride` counts words.
  static Matrix rowsAt(Emitter &e, mlir::Value data, mlir::Value stride, mlir::Value row, mlir::Value column);
  /// Of `packed`.
  mlir::Type elementType(Emitter &e) const;
  /// Queries that go through the products at once.
  int64_t queryBlock() const { return rows; }
  int64_t valueColumns() const;

  /// Keys of a block and the ones behind them that get no weight.
  mlir::Value paddedKeys(Emitter &e, mlir::Value keys) const;
  /// From one row of scores to the next, for blocks of so many padded keys.
  mlir::Value scoreStride(Emitter &e, mlir::Value padded) const;
  /// For blocks of up to `padded` keys and `queries` queries a unit.
  AttentionScratch scratch(Emitter &e, mlir::Value padded, mlir::Value queries, bool hasMask) const;

  // Each product with its factors packed into `packed` before.
  void packKeys(Emitter &e, const Matrix &k, mlir::Value keys, mlir::Value packed, mlir::Value at) const;
  void packValues(Emitter &e, const Matrix &v, mlir::Value keys, mlir::Value packed, mlir::Value at) const;
  /// scores [queries, keys] = q k^T.
  void emitScores(Emitter &e, const Matrix &q, mlir::Value queries, mlir::Value keys, mlir::Value packed,
                  const AttentionScratch &at, const Matrix &scores) const;
  /// Where the weights are to be rounded to, when they are not f32.
  std::optional<LeftRows> weightRows(Emitter &e, mlir::Value keys, mlir::Value packed,
                                     const AttentionScratch &at) const;
  /// products [queries, values] = weights v.
  void emitProducts(Emitter &e, mlir::Value queries, mlir::Value keys, mlir::Value packed,
                    const AttentionScratch &at, const Matrix &scores) const;

private:
  void emitProduct(Emitter &e, const Matrix &a, const Panels &b, mlir::Value words, const Matrix &out,
                   mlir::Value rows, mlir::Value panels) const;
  bool isSplit() const { return operands == OperandKind::SplitF32; }
  /// Words of a query or a key in a product.
  int64_t depthWords() const;
  int64_t terms() const { return isSplit() ? 2 : 1; }
  LeftRows leftRows(mlir::Value packed, mlir::Value at, mlir::Value words) const;
  mlir::Value keyWords(Emitter &e, mlir::Value keys) const;

  KernelExpander &expander;
  OperandKind operands;
  int64_t depth, valueDepth, rows;
  bool hasWholeHeads;
};

} // namespace tamis

#endif
