//===- ONNXOps.cpp - Folders of single onnx ops ------------------------------------------------------===//
//
// What all ops share (small known results become constants) is in Folding.cpp; result types are in the
// *Types.cpp.
//
//===--------------------------------------------------------------------------------------------------===//
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::onnx;

#include "tamis/Dialect/ONNX/IR/ShapeInference.cpp.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/ONNX/IR/ONNXOps.cpp.inc"

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getX().getType() == getY().getType() ? OpFoldResult(getX()) : OpFoldResult();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (isIdentityPermutation(getPerm()) && getX().getType() == getY().getType())
    return getX();
  auto inner = getX().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  SmallVector<int64_t> perm;
  for (int64_t dim : getPerm())
    perm.push_back(inner.getPerm()[dim]);
  getXMutable().assign(inner.getX());
  setPerm(perm);
  return getResult();
}
