//===- TokenCacheOps.cpp - Verifiers of what chooses rows of a cache --------------------------------===//
#include "tamis/Dialect/Token/IR/TokenCache.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// What all have in common; `groups` is the middle size of the result.
template <typename Op> static LogicalResult verifyCache(Op op, int64_t groups) {
  RankedTensorType k = typeOf(op.getK()), kept = typeOf(op.getKept());
  if (typeOf(op.getQ()).getRank() != 3 || k.getRank() != 4 || k.isDynamicDim(1) || k.isDynamicDim(3))
    return op.emitOpError("needs q [B, S, ...] and a cache [B, heads, T, size] with heads and size known");
  if (op.getMask() && typeOf(op.getMask()).getRank() != 2)
    return op.emitOpError("takes a mask [B, T]");
  if (op.getStarts() && (typeOf(op.getStarts()).getRank() != 2 || typeOf(op.getStarts()).getDimSize(1) != 1))
    return op.emitOpError("takes starts [B, 1]");
  if (op.getMask() && op.getStarts())
    return op.emitOpError("takes a mask of padding in front, or starts of sequences with padding behind");
  if (kept.getRank() != 3 || kept.getDimSize(1) != groups || !kept.isDynamicDim(2))
    return op.emitOpError("makes kept [B, ") << groups << ", ?]";
  return success();
}

template <typename Op> static LogicalResult verifyQueries(Op op) {
  auto heads = static_cast<int64_t>(op.getHeads()), first = static_cast<int64_t>(op.getQColumn());
  RankedTensorType k = typeOf(op.getK());
  int64_t columns = typeOf(op.getQ()).getDimSize(2);
  if (heads < 1 || heads % k.getDimSize(1) || first < 0 ||
      (!ShapedType::isDynamic(columns) && columns < first + heads * k.getDimSize(3)))
    return op.emitOpError("needs queries of heads that are a multiple of the key heads");
  return success();
}

LogicalResult CacheWindowOp::verify() {
  if (static_cast<int64_t>(getSetting()) < 0 || static_cast<int64_t>(getSinks()) < 0)
    return emitOpError("needs a setting, and reads no fewer sinks than none");
  return verifyCache(*this, 1);
}

LogicalResult CachePagesOp::verify() {
  auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  if (failed(verifyCache(*this, typeOf(getK()).getDimSize(1))))
    return failure();
  if (number(getSetting()) < 0 || number(getMemory()) < 0 || number(getSinks()) < 0)
    return emitOpError("needs a setting and a memory, and reads no fewer sinks than none");
  if (number(getPage()) < 1 || number(getWindow()) < 1)
    return emitOpError("needs pages of at least one row, and reads at least the last one");
  return verifyQueries(*this);
}

LogicalResult CacheSnapOp::verify() {
  auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
  if (failed(verifyCache(*this, typeOf(getK()).getDimSize(1))))
    return failure();
  if (getStarts())
    return emitOpError("takes no starts: the last rows of a prompt with padding behind are not its end");
  if (number(getSetting()) < 0 || number(getMemory()) < 0)
    return emitOpError("needs a setting and a memory");
  if (number(getWindow()) < 1 || number(getPool()) < 1 || number(getPool()) % 2 == 0)
    return emitOpError("asks at least the last row, and pools an odd number of rows");
  return verifyQueries(*this);
}

#define GET_OP_CLASSES
#include "tamis/Dialect/Token/IR/TokenCacheOps.cpp.inc"
