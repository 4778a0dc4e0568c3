//===- Emitter.h - Short spellings for the IR that kernels are made of --------------------------------===//
//
// Kernels see every buffer as a flat one-dimensional memref and compute element numbers themselves: one type
// serves all ranks and layouts, and LLVM finds the strides.
//
//===--------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CODEGEN_KERNELS_EMITTER_H
#define TAMIS_CODEGEN_KERNELS_EMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

namespace tamis {

/// A builder at one location with short names for index arithmetic, structured loops and f32 vectors of
/// `width` lanes. Constants fold as they are made. All element numbers are of type index.
class Emitter : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;

  Emitter(mlir::Location loc, mlir::OpBuilder &builder, int64_t width)
      : ImplicitLocOpBuilder(loc, builder), width(width) {}

  int64_t getWidth() const { return width; }

  // Index arithmetic. Operands are never negative.
  Value index(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, index(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return mul(a, index(b)); }
  Value div(Value a, Value b);
  Value div(Value a, int64_t b) { return div(a, index(b)); }
  Value rem(Value a, Value b);
  Value ceilDiv(Value a, Value b);
  Value ceilDiv(Value a, int64_t b) { return ceilDiv(a, index(b)); }
  Value min(Value a, Value b);
  Value min(Value a, int64_t b) { return min(a, index(b)); }
  Value max(Value a, Value b);
  Value max(Value a, int64_t b) { return max(a, index(b)); }
  /// a * b + c
  Value madd(Value a, Value b, Value c) { return add(mul(a, b), c); }
  Value less(Value a, Value b);
  Value equal(Value a, Value b);
  Value select(Value condition, Value a, Value b);
  Value boolean(bool value);

  // Floats, scalar or vector; two operands of one type.
  Value scalar(float value);
  Value vector(float value);
  Value splat(Value scalar);
  Value addF(Value a, Value b);
  Value subF(Value a, Value b);
  Value mulF(Value a, Value b);
  Value divF(Value a, Value b);
  /// a * b + c with one rounding, on vectors.
  Value fma(Value a, Value b, Value c);
  /// The f32 of a vector of bf16, which are the upper halves of f32.
  Value extendBF16(Value x);
  Value compare(mlir::arith::CmpFPredicate predicate, Value a, Value b);
  /// a > b ? a : b, one instruction; gives b when either is NaN.
  Value maxF(Value a, Value b);
  /// a < b ? a : b, likewise.
  Value minF(Value a, Value b);
  mlir::VectorType vectorType();
  Value reduceAdd(Value vector);
  Value reduceMax(Value vector);

  // Memory: flat buffers.
  mlir::MemRefType flatType(mlir::Type element);
  /// All elements of a contiguous buffer of any rank as a flat buffer.
  Value flatten(Value buffer);
  /// Dimension `i` of a buffer; a negative one counts from the end.
  Value dim(Value buffer, int64_t i);
  /// The product of the dimensions [begin, end) of a buffer.
  Value dims(Value buffer, int64_t begin, int64_t end);
  /// A buffer [size] in the arena, at a multiple of 64 bytes. rt-plan-memory frees it behind its last use.
  Value allocate(mlir::Type element, Value size);
  Value load(Value flat, Value at);
  /// An element of a buffer of integers as an index.
  Value loadIndex(Value flat, Value at);
  void store(Value value, Value flat, Value at);
  /// `width` elements of the buffer's type from `at` on; with a mask, lanes that are off are not touched
  /// (loads give 0).
  Value loadVector(Value flat, Value at, Value mask = {});
  void storeVector(Value vector, Value flat, Value at, Value mask = {});
  /// Lanes [0, count) on; a count above the width means all.
  Value maskOf(Value count);

  // Structure.
  void loop(Value begin, Value end, Value step, llvm::function_ref<void(Value)> body);
  void loop(Value begin, Value end, llvm::function_ref<void(Value)> body) {
    loop(begin, end, index(1), body);
  }
  using Values = llvm::SmallVector<Value>;
  Values loop(Value begin, Value end, Value step, mlir::ValueRange inits,
              llvm::function_ref<Values(Value, mlir::ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> body);
  void either(Value condition, llvm::function_ref<void()> ifTrue, llvm::function_ref<void()> ifFalse);
  /// Like either, with results.
  Values decide(Value condition, llvm::function_ref<Values()> ifTrue, llvm::function_ref<Values()> ifFalse);
  /// Runs the case whose number is `selector`; any other value runs `otherwise`.
  void choose(Value selector, llvm::ArrayRef<int64_t> cases, llvm::function_ref<void(int64_t)> body,
              llvm::function_ref<void()> otherwise);
  /// The number of threads of the context.
  Value threads();
  /// A region of rt.parallel with body(begin, end, thread).
  void parallel(Value count, Value grain, llvm::StringRef kind, Value flops, Value bytes,
                llvm::function_ref<void(Value, Value, Value)> body);

  /// Calls body(at, mask) for each vector of the elements [0, count); the mask is null for whole vectors.
  /// `whole` says that count is known to be a multiple of the width.
  void forVectors(Value count, llvm::function_ref<void(Value, Value)> body, bool whole = false);
  /// Reduces the elements [0, count) to one vector. `step` takes (at, mask, accumulator) and must leave lanes
  /// that are off as they are; `join` joins two accumulators.
  Value reduceVectors(Value count, Value init, llvm::function_ref<Value(Value, Value, Value)> step,
                      llvm::function_ref<Value(Value, Value)> join, bool whole = false);

private:
  int64_t width;
};

} // namespace tamis

#endif
