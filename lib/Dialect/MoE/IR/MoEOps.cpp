//===- MoEOps.cpp - Verifiers and folding of the moe ops --------------------------------------------===//
#include "tamis/Dialect/MoE/IR/MoEDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include "tamis/Dialect/Weight/IR/Int4Format.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Sizes that may be equal at run time.
static bool compatible(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

static LogicalResult verifyLeading(Operation *op, RankedTensorType a, RankedTensorType b, int64_t count,
                                   StringRef what) {
  if (a.getRank() >= count && b.getRank() >= count &&
      llvm::all_of(llvm::zip(a.getShape().take_front(count), b.getShape().take_front(count)),
                   [](auto sizes) { return compatible(std::get<0>(sizes), std::get<1>(sizes)); }))
    return success();
  return op->emitOpError("needs ") << what << " of the tokens of its operand, " << a << ", not " << b;
}

LogicalResult RouteOp::verify() {
  RankedTensorType logits = typeOf(getLogits());
  int64_t rank = logits.getRank(), k = getK();
  if (rank < 1 || logits.isDynamicDim(rank - 1))
    return emitOpError("needs logits of a known number of experts");
  int64_t experts = logits.getDimSize(rank - 1);
  if (k < 1 || k > experts)
    return emitOpError("chooses ") << k << " of " << experts << " experts";
  for (Value result : getResults())
    if (typeOf(result).getRank() != rank || typeOf(result).getShape().back() != k ||
        failed(verifyLeading(*this, logits, typeOf(result), rank - 1, "results")))
      return emitOpError("has a result ") << result.getType() << ", expected " << k << " elements a token";
  if (getBias() && typeOf(getBias()).getShape() != ArrayRef<int64_t>{experts})
    return emitOpError("needs a bias of ") << experts << " elements, not " << getBias().getType();
  int64_t groups = getGroups(), kept = getKeptGroups(), top = getGroupTop();
  if (groups < 1 || experts % groups != 0)
    return emitOpError("cannot cut ") << experts << " experts into " << groups << " groups";
  if (kept < 1 || kept > groups || top < 1 || top > experts / groups)
    return emitOpError("keeps ") << kept << " of " << groups << " groups by their " << top << " greatest of "
                                 << experts / groups << " scores";
  if (groups > 1 && k > kept * (experts / groups))
    return emitOpError("chooses ") << k << " experts, but the groups kept have " << kept * (experts / groups);
  if (getSoftmaxChosen() && getNormalize())
    return emitOpError("has weights that are normalised twice");
  if (getLimitsWeights() && groups == 1)
    return emitOpError("limits weights to groups, but has one group");
  if (std::optional<APFloat> threshold = getMixerThreshold()) {
    if (!(threshold->convertToFloat() >= 0))
      return emitOpError("takes a mixer threshold of 0 or above");
    if (getScore() != Score::Logits || getBias() || groups > 1 || getSoftmaxChosen() || getNormalize())
      return emitOpError("mixes weights of logits only, without bias, groups, and other normalisation");
  }
  llvm::SmallSet<int64_t, 16> leftOut;
  for (int64_t expert : getLeftOut().value_or(ArrayRef<int64_t>()))
    if (expert < 0 || expert >= experts || !leftOut.insert(expert).second)
      return emitOpError("leaves out expert ")
             << expert << ", which is none of " << experts << ", or there twice";
  if (!leftOut.empty() && groups > 1)
    return emitOpError("leaves out experts, but limits its choice to groups");
  if (k > experts - static_cast<int64_t>(leftOut.size()))
    return emitOpError("chooses ") << k << " experts, but leaves out " << leftOut.size() << " of " << experts;
  float fallback = getFallback().convertToFloat();
  if (!(fallback >= 0 && fallback <= 1) || (fallback > 0 && leftOut.empty()))
    return emitOpError("takes a fallback from 0 to 1, and only where it leaves experts out");
  return success();
}

namespace {
/// One of the two products of an expert. The operands beside `w` may be null.
struct Product {
  StringRef name;
  Value w, bias, scale, sums;
};
} // namespace

/// A weight of E matrices [K, N], packed or not; finds N, which a packed one leaves open, through `n`.
static LogicalResult verifyWeight(Operation *op, const Product &product, int64_t k, int64_t &n) {
  RankedTensorType w = typeOf(product.w);
  Type element = w.getElementType();
  if (!w.hasStaticShape() || w.getRank() < 3)
    return op->emitOpError("needs a weight of static shape for each expert, not ") << w;
  if (w.getRank() == 3) {
    if (!element.isF32() || !compatible(k, w.getDimSize(1)))
      return op->emitOpError("multiplies rows of ") << k << " elements by the weight " << w;
    n = w.getDimSize(2);
  } else if (std::optional<weight::Int4Format> format = weight::Int4Format::of(w, 1)) {
    if (!ShapedType::isDynamic(k) && w.getDimSize(2) != format->groupsOf(k))
      return op->emitOpError("multiplies rows of ") << k << " elements by the packed weight " << w;
    if (ShapedType::isDynamic(n) && product.bias && typeOf(product.bias).getRank() == 2)
      n = typeOf(product.bias).getDimSize(1);
    if (!ShapedType::isDynamic(n) && static_cast<int64_t>(llvm::divideCeil(n, 16)) != w.getDimSize(1))
      return op->emitOpError("has a packed weight ") << w << " that does not fit " << n << " columns";
    if (ShapedType::isDynamic(n))
      n = w.getDimSize(1) * 16;
  } else {
    int64_t perWord = 32 / element.getIntOrFloatBitWidth();
    bool isSplit = element.isBF16() && w.getRank() == 6;
    ArrayRef<int64_t> tail = w.getShape().drop_front(3);
    bool fits = isSplit        ? tail == ArrayRef<int64_t>({32, 16, 2})
                : perWord == 1 ? tail == ArrayRef<int64_t>({16})
                               : tail == ArrayRef<int64_t>({16, perWord});
    // Beyond f32, K is padded to whole tiles of 16 words.
    int64_t words = perWord == 1 ? k : static_cast<int64_t>(llvm::alignTo(llvm::divideCeil(k, perWord), 16));
    if (!fits || (!ShapedType::isDynamic(k) && w.getDimSize(2) * (isSplit ? 16 : 1) != words))
      return op->emitOpError("multiplies rows of ") << k << " elements by the packed weight " << w;
    if (ShapedType::isDynamic(n))
      for (Value vector : {product.bias, product.scale, product.sums})
        if (vector && typeOf(vector).getRank() == 2)
          n = typeOf(vector).getDimSize(1);
    if (!ShapedType::isDynamic(n) && static_cast<int64_t>(llvm::divideCeil(n, 16)) != w.getDimSize(1))
      return op->emitOpError("has a packed weight ") << w << " that does not fit " << n << " columns";
    if (ShapedType::isDynamic(n))
      n = w.getDimSize(1) * 16;
  }
  if (element.isInteger(8) != bool(product.scale) || bool(product.scale) != bool(product.sums))
    return op->emitOpError("needs scale and sums beside a weight of i8, and only there");
  for (Value vector : {product.bias, product.scale, product.sums})
    if (vector && typeOf(vector).getShape() != ArrayRef<int64_t>({w.getDimSize(0), n}))
      return op->emitOpError("needs ")
             << n << " columns an expert beside its " << product.name << " weight, not " << vector.getType();
  return success();
}

int64_t ExpertsOp::getExpertCount() { return typeOf(getPlaces() ? getPlaces() : getWIn()).getDimSize(0); }

LogicalResult ExpertsOp::verify() {
  RankedTensorType x = typeOf(getX()), indices = typeOf(getIndices()), y = typeOf(getY());
  int64_t rank = x.getRank();
  if (rank < 1 || indices.getRank() != rank || indices.isDynamicDim(rank - 1))
    return emitOpError("needs indices of the rank of x, with a known number of experts a token");
  if (failed(verifyLeading(*this, x, indices, rank - 1, "indices")))
    return failure();
  if (getPlaces() && (typeOf(getPlaces()).getRank() != 1 || !typeOf(getPlaces()).hasStaticShape()))
    return emitOpError("needs a place for each of a known number of experts, not ") << getPlaces().getType();
  if (getWeights() && failed(verifyCompatibleShape(getWeights().getType(), indices)))
    return emitOpError("needs a weight for each index, not ") << getWeights().getType();
  int64_t columns = ShapedType::kDynamic, n = y.getShape().back();
  if (ShapedType::isDynamic(n))
    return emitOpError("needs a result whose last dimension is of static size");
  Product in{"inner", getWIn(), getBIn(), getSIn(), getTIn()},
      out{"outer", getWOut(), getBOut(), getSOut(), getTOut()};
  if (failed(verifyWeight(*this, in, x.getShape().back(), columns)))
    return failure();
  if (getGated() && columns % 16 != 0)
    return emitOpError("is gated, but has ") << columns << " columns, which are no pairs of 8";
  // A gate's columns are rounded up to 8, and packing to 16; the outer weight says what they are.
  int64_t inner = ShapedType::kDynamic, hidden = getGated() ? columns / 2 : columns;
  RankedTensorType outType = typeOf(getWOut());
  if (outType.getRank() == 3 && outType.hasStaticShape()) {
    inner = outType.getDimSize(1);
    if (getGated() ? llvm::alignTo(inner, 8) != static_cast<uint64_t>(hidden)
                   : inner != hidden && typeOf(getWIn()).getRank() == 3)
      return emitOpError("computes ") << hidden << " columns and multiplies " << inner << " of them";
  }
  int64_t given = n;
  if (failed(verifyWeight(*this, out, inner, given)))
    return failure();
  if (given != n)
    return emitOpError("has a result of ") << n << " columns, expected " << given;
  if (typeOf(getWIn()).getDimSize(0) != outType.getDimSize(0))
    return emitOpError("has weights of ")
           << typeOf(getWIn()).getDimSize(0) << " and of " << outType.getDimSize(0) << " experts";
  if (y.getRank() != (getWeights() ? rank : rank + 1) ||
      failed(verifyLeading(*this, indices, y, getWeights() ? rank - 1 : rank, "a result")))
    return emitOpError("has a result ")
           << y << (getWeights() ? ", expected a row a token" : ", expected a row a pair");
  if (getAlpha().isZero() || (getActivation() != nn::Activation::Silu && !getAlpha().isExactlyValue(1.0)))
    return emitOpError("takes an alpha other than 0 for silu, and 1 for other activations");
  if (!getGated() && (!getBeta().isZero() || !getLimit().isInfinity() || !getAlpha().isExactlyValue(1.0)))
    return emitOpError("takes alpha, beta and limit only when it is gated");
  return success();
}

LogicalResult CombineOp::verify() {
  RankedTensorType y = typeOf(getY()), weights = typeOf(getWeights()), z = typeOf(getZ());
  int64_t rank = y.getRank();
  if (rank < 2 || weights.getRank() != rank - 1 || z.getRank() != rank - 1)
    return emitOpError("needs y [..., k, N], weights [..., k] and a result [..., N]");
  if (failed(verifyLeading(*this, y, weights, rank - 1, "weights")) ||
      failed(verifyLeading(*this, y, z, rank - 2, "a result")))
    return failure();
  if (!compatible(y.getShape().back(), z.getShape().back()))
    return emitOpError("changes the size of the last dimension");
  return success();
}

LogicalResult ObserveOp::verify() {
  RankedTensorType indices = typeOf(getIndices()), weights = typeOf(getWeights()), y = typeOf(getY());
  int64_t rank = indices.getRank();
  if (rank < 1 || weights.getRank() != rank || y.getRank() != rank + 1)
    return emitOpError("needs indices and weights [..., k] and y [..., k, N]");
  if (failed(verifyLeading(*this, indices, weights, rank, "weights")) ||
      failed(verifyLeading(*this, indices, y, rank, "y")))
    return failure();
  if (!getLogits())
    return success();
  RankedTensorType logits = typeOf(getLogits());
  if (logits.getRank() != rank || failed(verifyLeading(*this, indices, logits, rank - 1, "logits")) ||
      !compatible(logits.getShape().back(), static_cast<int64_t>(getExperts())))
    return emitOpError("needs logits [..., E] for E experts");
  return success();
}

namespace {
/// The experts add up what they compute: the rows of pairs need not be written.
struct FoldIntoExperts : OpRewritePattern<CombineOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CombineOp op, PatternRewriter &rewriter) const override {
    auto experts = op.getY().getDefiningOp<ExpertsOp>();
    if (!experts || experts.getWeights() || !experts->hasOneUse())
      return rewriter.notifyMatchFailure(op, "it does not add up experts that only it reads");
    rewriter.replaceOpWithNewOp<ExpertsOp>(
        op, op.getType(), experts.getX(), experts.getIndices(), op.getWeights(), experts.getWIn(),
        experts.getBIn(), experts.getSIn(), experts.getTIn(), experts.getWOut(), experts.getBOut(),
        experts.getSOut(), experts.getTOut(), experts.getPlaces(), experts.getSkips(),
        experts.getActivation(), experts.getGated(), experts.getAlpha(), experts.getBeta(),
        experts.getLimit());
    rewriter.eraseOp(experts);
    return success();
  }
};
} // namespace

void CombineOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FoldIntoExperts>(context);
}

#define GET_OP_CLASSES
#include "tamis/Dialect/MoE/IR/MoEOps.cpp.inc"
