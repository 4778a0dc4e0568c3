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

/// Whether a value of rows is made of an input alone.
bool isPacked(mlir::Value rows);

/// What lives on behind a place of a function on real rows.
struct RowCut {
  mlir::Operation *after = nullptr;
  mlir::Value state;                      ///< the hidden states [R, H], f32
  llvm::SmallVector<mlir::Value> besides; ///< other values with a row for each token, packed from inputs
};

/// The last place in front of `end`, but behind the attention (or the index of rows) before it, behind which
/// the hidden states are the one tensor of rows that lives on. `rows` are the places of the rows there.
std::optional<RowCut> cutBefore(mlir::Operation *end, mlir::Value rows);

/// The last place behind the last layer behind which the hidden states, of the width that they have in front
/// of that layer, are the one tensor of rows that lives on: what a head makes of them is behind it. `rows`
/// are the places of the rows there; there must be an attention.
std::optional<RowCut> cutBehindLayers(llvm::ArrayRef<nn::AttentionOp> attentions, mlir::Value rows);

} // namespace tamis::token

#endif
