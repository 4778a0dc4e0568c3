//===- WeightOps.cpp - Verifiers of the weight ops ----------------------------------------------===//
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"

using namespace mlir;
using namespace tamis::weight;

LogicalResult SourceOp::verify() {
  if (getFile().has_value() == getValue().has_value())
    return emitOpError("needs either a file and an offset, or a value");
  if (getFile() && getOffset().value_or(-1) < 0)
    return emitOpError("needs an offset that is not negative");
  if (!cast<RankedTensorType>(getType()).hasStaticShape())
    return emitOpError("needs a static shape");
  if (getValue() && getValue()->getShapedType() != getType())
    return emitOpError("has a value of another type than its own");
  return success();
}

LogicalResult LoadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto source = symbols.lookupNearestSymbolFrom<SourceOp>(getOperation(), getSourceAttr());
  if (!source)
    return emitOpError("names no weight.source: ") << getSourceAttr();
  // Lowering makes unsigned integers signless and those of 4 bits bytes; the bytes stay what they are.
  auto bytesOf = [](RankedTensorType type) { return llvm::divideCeil(type.getElementTypeBitWidth(), 8); };
  auto isSame = [&](RankedTensorType a, RankedTensorType b) {
    return a.getShape() == b.getShape() &&
           (a.getElementType() == b.getElementType() ||
            (isa<IntegerType>(a.getElementType()) && isa<IntegerType>(b.getElementType()) &&
             bytesOf(a) == bytesOf(b) && a.getElementType().isInteger(1) == b.getElementType().isInteger(1)));
  };
  if (!isSame(cast<RankedTensorType>(source.getType()), cast<RankedTensorType>(getResult().getType())))
    return emitOpError("has another type than its source, ") << source.getType();
  return success();
}

LogicalResult TransposeOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  if (!isPermutationVector(getPerm()) || static_cast<int64_t>(getPerm().size()) != from.getRank())
    return emitOpError("needs a permutation of the operand's dimensions");
  for (auto [i, source] : llvm::enumerate(getPerm()))
    if (from.getDimSize(source) != to.getDimSize(i))
      return emitOpError("has a result of size ")
             << to.getDimSize(i) << " in dimension " << i << ", expected " << from.getDimSize(source);
  return success();
}

LogicalResult ReshapeOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  if (!from.hasStaticShape() || !to.hasStaticShape() || from.getNumElements() != to.getNumElements())
    return emitOpError("must keep the number of elements");
  return success();
}

LogicalResult ConcatOp::verify() {
  auto to = cast<RankedTensorType>(getResult().getType());
  int64_t axis = getAxis(), total = 0;
  if (getInputs().empty() || axis < 0 || axis >= to.getRank())
    return emitOpError("needs operands and an axis below the rank");
  for (Value input : getInputs()) {
    auto from = cast<RankedTensorType>(input.getType());
    if (from.getRank() != to.getRank() || from.getElementType() != to.getElementType())
      return emitOpError("has operands of different ranks or element types");
    for (int64_t i = 0; i < to.getRank(); ++i)
      if (i != axis && from.getDimSize(i) != to.getDimSize(i))
        return emitOpError("has operands of different sizes in dimension ") << i;
    total += from.getDimSize(axis);
  }
  if (total != to.getDimSize(axis))
    return emitOpError("has operands of ")
           << total << " elements along the axis, expected " << to.getDimSize(axis);
  return success();
}

LogicalResult SliceOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  int64_t axis = getAxis(), begin = getBegin();
  if (from.getRank() != to.getRank() || axis < 0 || axis >= to.getRank())
    return emitOpError("needs an axis below the rank");
  for (int64_t i = 0; i < to.getRank(); ++i)
    if (i != axis && from.getDimSize(i) != to.getDimSize(i))
      return emitOpError("changes the size of dimension ") << i;
  if (begin < 0 || begin + to.getDimSize(axis) > from.getDimSize(axis))
    return emitOpError("reaches past the end of the operand");
  return success();
}

LogicalResult PackPanelsOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  Type element = to.getElementType();
  bool converts = from.getElementType().isF32() && element.isBF16();
  int64_t rank = from.getRank();
  if ((rank != 2 && rank != 3) || (from.getElementType() != element && !converts))
    return emitOpError("packs matrices of the same element type, or of f32 as bf16");
  int64_t perWord = 32 / element.getIntOrFloatBitWidth(), k = from.getDimSize(rank - 2);
  int64_t panels = llvm::divideCeil(from.getDimSize(rank - 1), 16);
  SmallVector<int64_t> shape{panels, k, 16};
  if (perWord > 1) {
    shape[1] = llvm::alignTo(llvm::divideCeil(k, perWord), 16);
    shape.push_back(perWord);
  }
  if (converts && to.getRank() == rank + 3)
    shape = {panels, shape[1] / 16, 32, 16, 2};
  if (rank == 3)
    shape.insert(shape.begin(), from.getDimSize(0));
  if (to.getShape() != ArrayRef(shape))
    return emitOpError("of ") << from << " is [" << shape << "]";
  return success();
}

LogicalResult InterleaveColumnsOp::verify() {
  auto from = cast<RankedTensorType>(getFirst().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  if (from.getRank() < 1 || getSecond().getType() != from || to.getElementType() != from.getElementType())
    return emitOpError(
        "needs operands and a result of the same rank and elements, the operands of one shape");
  SmallVector<int64_t> shape(from.getShape());
  shape.back() = 2 * llvm::alignTo(shape.back(), 8);
  if (to.getShape() != ArrayRef(shape))
    return emitOpError("of ") << from << " is [" << shape << "]";
  return success();
}

LogicalResult UnpackOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  if ((getBits() != 2 && getBits() != 4) || !from.getElementType().isInteger(8))
    return emitOpError("unpacks groups of 2 or 4 bits from bytes");
  SmallVector<int64_t> shape(from.getShape());
  if (shape.empty())
    return emitOpError("needs an operand with dimensions");
  shape.back() *= 8 / getBits();
  if (to.getShape() != ArrayRef(shape) || !isa<IntegerType>(to.getElementType()) ||
      to.getElementTypeBitWidth() > 8)
    return emitOpError("has the result ")
           << to << ", expected " << shape.back() << " bytes in the last dimension";
  return success();
}

/// One element, one for each of the axis, or one for each block of it.
static bool isParameterOf(RankedTensorType data, RankedTensorType parameter, int64_t axis,
                          int64_t blockSize) {
  if (parameter.getNumElements() == 1)
    return true;
  if (axis < 0 || axis >= data.getRank())
    return false;
  if (blockSize == 0)
    return parameter.getRank() == 1 && parameter.getDimSize(0) == data.getDimSize(axis);
  SmallVector<int64_t> shape(data.getShape());
  shape[axis] = llvm::divideCeil(shape[axis], blockSize);
  return parameter.getShape() == ArrayRef(shape);
}

LogicalResult DequantizeOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  auto scale = cast<RankedTensorType>(getScale().getType());
  if (!isa<IntegerType>(from.getElementType()) || from.getElementTypeBitWidth() > 32 ||
      from.getShape() != to.getShape())
    return emitOpError("needs integers of at most 32 bits, and a result of the same shape");
  int64_t blockSize = getBlockSize();
  if (!isa<FloatType>(scale.getElementType()) || blockSize < 0 ||
      !isParameterOf(from, scale, getAxis(), blockSize))
    return emitOpError("has a scale ") << scale << " that does not fit " << from;
  if (!getZeroPoint())
    return success();
  auto zero = cast<RankedTensorType>(getZeroPoint().getType());
  if (!isParameterOf(from, zero, getAxis(), blockSize))
    return emitOpError("has a zero point ") << zero << " that does not fit " << from;
  return success();
}

/// The shape [..., N] of what there is one of for each column of matrices [..., K, N].
static SmallVector<int64_t> withoutRows(RankedTensorType matrices) {
  SmallVector<int64_t> shape(matrices.getShape());
  shape.erase(shape.end() - 2);
  return shape;
}

LogicalResult ColumnSumsOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  if (from.getRank() < 2 || to.getShape() != ArrayRef(withoutRows(from)))
    return emitOpError("sums the columns of a matrix [K, N] to [N]");
  if (getZeroPoint() && cast<RankedTensorType>(getZeroPoint().getType()).getShape() != to.getShape())
    return emitOpError("needs one zero point a column");
  return success();
}

LogicalResult GatherOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType()),
       indices = cast<RankedTensorType>(getIndices().getType());
  SmallVector<int64_t> shape(from.getShape());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= from.getRank() || indices.getRank() != 1)
    return emitOpError("needs indices [M] and an axis below the rank");
  shape[axis] = indices.getDimSize(0);
  if (to.getShape() != ArrayRef(shape) || from.getElementType() != to.getElementType())
    return emitOpError("has a result ") << to << " that does not fit";
  return success();
}

LogicalResult ExpandOp::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       to = cast<RankedTensorType>(getResult().getType());
  if (from.getNumElements() != 1 || from.getElementType() != to.getElementType())
    return emitOpError("repeats one element");
  return success();
}

static LogicalResult verifyColumns(Operation *op, Type from, Type to) {
  auto matrix = cast<RankedTensorType>(op->getOperand(0).getType()),
       result = cast<RankedTensorType>(op->getResult(0).getType());
  if (matrix.getRank() < 2 || matrix.getElementType() != from || result.getElementType() != to)
    return op->emitOpError("makes ") << to << " of a matrix of " << from;
  bool whole = result.getShape() == matrix.getShape();
  if (isa<QuantizeColumnsOp>(op) ? !whole : result.getShape() != ArrayRef(withoutRows(matrix)))
    return op->emitOpError("has a result ") << result << " that does not fit " << matrix;
  return success();
}
LogicalResult QuantizeColumnsOp::verify() {
  Builder b(getContext());
  return verifyColumns(*this, b.getF32Type(), b.getI8Type());
}
LogicalResult ColumnScalesOp::verify() {
  Builder b(getContext());
  return verifyColumns(*this, b.getF32Type(), b.getF32Type());
}

/// `result` is the packed form of a matrix `from`, or of several, in groups that divide `block`.
static LogicalResult verifyInt4(Operation *op, RankedTensorType from, RankedTensorType result,
                                int64_t block) {
  if (from.getRank() != 2 && from.getRank() != 3)
    return op->emitOpError("packs a matrix [K, N] or matrices [E, K, N], not ") << from;
  std::optional<Int4Format> format = Int4Format::of(result, from.getRank() - 2);
  if (!format)
    return op->emitOpError("has a result ")
           << result << " that is no packed weight of 4 bits in groups of 16, 32, 64 or 128";
  if (block <= 0 || block % format->group)
    return op->emitOpError("has blocks of ")
           << block << " elements, which groups of " << format->group << " do not divide";
  SmallVector<int64_t> shape = format->shapeOf(from.getShape());
  if (result.getShape() != ArrayRef(shape))
    return op->emitOpError("of ") << from << " in groups of " << format->group << " is [" << shape << "]";
  return success();
}

LogicalResult QuantizeInt4Op::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  if (failed(verifyInt4(*this, from, result, getGroup())))
    return failure();
  std::optional<Int4Format> format = Int4Format::of(result, from.getRank() - 2);
  if (format->group != static_cast<int64_t>(getGroup()) || format->hasZeros)
    return emitOpError("makes groups of ") << getGroup() << " without zero points, not " << result;
  return success();
}

LogicalResult PackInt4Op::verify() {
  auto from = cast<RankedTensorType>(getInput().getType()),
       scale = cast<RankedTensorType>(getScale().getType());
  int64_t block = getBlock();
  if (!isa<IntegerType>(from.getElementType()) || from.getElementTypeBitWidth() > 8)
    return emitOpError("needs integers of at most 8 bits");
  if (failed(verifyInt4(*this, from, cast<RankedTensorType>(getResult().getType()), block)))
    return failure();
  int64_t axis = from.getRank() - 2;
  if (!isa<FloatType>(scale.getElementType()) || !isParameterOf(from, scale, axis, block))
    return emitOpError("has a scale ") << scale << " that does not fit " << from << " in blocks of " << block;
  if (!getZeroPoint())
    return success();
  auto zero = cast<RankedTensorType>(getZeroPoint().getType());
  if (!isParameterOf(from, zero, axis, block))
    return emitOpError("has a zero point ")
           << zero << " that does not fit " << from << " in blocks of " << block;
  return success();
}

#define GET_OP_CLASSES
#include "tamis/Dialect/Weight/IR/WeightOps.cpp.inc"
