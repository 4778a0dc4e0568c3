//===- ContractionTypes.cpp - Result types of matrix products and attention ---------------------------===//
#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tamis::onnx;

LogicalResult MatMulOp::inferResultTypes(Types &types) {
  auto a = tensorType(getA()), b = tensorType(getB());
  if (failed(checkElements(*this, getA(), ElementClass::Number)) ||
      failed(checkSameElements(*this, getOperands())))
    return failure();
  FailureOr<Sizes> sizes = productSizes(*this, a, b);
  if (failed(sizes))
    return failure();
  types.push_back(RankedTensorType::get(*sizes, a.getElementType()));
  return success();
}

LogicalResult GemmOp::inferResultTypes(Types &types) {
  if (failed(checkElements(*this, getA(), ElementClass::Number)) ||
      failed(checkSameElements(*this, getOperands())) || failed(checkRank(*this, getA(), 2, "A")) ||
      failed(checkRank(*this, getB(), 2, "B")))
    return failure();
  auto a = tensorType(getA()), b = tensorType(getB());
  int64_t k = a.getDimSize(!getTransA());
  if (failed(unify(*this, k, b.getDimSize(getTransB()), "inner dimensions")))
    return failure();
  Sizes sizes{a.getDimSize(getTransA()), b.getDimSize(!getTransB())};
  if (getC()) {
    Sizes joined = sizes;
    if (failed(broadcast(*this, tensorType(getC()).getShape(), joined)))
      return failure();
    if (joined.size() != 2 || failed(verifyCompatibleShape(joined, sizes)))
      return emitOpError("has C of shape ")
             << describeSizes(tensorType(getC()).getShape())
             << ", which cannot be broadcast to the product's " << describeSizes(sizes);
  }
  types.push_back(RankedTensorType::get(sizes, a.getElementType()));
  return success();
}

LogicalResult EinsumOp::inferResultTypes(Types &types) {
  auto [left, right] = getEquation().split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (getInputs().empty() || terms.size() != getInputs().size())
    return emitOpError("has ") << getInputs().size() << " operands, but its equation has " << terms.size();
  if (!getEquation().contains("->") || !llvm::all_of(right, llvm::isAlpha))
    return emitOpError("has an equation that is not of the form ij,jk->ik");
  if (failed(checkElements(*this, getInputs().front(), ElementClass::Number)) ||
      failed(checkSameElements(*this, getInputs())))
    return failure();
  std::array<int64_t, 256> sizeOf;
  sizeOf.fill(0);
  std::array<bool, 256> seen{};
  for (auto [term, input] : llvm::zip_equal(terms, getInputs())) {
    auto type = tensorType(input);
    if (!llvm::all_of(term, llvm::isAlpha) || static_cast<int64_t>(term.size()) != type.getRank())
      return emitOpError("has an operand of rank ") << type.getRank() << " for the term '" << term << "'";
    for (auto [letter, size] : llvm::zip_equal(term, type.getShape())) {
      auto index = static_cast<unsigned char>(letter);
      int64_t &known = sizeOf[index];
      if (!seen[index] || known == 1)
        known = size;
      else if (size != 1 && failed(unify(*this, known, size, "dimensions of one letter")))
        return failure();
      seen[index] = true;
    }
  }
  Sizes sizes;
  for (auto [i, letter] : llvm::enumerate(right)) {
    if (!seen[static_cast<unsigned char>(letter)] || right.find(letter) != i)
      return emitOpError("has the letter '") << Twine(letter) << "' twice in the result, or in no operand";
    sizes.push_back(sizeOf[static_cast<unsigned char>(letter)]);
  }
  types.push_back(RankedTensorType::get(sizes, tensorType(getInputs().front()).getElementType()));
  return success();
}

/// Splits the last dimension of x, heads * D, into D.
static FailureOr<int64_t> headSize(Operation *op, Value x, int64_t heads) {
  int64_t hidden = tensorType(x).getShape().back();
  if (heads <= 0)
    return op->emitOpError("needs a number of heads for operands of rank 3");
  if (hidden == dynamicSize)
    return dynamicSize;
  if (hidden % heads != 0)
    return op->emitOpError("has ") << heads << " heads, which do not divide the hidden size " << hidden;
  return hidden / heads;
}

LogicalResult AttentionOp::inferResultTypes(Types &types) {
  auto q = tensorType(getQ()), k = tensorType(getK()), v = tensorType(getV());
  int64_t rank = q.getRank();
  if (failed(checkElements(*this, getQ(), ElementClass::Float)) ||
      failed(checkSameElements(*this, {getQ(), getK(), getV()})))
    return failure();
  if ((rank != 3 && rank != 4) || k.getRank() != rank || v.getRank() != rank)
    return emitOpError("needs q, k and v of rank 3, or all of rank 4");
  int64_t batch = q.getDimSize(0), qHeads, kvHeads, qSize, kSize, vSize, keys;
  if (rank == 3) {
    qHeads = getQNumHeads(), kvHeads = getKvNumHeads();
    auto qHead = headSize(*this, getQ(), qHeads), kHead = headSize(*this, getK(), kvHeads),
         vHead = headSize(*this, getV(), kvHeads);
    if (failed(qHead) || failed(kHead) || failed(vHead))
      return failure();
    qSize = *qHead, kSize = *kHead, vSize = *vHead;
    keys = k.getDimSize(1);
    if (failed(unify(*this, keys, v.getDimSize(1), "lengths of k and v")))
      return failure();
  } else {
    qHeads = q.getDimSize(1), kvHeads = k.getDimSize(1), keys = k.getDimSize(2);
    qSize = q.getDimSize(3), kSize = k.getDimSize(3), vSize = v.getDimSize(3);
    if (failed(unify(*this, kvHeads, v.getDimSize(1), "heads of k and v")) ||
        failed(unify(*this, keys, v.getDimSize(2), "lengths of k and v")))
      return failure();
  }
  if (failed(unify(*this, batch, k.getDimSize(0), "batches")) ||
      failed(unify(*this, batch, v.getDimSize(0), "batches")) ||
      failed(unify(*this, qSize, kSize, "head sizes of q and k")))
    return failure();
  if (qHeads != dynamicSize && kvHeads != dynamicSize && (kvHeads == 0 || qHeads % kvHeads != 0))
    return emitOpError("has ") << qHeads << " heads of q, which are no multiple of " << kvHeads
                               << " heads of k";
  if (getMask()) {
    Type element = tensorType(getMask()).getElementType();
    if (!element.isInteger(1) && element != q.getElementType())
      return emitOpError("has a mask of ") << element << ", expected bool or " << q.getElementType();
    if (tensorType(getMask()).getRank() > 4)
      return emitOpError("has a mask of rank above 4");
  }
  Sizes sizes{batch};
  if (rank == 3) {
    int64_t width = dynamicSize;
    if (vSize != dynamicSize && llvm::MulOverflow(vSize, qHeads, width))
      return emitOpError("has ") << qHeads << " heads of q, too many for any memory";
    sizes.append({q.getDimSize(1), width});
  } else {
    sizes.append({qHeads, q.getDimSize(2), vSize});
  }
  types.push_back(RankedTensorType::get(sizes, q.getElementType()));
  return success();
}

LogicalResult RotaryEmbeddingOp::inferResultTypes(Types &types) {
  auto x = tensorType(getX());
  int64_t rank = x.getRank(), head = rank == 0 ? 0 : x.getShape().back();
  if (failed(checkElements(*this, getX(), ElementClass::Float)) ||
      failed(checkSameElements(*this, {getX(), getCos(), getSin()})))
    return failure();
  if (rank != 3 && rank != 4)
    return emitOpError("needs x of rank 3 or 4, but it has rank ") << rank;
  if (rank == 3) {
    auto size = headSize(*this, getX(), getNumHeads());
    if (failed(size))
      return failure();
    head = *size;
  }
  for (Value table : {getCos(), getSin()})
    if (failed(checkRank(*this, table, getPositionIds() ? 2 : 3, "cos and sin")))
      return failure();
  if (getPositionIds() && tensorType(getPositionIds()).getRank() != 2)
    return emitOpError("needs position_ids of rank 2");
  int64_t turned = getRotaryDim() ? getRotaryDim() : head, half = tensorType(getCos()).getShape().back();
  if (turned < 0 || (turned != dynamicSize && turned % 2 != 0) ||
      (head != dynamicSize && turned != dynamicSize && turned > head))
    if (turned != dynamicSize)
      return emitOpError("turns ") << turned
                                   << " elements of a head, which must be even and at most its size " << head;
  if (half != dynamicSize && turned != dynamicSize && half * 2 != turned)
    return emitOpError("turns ") << turned << " elements of a head, but cos has " << half
                                 << " columns, expected " << turned / 2;
  types.push_back(x);
  return success();
}
