//===- Lowering.h - What the lowerings of onnx ops share ------------------------------------------===//
//
// A lowering is a function from an op and its converted operands to the values that replace it. It builds
// with a Lowering: a builder of scalar code that also builds tensors, knows which sizes are equal, and checks
// what only a run can tell.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_CONVERSION_ONNXTOLINALG_LOWERING_H
#define TAMIS_CONVERSION_ONNXTOLINALG_LOWERING_H

#include "Scalars.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

namespace tamis::onnx {

using Sizes = llvm::SmallVector<mlir::OpFoldResult, 4>;
using Axes = llvm::ArrayRef<int64_t>;
using ScalarFn = llvm::function_ref<mlir::Value(ScalarBuilder &, mlir::ValueRange)>;

/// What all lowerings of one run of the pass share.
struct LoweringState {
  llvm::DenseMap<mlir::Operation *, std::unique_ptr<SymbolicShapes>> shapes; // by function, of the onnx ops
  int64_t lowered = 0, checks = 0, broadcasts = 0;
};

/// A size: its value, and a polynomial that tells which sizes are equal, a symbol of its own when nothing is
/// known.
struct Size {
  mlir::OpFoldResult value;
  Polynomial symbolic;
  std::optional<int64_t> constant() const { return mlir::getConstantIntValue(value); }
  bool provablyEquals(const Size &other) const;
};

/// Operands brought to one shape: as maps from its dimensions, and repeated where maps cannot say it.
struct Broadcast {
  llvm::SmallVector<Size, 4> sizes;
  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallVector<mlir::AffineMap> maps;
};

class Lowering : public ScalarBuilder {
public:
  /// `operands` are the converted ones.
  Lowering(mlir::Operation *op, mlir::ValueRange operands, mlir::OpBuilder &builder, LoweringState &state);

  mlir::Operation *getOp() const { return op; }
  /// The type of a result in the lowered code.
  mlir::RankedTensorType resultType(unsigned i = 0) const;
  /// The element type of the onnx operand is unsigned.
  bool isUnsigned(unsigned operand = 0) const;
  SymbolicShapes &symbolicShapes() { return shapes; }

  //===- Sizes ---------------------------------------------------------------------------------===//
  Size size(Value tensor, int64_t i);
  llvm::SmallVector<Size, 4> sizes(Value tensor);
  Size size(int64_t value) { return {getIndexAttr(value), Polynomial(value)}; }
  /// A size that is computed here; `symbolic` when it is known as a polynomial.
  Size size(Value index, std::optional<Polynomial> symbolic = std::nullopt);
  /// The size as a value of type index.
  Value dim(Value tensor, int64_t i) { return value(size(tensor, i)); }
  Value value(const Size &size);
  Value product(llvm::ArrayRef<Size> sizes);
  Size productSize(llvm::ArrayRef<Size> sizes);
  /// Remembers what is known of the sizes of a new tensor.
  Value known(Value tensor, llvm::ArrayRef<Size> sizes);

  //===- Checks --------------------------------------------------------------------------------===//
  /// Ends the run when the condition does not hold. Nothing when it is known to.
  void check(Value condition, llvm::StringRef reason);
  void checkEqual(const Size &a, const Size &b, llvm::StringRef reason);
  /// 0 <= index < size after adding `size` to negative ones; the index to use. For scalars.
  Value checkedIndex(Value index, Value size);
  /// The same for each element of a tensor of indices, which may stay negative.
  void checkIndices(Value indices, Value size);
  void checkElements(Value tensor, ScalarFn holds, llvm::StringRef reason);
  /// A count of elements that memory could hold.
  void checkCount(Value count);

  //===- Tensors -------------------------------------------------------------------------------===//
  Value empty(llvm::ArrayRef<Size> sizes, Type element);
  Value filled(llvm::ArrayRef<Size> sizes, Value scalar);
  Value extract(Value tensor, mlir::ValueRange indices = {});
  /// The only element of a tensor of one element; checks that there is one.
  Value onlyElement(Value tensor);
  /// Row-major; of a tensor of static shape.
  llvm::SmallVector<Value> elements(Value tensor);
  Value fromElements(mlir::RankedTensorType type, mlir::ValueRange elements);
  /// A small tensor whose elements are best kept as scalars: shapes and the like.
  static bool isSmall(mlir::Type type);

  /// Elementwise over `sizes`; `compute` gets one element of each input.
  Value generic(mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps, llvm::ArrayRef<Size> sizes,
                Type element, ScalarFn compute);
  /// Each input has all of the sizes.
  Value map(mlir::ValueRange inputs, Type element, ScalarFn compute);
  /// Folds the dimensions `axes` into `init` by compute(element, accumulator).
  Value reduce(Value x, Axes axes, Value init, ScalarFn compute);
  /// The map of a tensor that lacks the dimensions `axes` of `rank`.
  mlir::AffineMap without(Axes axes, unsigned rank);
  mlir::AffineMap identity(unsigned rank) { return getMultiDimIdentityMap(rank); }
  Value transpose(Value x, Axes permutation);
  Value convertElements(Value x, Type to);
  /// Scalar code for each index of a box, last fastest; carries tensors through.
  llvm::SmallVector<Value>
  loops(llvm::ArrayRef<Value> counts, mlir::ValueRange carried,
        llvm::function_ref<llvm::SmallVector<Value>(ScalarBuilder &, mlir::ValueRange indices,
                                                    mlir::ValueRange carried)>
            body);

  //===- Views ---------------------------------------------------------------------------------===//
  /// The same elements; the caller has made sure that the counts agree.
  Value reshape(Value x, llvm::ArrayRef<Size> sizes);
  Value insertUnitDims(Value x, Axes positions);
  Value dropUnitDims(Value x, Axes positions);
  Value slice(Value x, llvm::ArrayRef<Size> offsets, llvm::ArrayRef<Size> sizes, Axes strides);
  /// A cast to a type that is as static as what is known; checks sizes that are static in `type` only.
  Value castTo(Value x, mlir::RankedTensorType type);

  //===- Broadcasting --------------------------------------------------------------------------===//
  /// numpy's rule. `target`, when given, is one more shape that takes part.
  Broadcast broadcast(mlir::ValueRange operands, llvm::ArrayRef<Size> target = {});
  /// The rule for sizes alone, which are the operands' in one dimension.
  Size broadcastSize(llvm::ArrayRef<Size> candidates);
  /// x repeated to what it and `target` are broadcast to.
  Value expandTo(Value x, llvm::ArrayRef<Size> target);
  /// Elementwise with broadcasting.
  Value elementwise(mlir::ValueRange operands, Type element, ScalarFn compute);

private:
  Value repeat(Value operand, llvm::ArrayRef<Size> target, llvm::ArrayRef<bool> uncertain);

  mlir::Operation *op;
  LoweringState &state;
  SymbolicShapes &shapes;
  llvm::DenseMap<Value, llvm::SmallVector<Polynomial, 4>> symbolic;
};

/// uiN becomes iN, and what has 4 bits a byte.
mlir::Type signless(mlir::Type type);

using LoweredValues = llvm::SmallVector<mlir::Value>;

/// Lowers ops of one kind by a function. An empty list of values: an error has been reported.
template <typename Op> class LoweringPattern : public mlir::OpConversionPattern<Op> {
public:
  using Function = LoweredValues (*)(Op, typename Op::Adaptor, Lowering &);
  LoweringPattern(const mlir::TypeConverter &converter, mlir::MLIRContext *context, LoweringState &state,
                  Function function)
      : mlir::OpConversionPattern<Op>(converter, context), state(state), function(function) {}

  llvm::LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                      mlir::ConversionPatternRewriter &rewriter) const override {
    Lowering lowering(op, adaptor.getOperands(), rewriter, state);
    LoweredValues values = function(op, adaptor, lowering);
    if (values.size() != op->getNumResults())
      return mlir::failure();
    for (auto [i, value] : llvm::enumerate(values))
      value = lowering.castTo(value, lowering.resultType(i));
    ++state.lowered;
    rewriter.replaceOp(op, values);
    return mlir::success();
  }

private:
  LoweringState &state;
  Function function;
};

/// What each file of lowerings adds its patterns to.
class LoweringPatterns {
public:
  LoweringPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &converter,
                   LoweringState &state)
      : patterns(patterns), converter(converter), state(state) {}

  template <typename Op> void add(LoweredValues (*function)(Op, typename Op::Adaptor, Lowering &)) {
    patterns.add<LoweringPattern<Op>>(converter, patterns.getContext(), state, function);
  }

private:
  mlir::RewritePatternSet &patterns;
  const mlir::TypeConverter &converter;
  LoweringState &state;
};

void addAttentionLowerings(LoweringPatterns &patterns);
void addContractionLowerings(LoweringPatterns &patterns);
void addDataMovementLowerings(LoweringPatterns &patterns);
void addEinsumLowering(LoweringPatterns &patterns);
void addElementwiseLowerings(LoweringPatterns &patterns);
void addIndexingLowerings(LoweringPatterns &patterns);
void addNormalizationLowerings(LoweringPatterns &patterns);
void addQuantizationLowerings(LoweringPatterns &patterns);
void addReductionLowerings(LoweringPatterns &patterns);
void addReshapeLowerings(LoweringPatterns &patterns);
void addScatterLowerings(LoweringPatterns &patterns);
void addShapeLowerings(LoweringPatterns &patterns);
void addTopKLowering(LoweringPatterns &patterns);

/// a times b with equal batch dimensions in front: [batch..., M, K] x [batch..., K, N], or b [batch..., N, K]
/// when `transposed`. Sums of narrow floats are taken in f32, as which one operand may be given already; the
/// result has the element type `result`, by default that of b.
mlir::Value batchedProduct(Lowering &l, mlir::Value a, mlir::Value b, bool transposed = false,
                           mlir::Type result = {});
/// numpy.matmul of a and b; narrow floats as in batchedProduct.
mlir::Value matrixProduct(Lowering &l, mlir::Value a, mlir::Value b);
/// exp(x - max) / sum along `axis`, in the element type of x. With `maskedToZero`, slices of -inf alone give
/// zeros.
mlir::Value softmax(Lowering &l, mlir::Value x, int64_t axis, bool maskedToZero = false);

} // namespace tamis::onnx

#endif
