//===- AttentionOperands.h - What the code of an attention takes --------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONOPERANDS_H
#define TAMIS_LIB_CODEGEN_KERNELS_ATTENTIONOPERANDS_H

#include "AttentionResult.h"
#include "AttentionSoftmax.h"

namespace tamis {

/// The operands of kernel.attention as flat buffers, their strides, and the sizes that the code needs. Values
/// that the op has no operand for are null.
struct AttentionOperands {
  mlir::Value q, k, v;                   ///< rows of f32 or of bf16
  mlir::Value qStride, kStride, vStride; ///< words from row to row
  /// Words from head to head where k and v are rows of caches, [sequences, key heads, rows, size]; null: rows
  /// of all key heads, sequence by sequence.
  mlir::Value kHeadStride, vHeadStride;
  mlir::Value length, keyLength; ///< padded form: queries and keys of a sequence
  AttentionResult result;
  mlir::Value offsets, keyMask, positions, keyBias;
  /// Where only some rows of caches are read: the lists of kept rows, of `keptStride` elements each, one for
  /// all key heads or for each.
  mlir::Value kept, keptStride;
  AttentionBias bias; ///< data and strides

  /// The rows of key head `head` of `sequence` from row `row` on, as keys and as values.
  Matrix keysAt(Emitter &e, kernel::AttentionOp op, mlir::Value sequence, mlir::Value head,
                mlir::Value row) const;
  Matrix valuesAt(Emitter &e, kernel::AttentionOp op, mlir::Value sequence, mlir::Value head,
                  mlir::Value row) const;

  /// Those that are there, in an order of their own: the arguments of a function.
  llvm::SmallVector<mlir::Value> values() const;
  /// The same operands as that function's arguments, which are taken off the front of `arguments`.
  AttentionOperands in(mlir::ValueRange &arguments) const;

private:
  llvm::SmallVector<mlir::Value *> slots();
};

/// How much there is to do.
struct AttentionSizes {
  mlir::Value batch;                    ///< sequences
  mlir::Value longestQuery, longestKey; ///< rows of the longest sequence
  mlir::Value flops, bytes;
};

} // namespace tamis

#endif
