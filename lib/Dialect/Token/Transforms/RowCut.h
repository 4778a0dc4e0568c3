//===- RowCut.h - Places at which the hidden states are all that goes on ------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_ROWCUT_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_ROWCUT_H

#include "mlir/IR/BuiltinOps.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/Token/IR/TokenDialect.h"

namespace tamis::token {

/// The index of the real rows, and the attentions that work on them, in order; a null index where padding is
/// kept.
struct LayersOnRows {
  IndexOp index;
  llvm::SmallVector<nn::AttentionOp> attentions;
};
LayersOnRows layersOnRows(mlir::ModuleOp module);

/// Whether a value of rows is made of an input alone, or counts what was merged into them.
bool isPacked(mlir::Value rows);

/// What stands for `whole`, a value with an element for each row that `index` gives, at `place`: behind each
/// token.select in front of it, the kept rows.
mlir::Value rowsAt(mlir::Value whole, mlir::Operation *place);
/// The offsets of the sequences at `place`.
mlir::Value offsetsAt(IndexOp index, mlir::Operation *place);

/// Puts `after` in the place of `before`, of rows or of offsets, in what is behind `place`; the offsets of
/// whole sequences stay.
void replaceBehind(mlir::Value before, mlir::Value after, mlir::Operation *place);

/// What lives on behind a place of a function on real rows.
struct RowCut {
  mlir::Operation *after = nullptr;
  mlir::Value state;                      ///< the hidden states [R, H], f32
  llvm::SmallVector<mlir::Value> besides; ///< other values with a row for each token, packed from inputs
};

/// The last place in front of `end`, but behind the attention (or the index of rows) before it, behind which
/// the hidden states are the one tensor of rows that lives on. `rows` are the places of the rows there.
std::optional<RowCut> cutBefore(mlir::Operation *end, mlir::Value rows);

/// The first place behind `attention`, but in front of the next one, with this property.
std::optional<RowCut> cutBehind(nn::AttentionOp attention, mlir::Value rows);

/// Gathers the rows of `living` that `select` keeps, behind `place`, and puts them and the new offsets in the
/// place of what was before, in all that is behind them.
void gatherKept(SelectOp select, mlir::Operation *place, llvm::SmallVector<mlir::Value> living);

/// The last place behind the last layer behind which the hidden states, of the width that they have in front
/// of that layer, are the one tensor of rows that lives on: what a head makes of them is behind it. `rows`
/// are the places of the rows there; there must be an attention.
std::optional<RowCut> cutBehindLayers(llvm::ArrayRef<nn::AttentionOp> attentions, mlir::Value rows);

} // namespace tamis::token

#endif
