//===- WeightOps.cpp - Verifiers of the weight ops ----------------------------------------------===//
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/PatternMatch.h"

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
  if (source.getType() != getResult().getType())
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
  if (from.getRank() != 2 || to.getRank() != 3 || from.getElementType() != to.getElementType())
    return emitOpError("packs a matrix into three dimensions of the same element type");
  if (to.getDimSize(2) != 16 || to.getDimSize(1) != from.getDimSize(0) ||
      to.getDimSize(0) != static_cast<int64_t>(llvm::divideCeil(from.getDimSize(1), 16)))
    return emitOpError("of ") << from << " is [" << llvm::divideCeil(from.getDimSize(1), 16) << ", "
                              << from.getDimSize(0) << ", 16]";
  return success();
}

#define GET_OP_CLASSES
#include "tamis/Dialect/Weight/IR/WeightOps.cpp.inc"
