//===- RowRewriter.h - Ops on padded batches, rewritten to real rows ----------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_ROWREWRITER_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_ROWREWRITER_H

#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Token/IR/TokenDialect.h"

namespace tamis::token {

/// Which dimensions of a padded value are the sequence and the place in it. `merged`: one dimension, B * S,
/// is both.
struct TokenAxes {
  int64_t batch = 0, token = 1;
  bool merged = false;
  bool operator==(const TokenAxes &) const = default;
  bool has(int64_t axis) const { return axis == batch || (!merged && axis == token); }
};

/// A padded value's real rows: [R, the other dimensions in their order].
struct Rows {
  mlir::Value value;
  TokenAxes axes;
};

/// Builds, beside each op of a function that works on tokens, the op that works on the real rows. Nothing of
/// the function is changed until `commit`; what was built before a failure has no uses.
class RowRewriter {
public:
  RowRewriter(mlir::func::FuncOp function, mlir::BlockArgument mask, bool binary);

  /// Rewrites all ops. On failure, `obstacle` is the op that stands in the way and `reason` says why.
  llvm::LogicalResult run();
  /// Puts the new values in the place of the old ones.
  void commit();

  mlir::Operation *obstacle = nullptr;
  std::string reason;
  unsigned rowwise = 0, packed = 0, unpacked = 0;

private:
  llvm::LogicalResult fail(mlir::Operation *op, const llvm::Twine &text);
  bool isRows(mlir::Value value) const { return rows.contains(value); }
  /// Are these the sizes of a value with one row a token?
  bool hasTokens(mlir::Value value);

  llvm::LogicalResult rewrite(mlir::Operation *op);
  llvm::LogicalResult rewriteEmbedding(nn::EmbeddingOp op);
  llvm::LogicalResult rewriteAttention(nn::AttentionOp op);
  llvm::LogicalResult rewriteRotary(onnx::RotaryEmbeddingOp op);
  llvm::LogicalResult rewriteElementwise(mlir::Operation *op);
  /// Of nn.linear, or of nn.quantized_linear with a given range.
  template <typename Op> llvm::LogicalResult rewriteLinear(Op op);
  llvm::LogicalResult rewriteExperts(mlir::Operation *op, mlir::ValueRange ofRows);
  llvm::LogicalResult rewriteProduct(mlir::Operation *op);
  llvm::LogicalResult rewriteReshape(mlir::Operation *op);
  llvm::LogicalResult rewriteTranspose(onnx::TransposeOp op);
  llvm::LogicalResult rewriteUnsqueeze(onnx::UnsqueezeOp op);
  llvm::LogicalResult rewriteSqueeze(onnx::SqueezeOp op);
  llvm::LogicalResult rewriteReduction(mlir::Operation *op);
  llvm::LogicalResult rewriteAlongAxis(mlir::Operation *op);
  llvm::LogicalResult rewriteSlice(onnx::SliceOp op);
  llvm::LogicalResult rewriteGather(onnx::GatherOp op);
  llvm::LogicalResult rewriteExpand(onnx::ExpandOp op);
  llvm::LogicalResult rewriteReturn(mlir::Operation *op);

  /// The rows of `value`, packed when they are not yet; `rank` is that of the op's result, to which the value
  /// is broadcast from the right. A value that does not depend on tokens comes without its token axes. Null
  /// on failure.
  mlir::Value operandRows(mlir::Value value, const TokenAxes &axes, int64_t rank);
  mlir::Value pack(mlir::Value value, const TokenAxes &axes, int64_t rank);
  /// The row of each sequence at `position`.
  mlir::Value first(const Rows &from, int64_t position, mlir::Type type);
  mlir::Value unpack(const Rows &from, mlir::RankedTensorType type);
  mlir::Value reshapeRows(mlir::Value value, llvm::ArrayRef<int64_t> rest);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> perm);
  mlir::Value unsqueeze(mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value constant(llvm::ArrayRef<int64_t> values);
  mlir::Value positionsOfRows();
  /// The type of a padded value's rows.
  mlir::RankedTensorType rowsType(mlir::Type type, const TokenAxes &axes);
  /// A copy of `op` with other operands that gives the rows of its results.
  mlir::Operation *cloneWith(mlir::Operation *op, mlir::ValueRange operands, const TokenAxes &axes);
  /// Where a dimension of the padded value is in its rows.
  static int64_t axisInRows(int64_t axis, const TokenAxes &axes);

  mlir::func::FuncOp function;
  mlir::BlockArgument mask;
  onnx::SymbolicShapes shapes;
  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::Value index, offsets, positions;
  llvm::SmallVector<onnx::Polynomial> batchSizes, tokenSizes;
  llvm::DenseMap<mlir::Value, Rows> rows;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> packedOf;
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> replacements;
};

} // namespace tamis::token

#endif
