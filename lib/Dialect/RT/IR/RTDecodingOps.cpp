//===- RTDecodingOps.cpp - Verifiers of what a decoder's code asks for ------------------------------===//
#include "tamis/Dialect/RT/IR/RTDecoding.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::rt;

LogicalResult CacheOp::verify() {
  auto type = cast<MemRefType>(getPlace().getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  // Rows in one piece have such strides too, but say that there is no room between heads.
  bool placed = isa<StridedLayoutAttr>(type.getLayout()) &&
                succeeded(type.getStridesAndOffset(strides, offset)) && offset == 0 && strides[3] == 1 &&
                strides[2] == type.getDimSize(3) && ShapedType::isDynamic(strides[0]) &&
                ShapedType::isDynamic(strides[1]);
  if (!placed || type.isDynamicDim(1) || type.isDynamicDim(3) || !type.isDynamicDim(2))
    return emitOpError(
        "needs a place [batch, heads, rows, size] with heads and size known, of strides [?, ?, "
        "size, 1]");
  return success();
}

#define GET_OP_CLASSES
#include "tamis/Dialect/RT/IR/RTDecodingOps.cpp.inc"
