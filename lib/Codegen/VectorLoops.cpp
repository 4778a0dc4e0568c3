//===- VectorLoops.cpp - Which linalg ops have vector code, and along which loop --------------------===//
#include "tamis/Codegen/VectorLoops.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

/// A row shorter than this costs more in masks than vectors save.
static constexpr int64_t shortestRow = 4;

/// Whether elements lie in memory as vectors of them do. An i1 is a byte in memory, but a bit in a vector.
static bool isVectorElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() >= 8;
  return isa<Float16Type, Float32Type, Float64Type>(type);
}

static bool isVectorOp(Operation &op) {
  if (isa<linalg::IndexOp, arith::ConstantOp>(op))
    return true;
  // Vectors of quotients are computed lane by lane, and lanes that are off would divide by 0.
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::CeilDivSIOp,
          arith::CeilDivUIOp, arith::FloorDivSIOp>(op))
    return false;
  // bf16 is lowered to its bits as scalars only.
  if (llvm::any_of(op.getResultTypes(), llvm::IsaPred<BFloat16Type>))
    return false;
  return op.getNumRegions() == 0 && OpTrait::hasElementwiseMappableTraits(&op) &&
         isa<arith::ArithDialect, math::MathDialect>(op.getDialect());
}

/// The op that joins two partial results, if its order does not matter.
static Operation *combinerOf(linalg::GenericOp op) {
  SmallVector<Operation *, 4> combiners;
  if (op.getNumDpsInits() != 1 || !matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1)
    return nullptr;
  Operation *combiner = combiners.front();
  if (!arith::getNeutralElement(combiner))
    return nullptr;
  if (isa<arith::AddFOp, arith::MulFOp>(combiner)) {
    auto flags = cast<arith::ArithFastMathInterface>(combiner).getFastMathFlagsAttr();
    if (!flags || !bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::reassoc))
      return nullptr;
  }
  return combiner;
}

bool VectorLoops::hasVectorBody(linalg::GenericOp op) {
  // What is statically empty has no tile.
  if (!llvm::all_of(op.getBody()->without_terminator(), isVectorOp) ||
      llvm::is_contained(op.getStaticLoopRanges(), 0))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!op.getMatchingIndexingMap(&operand).isProjectedPermutation(/*allowZeroInResults=*/true))
      return false;
    if (auto type = dyn_cast<ShapedType>(operand.get().getType());
        type && !isVectorElement(type.getElementType()))
      return false;
  }
  for (OpOperand &operand : op.getDpsInitsMutable()) {
    // Each output has all parallel loops and no reduction.
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
      if (map.isFunctionOfDim(i) != (iterator == utils::IteratorType::parallel))
        return false;
  }
  if (op.getNumReductionLoops() == 0)
    return true;
  // Only a sum along vectors is joined in another order.
  bool isLast = false;
  for (auto [size, iterator] : llvm::zip_equal(op.getStaticLoopRanges(), op.getIteratorTypesArray()))
    if (size != 1)
      isLast = iterator == utils::IteratorType::reduction;
  return op.getNumDpsInits() == 1 && (!isLast || combinerOf(op));
}

/// The position of a loop in an operand's map, or -1.
static int64_t positionOf(AffineMap map, unsigned dim) {
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    if (expr == getAffineDimExpr(dim, map.getContext()))
      return i;
  return -1;
}

/// Whether every operand walks loop `first` and then `second` as if they were one.
static bool canMerge(linalg::GenericOp op, unsigned first, unsigned second) {
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    int64_t a = positionOf(map, first), b = positionOf(map, second);
    if (a < 0 && b < 0)
      continue;
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (a < 0 || b <= a || !type || !type.getLayout().isIdentity())
      return false;
    if (!llvm::all_of(type.getShape().slice(a + 1, b - a - 1), [](int64_t size) { return size == 1; }))
      return false;
  }
  return true;
}

FailureOr<VectorLoops> VectorLoops::of(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || !hasVectorBody(op))
    return failure();
  VectorLoops result;
  result.op = op;
  result.combiner = op.getNumReductionLoops() ? combinerOf(op) : nullptr;
  result.arithmetic = std::distance(op.getBody()->begin(), std::prev(op.getBody()->end()));
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  bool mayMerge = !op.hasIndexSemantics();
  for (unsigned dim = 0; dim < sizes.size(); ++dim) {
    if (sizes[dim] == 1)
      continue;
    bool isReduction = iterators[dim] == utils::IteratorType::reduction;
    if (mayMerge && !result.loops.empty() && result.loops.back().isReduction == isReduction &&
        canMerge(op, result.loops.back().dims.back(), dim))
      result.loops.back().dims.push_back(dim);
    else
      result.loops.push_back({{dim}, isReduction});
  }
  if (result.loops.empty())
    return failure();
  int64_t row = 1;
  for (unsigned dim : result.loops.back().dims)
    row = ShapedType::isDynamic(row) || ShapedType::isDynamic(sizes[dim]) ? ShapedType::kDynamic
                                                                          : row * sizes[dim];
  if (!ShapedType::isDynamic(row) && row < shortestRow)
    return failure();
  unsigned last = result.loops.back().dims.back();
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    SmallVector<int64_t> strides;
    int64_t offset, position = positionOf(op.getMatchingIndexingMap(&operand), last);
    if (failed(type.getStridesAndOffset(strides, offset)) || (position >= 0 && strides[position] != 1))
      return failure();
  }
  return result;
}

int64_t VectorLoops::lanes(int64_t f32Lanes) {
  int64_t widest = 1;
  for (Value operand : op->getOperands())
    if (auto type = dyn_cast<MemRefType>(operand.getType()))
      widest = std::max<int64_t>(widest, type.getElementTypeBitWidth() / 8);
  return f32Lanes * 4 / widest;
}
