//===- NNDecodingOps.cpp - Verifiers of what a decoder keeps --------------------------------------------===//
#include "tamis/Dialect/NN/IR/NNDecoding.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::nn;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static bool compatible(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

LogicalResult KVAppendOp::verify() {
  RankedTensorType past = typeOf(getPast()), added = typeOf(getAdded()), present = typeOf(getPresent());
  if (getPresent().getType() != getRows().getType())
    return emitOpError("needs results of one type");
  for (RankedTensorType type : {past, added, present}) {
    if (type.getRank() != 4 || type.isDynamicDim(1) || type.isDynamicDim(3))
      return emitOpError("needs tensors [batch, heads, rows, size] with heads and size known");
    if (type.getDimSize(1) != past.getDimSize(1) || type.getDimSize(3) != past.getDimSize(3) ||
        type.getElementType() != past.getElementType() || !compatible(type.getDimSize(0), past.getDimSize(0)))
      return emitOpError("appends ") << added << " to " << past << ", which gives no " << present;
  }
  if (static_cast<bool>(getStarts()) != static_cast<bool>(getExtra()))
    return emitOpError("needs starts and the number of extra rows together");
  if (getStarts() && (typeOf(getStarts()).getRank() != 2 || typeOf(getStarts()).getDimSize(1) != 1 ||
                      typeOf(getExtra()).getRank() != 0))
    return emitOpError("takes starts [batch, 1] and a scalar number of extra rows");
  return success();
}

LogicalResult WantedRowsOp::verify() {
  RankedTensorType x = typeOf(getX()), y = typeOf(getY());
  if (x.getRank() < 2 || y.getRank() != x.getRank() || !y.isDynamicDim(1) ||
      x.getElementType() != y.getElementType() || x.getShape().drop_front(2) != y.getShape().drop_front(2))
    return emitOpError("needs a result like its operand, with a second dimension that is not known");
  return success();
}

#define GET_OP_CLASSES
#include "tamis/Dialect/NN/IR/NNDecodingOps.cpp.inc"
