//===- AllocatingOpModel.h - Bufferisation of ops whose results are new buffers ----------------===//
#ifndef TAMIS_LIB_DIALECT_KERNEL_TRANSFORMS_ALLOCATINGOPMODEL_H
#define TAMIS_LIB_DIALECT_KERNEL_TRANSFORMS_ALLOCATINGOPMODEL_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace tamis::kernel {

/// What holds for all ops here: operands are read, results are new buffers of identity layout.
/// The concrete model has `bufferize`.
template <typename Model, typename Op>
struct AllocatingOpModel : mlir::bufferization::BufferizableOpInterface::ExternalModel<Model, Op> {
  bool bufferizesToAllocation(mlir::Operation *, mlir::Value) const { return true; }
  bool bufferizesToMemoryRead(mlir::Operation *, mlir::OpOperand &,
                              const mlir::bufferization::AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(mlir::Operation *, mlir::OpOperand &,
                               const mlir::bufferization::AnalysisState &) const {
    return false;
  }
  mlir::bufferization::AliasingValueList getAliasingValues(mlir::Operation *, mlir::OpOperand &,
                                                           const mlir::bufferization::AnalysisState &) const {
    return {};
  }
  bool mustBufferizeInPlace(mlir::Operation *, mlir::OpOperand &,
                            const mlir::bufferization::AnalysisState &) const {
    return true;
  }
};

/// The buffers of a tensor op's operands, and new ones for its results. Fails when an operand has no buffer.
class BufferBuilder {
public:
  BufferBuilder(mlir::RewriterBase &rewriter, mlir::Operation *op,
                const mlir::bufferization::BufferizationOptions &options,
                mlir::bufferization::BufferizationState &state)
      : rewriter(rewriter), loc(op->getLoc()), options(options), state(state) {}

  /// The operand's buffer; a copy when the buffer's layout is not row-major and contiguous. Null for a null
  /// tensor.
  mlir::Value buffer(mlir::Value tensor);
  /// The operand's buffer, whose rows may lie apart.
  mlir::Value strided(mlir::Value tensor);
  /// Whether a buffer could not be had.
  bool hasFailed() const { return failed; }
  /// A size of a buffer, as an index.
  mlir::Value dim(mlir::Value buffer, int64_t i);
  /// A new contiguous buffer of the tensor type's shape; `dynamicSizes` in order.
  mlir::Value allocate(mlir::Type tensorType, mlir::ValueRange dynamicSizes);
  /// A new buffer of the tensor type's shape, whose leading sizes are those of `like`.
  mlir::Value allocateLike(mlir::Type tensorType, mlir::Value like);
  /// Ends the run with `reason` when a size of one buffer is not that of the other. Raising proved such sizes
  /// equal for inputs that the model can take; a table of positions shorter than the sequence is one that it
  /// cannot.
  void checkSame(mlir::Value a, int64_t i, mlir::Value b, int64_t j, llvm::StringRef reason);
  /// Ends the run with `reason` when the condition, an i1, is false.
  void check(mlir::Value condition, llvm::StringRef reason);
  /// [..., N] as [T, N].
  mlir::Value rows(mlir::Value buffer);
  /// All elements in one dimension.
  mlir::Value flat(mlir::Value buffer);

private:
  mlir::RewriterBase &rewriter;
  mlir::Location loc;
  const mlir::bufferization::BufferizationOptions &options;
  mlir::bufferization::BufferizationState &state;
  bool failed = false;
};

} // namespace tamis::kernel

#endif
