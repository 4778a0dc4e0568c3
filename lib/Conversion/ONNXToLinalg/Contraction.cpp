//===- Contraction.cpp - Lowerings of matrix products ---------------------------------------------===//
//
// Products become linalg.matmul or linalg.batch_matmul with one batch dimension, the forms that the passes
// behind this one know how to make fast.
//
//===----------------------------------------------------------------------------------------------===//
#include "Lowering.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }
constexpr StringLiteral innerSizesDiffer = "the inner sizes of a matrix product differ";

/// Swaps the last two dimensions.
static Value transposeMatrix(Lowering &l, Value x) {
  SmallVector<Size, 4> sizes = l.sizes(x);
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, sizes.size()));
  std::swap(permutation[sizes.size() - 1], permutation[sizes.size() - 2]);
  std::swap(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
  Value init = l.empty(sizes, typeOf(x).getElementType());
  return l.known(linalg::TransposeOp::create(l, l.getLoc(), x, init, permutation).getResult()[0], sizes);
}

Value tamis::onnx::batchedProduct(Lowering &l, Value a, Value b, bool transposed, Type element) {
  if (transposed)
    b = transposeMatrix(l, b);
  Type wide = computeType(typeOf(b).getElementType());
  if (!element)
    element = typeOf(b).getElementType();
  SmallVector<Size, 4> aSizes = l.sizes(a), bSizes = l.sizes(b);
  unsigned batchRank = aSizes.size() - 2;
  ArrayRef<Size> batch = ArrayRef(aSizes).take_front(batchRank);
  Size rows = aSizes[batchRank], inner = aSizes[batchRank + 1], columns = bSizes[batchRank + 1];
  if (batchRank > 1) {
    Size count = l.productSize(batch);
    a = l.reshape(a, {count, rows, inner});
    b = l.reshape(b, {count, bSizes[batchRank], columns});
  }
  SmallVector<Size> sizes;
  if (batchRank > 0)
    sizes.push_back(l.size(a, 0));
  sizes.append({rows, columns});
  Value init = l.filled(sizes, l.integer(wide, 0)), result;
  if (batchRank == 0)
    result = linalg::MatmulOp::create(l, l.getLoc(), init.getType(), ValueRange{a, b}, init).getResult(0);
  else
    result =
        linalg::BatchMatmulOp::create(l, l.getLoc(), init.getType(), ValueRange{a, b}, init).getResult(0);
  result = l.convertElements(l.known(result, sizes), element);
  if (batchRank < 2)
    return result;
  SmallVector<Size> to(batch);
  to.append({rows, columns});
  return l.reshape(result, to);
}

Value tamis::onnx::matrixProduct(Lowering &l, Value a, Value b) {
  bool vectorA = typeOf(a).getRank() == 1, vectorB = typeOf(b).getRank() == 1;
  if (vectorA)
    a = l.insertUnitDims(a, 0);
  if (vectorB)
    b = l.insertUnitDims(b, 1);
  SmallVector<Size, 4> aSizes = l.sizes(a), bSizes = l.sizes(b);
  size_t aBatch = aSizes.size() - 2, bBatch = bSizes.size() - 2, rank = std::max(aBatch, bBatch);
  Size rows = aSizes[aBatch], inner = aSizes[aBatch + 1], columns = bSizes[bBatch + 1];
  l.checkEqual(inner, bSizes[bBatch], innerSizesDiffer);

  Value result;
  SmallVector<Size> sizes;
  bool oneB = llvm::all_of(ArrayRef(bSizes).take_front(bBatch),
                           [](const Size &size) { return size.constant() == 1; });
  if (oneB) {
    // All rows of a meet one matrix.
    if (aBatch > 0)
      a = l.reshape(a, {l.productSize(ArrayRef(aSizes).drop_back()), inner});
    if (bBatch > 0)
      b = l.reshape(b, {bSizes[bBatch], columns});
    result = batchedProduct(l, a, b);
    sizes.assign(rank - aBatch, l.size(1));
    sizes.append(aSizes.begin(), aSizes.begin() + aBatch);
  } else {
    for (size_t i = 0; i < rank; ++i) {
      SmallVector<Size> candidates;
      if (i + aBatch >= rank)
        candidates.push_back(aSizes[i + aBatch - rank]);
      if (i + bBatch >= rank)
        candidates.push_back(bSizes[i + bBatch - rank]);
      sizes.push_back(l.broadcastSize(candidates));
    }
    auto expand = [&](Value x, const Size &height, const Size &width) {
      SmallVector<Size> target(sizes);
      target.append({height, width});
      return l.expandTo(x, target);
    };
    result = batchedProduct(l, expand(a, rows, inner), expand(b, bSizes[bBatch], columns));
  }
  SmallVector<Size> to(sizes);
  if (!vectorA)
    to.push_back(rows);
  if (!vectorB)
    to.push_back(columns);
  if (to.size() != static_cast<size_t>(typeOf(result).getRank()) || vectorA || vectorB || (oneB && rank > 0))
    result = l.reshape(result, to);
  return result;
}

/// The weights of attention, with or without the guard that puts zeros for rows where no key counts?
static bool isWeightsOfAttention(Value x) {
  if (!x.hasOneUse())
    return false;
  if (auto guard = x.getDefiningOp<onnx::WhereOp>())
    return isWeightsOfAttention(guard.getX()) || isWeightsOfAttention(guard.getY());
  return x.getDefiningOp<onnx::SoftmaxOp>() != nullptr;
}

/// `x` as it was before the elementwise op that makes it, or one whose result that op selects, rounded it to
/// a narrow float; else `x`.
static Value beforeRounding(Lowering &l, Value x) {
  auto generic = x.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic->getNumResults() != 1 || generic.getNumLoops() != generic.getNumParallelLoops())
    return x;
  Operation *last = generic.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::TruncFOp, arith::SelectOp>(last))
    return x;
  SmallVector<Value> inputs(generic.getInputs());
  if (isa<arith::SelectOp>(last)) {
    for (Value &input : inputs)
      input = beforeRounding(l, input);
    bool selectsOnly = llvm::hasNItems(generic.getBody()->without_terminator(), 1);
    if (!selectsOnly || llvm::equal(inputs, generic.getInputs()))
      return x;
  }
  SmallVector<Size, 4> sizes = l.sizes(x);
  Type wide = computeType(typeOf(x).getElementType());
  Value init = l.empty(sizes, wide);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange args) {
    ScalarBuilder b(loc, nested);
    IRMapping mapping;
    mapping.map(generic.getBody()->getArguments(), args);
    for (Operation &op : generic.getBody()->without_terminator())
      if (&op != last)
        b.clone(op, mapping);
    auto widened = [&](Value operand) { return b.convert(mapping.lookupOrDefault(operand), wide); };
    Value result;
    if (auto select = dyn_cast<arith::SelectOp>(last))
      result = b.select(mapping.lookupOrDefault(select.getCondition()), widened(select.getTrueValue()),
                        widened(select.getFalseValue()));
    else
      result = widened(last->getOperand(0));
    linalg::YieldOp::create(b, loc, result);
  };
  return l.known(linalg::GenericOp::create(l, l.getLoc(), init.getType(), inputs, init,
                                           generic.getIndexingMapsArray(), generic.getIteratorTypesArray(),
                                           body)
                     .getResult(0),
                 sizes);
}

static LoweredValues lowerMatMul(onnx::MatMulOp op, onnx::MatMulOp::Adaptor operands, Lowering &l) {
  Value a = operands.getA(), b = operands.getB();
  // The weights of attention in narrow floats are not rounded on their way into the product that is.
  if (isWeightsOfAttention(op.getA()))
    a = beforeRounding(l, a);
  return {matrixProduct(l, a, b)};
}

static LoweredValues lowerGemm(GemmOp op, GemmOp::Adaptor operands, Lowering &l) {
  Value a = operands.getTransA() ? transposeMatrix(l, operands.getA()) : operands.getA();
  Value b = operands.getTransB() ? transposeMatrix(l, operands.getB()) : operands.getB();
  l.checkEqual(l.size(a, 1), l.size(b, 0), innerSizesDiffer);
  Value product = batchedProduct(l, a, b);
  float alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  Type element = l.resultType().getElementType();
  bool addsC = operands.getC() && beta != 0;
  if (alpha == 1 && !addsC)
    return {product};
  SmallVector<Value> terms = {product};
  if (addsC)
    terms.push_back(operands.getC());
  return {l.elementwise(terms, element, [&](ScalarBuilder &s, ValueRange args) {
    auto scaled = [&](Value x, float factor) {
      return factor == 1 ? x : s.mul(x, s.number(element, factor));
    };
    Value sum = scaled(args[0], alpha);
    return addsC ? s.add(sum, scaled(args[1], beta)) : sum;
  })};
}

void tamis::onnx::addContractionLowerings(LoweringPatterns &patterns) {
  patterns.add<onnx::MatMulOp>(lowerMatMul);
  patterns.add<GemmOp>(lowerGemm);
}
