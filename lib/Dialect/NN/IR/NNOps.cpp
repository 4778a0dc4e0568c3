//===- NNOps.cpp - Verifiers of the nn ops --------------------------------------------------------===//
#include "tamis/Dialect/NN/IR/NNDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"
#include <cmath>

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Sizes that may be equal at run time.
static bool compatible(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

/// A vector [size] beside a matrix: a bias, a scale.
static LogicalResult verifyVector(Operation *op, Value vector, int64_t size, StringRef what) {
  if (!vector)
    return success();
  RankedTensorType type = typeOf(vector);
  if (type.getRank() != 1 || !compatible(type.getDimSize(0), size))
    return op->emitOpError("needs a ") << what << " of " << size << " elements, not " << type;
  return success();
}

/// A packed weight of 4 bits, likewise.
static LogicalResult verifyInt4Weight(Operation *op, int64_t k, RankedTensorType w, int64_t n) {
  std::optional<weight::Int4Format> format = weight::Int4Format::of(w);
  if (!format || w.getDimSize(0) != static_cast<int64_t>(llvm::divideCeil(n, weight::Int4Format::columns)))
    return op->emitOpError("has a packed weight ") << w << " that does not fit " << n << " columns";
  if (!ShapedType::isDynamic(k) && w.getDimSize(1) != format->groupsOf(k))
    return op->emitOpError("multiplies rows of ") << k << " elements by a weight of " << w.getDimSize(1)
                                                  << " groups of " << format->group << " rows";
  return success();
}

/// A weight, packed or not, for rows of `k` elements and a result of `n` columns.
static LogicalResult verifyWeight(Operation *op, int64_t k, RankedTensorType w, int64_t n) {
  Type element = w.getElementType();
  if (w.getRank() == 2) {
    if (w.getDimSize(1) != n || (!element.isF32() && !isa<QuantizedLinearOp>(op)))
      return op->emitOpError("has a weight ") << w << " that does not fit " << n << " columns";
    if (!compatible(k, w.getDimSize(0)))
      return op->emitOpError("multiplies rows of ")
             << k << " elements by a weight of " << w.getDimSize(0) << " rows";
    return success();
  }
  if (element.isInteger(32))
    return verifyInt4Weight(op, k, w, n);
  int64_t perWord = 32 / element.getIntOrFloatBitWidth();
  bool isSplit = element.isBF16() && w.getRank() == 5;
  ArrayRef<int64_t> tail = w.getShape().drop_front(std::min<int64_t>(2, w.getRank()));
  bool fits = w.getDimSize(0) == static_cast<int64_t>(llvm::divideCeil(n, 16)) &&
              (isSplit        ? tail == ArrayRef<int64_t>({32, 16, 2})
               : perWord == 1 ? tail == ArrayRef<int64_t>({16})
                              : tail == ArrayRef<int64_t>({16, perWord}));
  if (!fits)
    return op->emitOpError("has a packed weight ") << w << " that does not fit " << n << " columns";
  // Beyond f32, K is padded to whole tiles of 16 words.
  int64_t words = perWord == 1 ? k : llvm::alignTo(llvm::divideCeil(k, perWord), 16);
  int64_t packed = w.getDimSize(1) * (isSplit ? 16 : 1);
  if (!ShapedType::isDynamic(k) && packed != words)
    return op->emitOpError("multiplies rows of ")
           << k << " elements by a weight of " << packed * perWord << " rows";
  return success();
}

/// What layers that multiply rows by a weight have in common; `residual` and `bias` may be null.
template <typename Op> static LogicalResult verifyProduct(Op op) {
  RankedTensorType x = typeOf(op.getX()), w = typeOf(op.getW()), y = typeOf(op.getY());
  if (x.getRank() < 1 || x.getRank() != y.getRank())
    return op.emitOpError("needs operand and result of the same rank, at least 1");
  int64_t n = y.getShape().back();
  if (ShapedType::isDynamic(n) || !w.hasStaticShape())
    return op.emitOpError("needs a weight and a last dimension of the result of static size");
  if (failed(verifyWeight(op, x.getShape().back(), w, n)))
    return failure();
  for (int64_t i = 0; i + 1 < x.getRank(); ++i)
    if (!compatible(x.getDimSize(i), y.getDimSize(i)))
      return op.emitOpError("changes the size of dimension ") << i;
  if (op.getResidual() && failed(verifyCompatibleShape(op.getResidual().getType(), y)))
    return op.emitOpError("has a residual ") << op.getResidual().getType() << " unlike its result " << y;
  return verifyVector(op, op.getBias(), n, "bias");
}

LogicalResult LinearOp::verify() {
  if (failed(verifyProduct(*this)))
    return failure();
  int64_t n = typeOf(getY()).getShape().back();
  if (typeOf(getW()).getElementType().isInteger(8) != bool(getScale()) || bool(getScale()) != bool(getSums()))
    return emitOpError("needs scale and sums beside a weight of i8, and only there");
  if (failed(verifyVector(*this, getScale(), n, "scale")))
    return failure();
  return verifyVector(*this, getSums(), n, "sum");
}

/// The scale and zero point of x, where they do not depend on it.
static LogicalResult verifyRange(QuantizedLinearOp op) {
  if (failed(verifyVector(op, op.getRange(), 2, "range")))
    return failure();
  DenseFPElementsAttr constant;
  if (!op.getRange() || !matchPattern(op.getRange(), m_Constant(&constant)))
    return success();
  auto numbers = llvm::to_vector(constant.getValues<float>());
  float scale = numbers[0], zeroPoint = numbers[1];
  if (!std::isfinite(scale) || scale <= 0)
    return op.emitOpError("has a range of scale ") << scale << ", which is no positive number";
  if (!(zeroPoint >= 0 && zeroPoint <= 255) || zeroPoint != std::floor(zeroPoint))
    return op.emitOpError("has a range of zero point ")
           << zeroPoint << ", which is no whole number from 0 to 255";
  return success();
}

LogicalResult QuantizedLinearOp::verify() {
  if (failed(verifyProduct(*this)))
    return failure();
  RankedTensorType w = typeOf(getW());
  int64_t n = typeOf(getY()).getShape().back();
  // (q - z) (w - zero_point) is at most 255 * 255; its sums stay exact in i32.
  int64_t k = w.getRank() == 2 ? w.getDimSize(0) : typeOf(getX()).getShape().back();
  if (k > INT32_MAX / (255 * 255))
    return emitOpError("sums up ") << k << " products, which 32 bits cannot hold";
  if (failed(verifyVector(*this, getScale(), n, "scale")) ||
      failed(verifyVector(*this, getZeroPoint(), n, "zero point")))
    return failure();
  if (failed(verifyRange(*this)))
    return failure();
  return verifyVector(*this, getColumnSums(), n, "vector of column sums");
}

LogicalResult LayerNormOp::verify() {
  if (typeOf(getX()).getRank() < 1 || failed(verifyCompatibleShape(getX().getType(), getY().getType())))
    return emitOpError("needs a result of the operand's shape, of rank at least 1");
  int64_t h = typeOf(getX()).getShape().back();
  if (failed(verifyVector(*this, getScale(), h, "scale")))
    return failure();
  return verifyVector(*this, getBias(), h, "bias");
}

LogicalResult RMSNormOp::verify() {
  if (typeOf(getX()).getRank() < 1 || failed(verifyCompatibleShape(getX().getType(), getY().getType())))
    return emitOpError("needs a result of the operand's shape, of rank at least 1");
  return verifyVector(*this, getScale(), typeOf(getX()).getShape().back(), "scale");
}

LogicalResult EmbeddingOp::verify() {
  RankedTensorType y = typeOf(getY());
  if (getTables().empty() || getTables().size() != getIds().size())
    return emitOpError("needs one tensor of ids for each table, and at least one");
  if (y.getRank() < 1)
    return emitOpError("needs a result of rank at least 1");
  for (auto [table, ids] : llvm::zip(getTables(), getIds())) {
    if (typeOf(table).getRank() != 2 || !compatible(typeOf(table).getDimSize(1), y.getShape().back()))
      return emitOpError("has a table ")
             << table.getType() << " for rows of " << y.getShape().back() << " elements";
    if (typeOf(ids).getRank() > y.getRank() - 1)
      return emitOpError("has ids of a higher rank than the result without its last dimension");
  }
  return success();
}

LogicalResult AttentionOp::verify() {
  RankedTensorType q = typeOf(getQ()), k = typeOf(getK()), v = typeOf(getV()), y = typeOf(getY());
  bool ragged = static_cast<bool>(getOffsets());
  int64_t rank = ragged ? 2 : 3;
  bool cached = !ragged && k.getRank() == 4 && v.getRank() == 4;
  for (RankedTensorType type : {q, k, v, y})
    if (type.getRank() != rank && !(cached && type.getRank() == 4 && (type == k || type == v)))
      return emitOpError("needs operands and result of rank ") << rank << (ragged ? " with offsets" : "");
  if (getHeads() <= 0 || getKvHeads() <= 0 || getHeads() % getKvHeads() != 0)
    return emitOpError("needs a number of heads that is a multiple of the number of key heads");
  if (getHeadDim() <= 0 || getValueDim() <= 0)
    return emitOpError("needs heads of a size above 0");
  auto columns = [&](RankedTensorType type, int64_t first, int64_t width, StringRef what) -> LogicalResult {
    int64_t size = type.getShape().back();
    if (first < 0 || (!ShapedType::isDynamic(size) && first + width > size))
      return emitOpError("reads columns ")
             << first << " to " << first + width << " of " << what << ", which has " << size;
    return success();
  };
  auto isRowsOf = [&](RankedTensorType type, int64_t heads, int64_t size) {
    return type.getDimSize(1) == heads && type.getDimSize(3) == size;
  };
  if (cached && (!isRowsOf(k, getKvHeads(), getHeadDim()) || !isRowsOf(v, getKvHeads(), getValueDim()) ||
                 getKColumn() || getVColumn()))
    return emitOpError("needs caches of ")
           << getKvHeads() << " heads of " << getHeadDim() << " and " << getValueDim() << " columns";
  if (failed(columns(q, getQColumn(), getHeads() * getHeadDim(), "q")))
    return failure();
  if (!cached && (failed(columns(k, getKColumn(), getKvHeads() * getHeadDim(), "k")) ||
                  failed(columns(v, getVColumn(), getKvHeads() * getValueDim(), "v"))))
    return failure();
  if (!compatible(y.getShape().back(), getHeads() * getValueDim()))
    return emitOpError("needs a result of ") << getHeads() * getValueDim() << " columns";
  if (getKeyMask() && (ragged || typeOf(getKeyMask()).getRank() != 2))
    return emitOpError("takes a key mask of rank 2, and only without offsets");
  if (getBias() && typeOf(getBias()).getRank() != 4)
    return emitOpError("takes a bias of rank 4");
  if (getKeyBias() && (!ragged || typeOf(getKeyBias()).getRank() != 1))
    return emitOpError("takes a bias of keys of rank 1, and only with offsets");
  if (getEmptyRowBias() && (!getKeyMask() || typeOf(getEmptyRowBias()).getRank() != 4))
    return emitOpError("takes a bias of empty rows of rank 4, and only with a key mask");
  if (getKept()) {
    RankedTensorType kept = typeOf(getKept());
    if (!cached || getWindow() != 0)
      return emitOpError("takes rows that are kept of caches only, and without a window of its own");
    if (kept.getRank() != 3 ||
        (kept.getDimSize(1) != 1 && kept.getDimSize(1) != static_cast<int64_t>(getKvHeads())))
      return emitOpError("takes the rows that are kept as [batch, 1 or key heads, 1 + rows]");
  }
  if (ragged && getBias() && !getPositions())
    return emitOpError("needs positions to read a bias by");
  if (getPositions() && !ragged)
    return emitOpError("takes positions only with offsets");
  return success();
}

LogicalResult MeanPoolOp::verify() {
  RankedTensorType x = typeOf(getX()), y = typeOf(getY());
  if (static_cast<bool>(getMask()) == static_cast<bool>(getOffsets()))
    return emitOpError("needs either a mask or offsets");
  if (x.getRank() != (getOffsets() ? 2 : 3) || y.getRank() != 2)
    return emitOpError("pools [B, S, H] with a mask or [R, H] with offsets to [B, H]");
  if (getWeights() && (!getOffsets() || typeOf(getWeights()).getRank() != 1))
    return emitOpError("takes weights of rank 1, and only with offsets");
  if (!compatible(x.getShape().back(), y.getShape().back()))
    return emitOpError("changes the size of the last dimension");
  return success();
}

#define GET_OP_CLASSES
#include "tamis/Dialect/NN/IR/NNOps.cpp.inc"
