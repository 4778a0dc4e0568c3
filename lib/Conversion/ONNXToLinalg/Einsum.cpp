//===- Einsum.cpp - Lowering of Einstein sums -----------------------------------------------------===//
//
// A product of two operands that is a batched matrix product under some order of the dimensions is lowered to
// one. All others are one loop nest over all labels.
//
//===----------------------------------------------------------------------------------------------===//
#include "Lowering.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

namespace {
struct Equation {
  SmallVector<StringRef> inputs;
  StringRef output;
};
} // namespace

static std::string labelsOf(StringRef text, function_ref<bool(char)> keep) {
  std::string result;
  llvm::copy_if(text, std::back_inserter(result), keep);
  return result;
}

static bool hasRepeats(StringRef labels) {
  for (size_t i = 0; i < labels.size(); ++i)
    if (labels.drop_front(i + 1).contains(labels[i]))
      return true;
  return false;
}

/// x with its dimensions, called `from`, in the order `to`.
static Value reorder(Lowering &l, Value x, StringRef from, StringRef to) {
  if (from == to)
    return x;
  SmallVector<int64_t> permutation;
  for (char label : to)
    permutation.push_back(from.find(label));
  return l.transpose(x, permutation);
}

/// By a batched matrix product; null when the equation is not one.
static Value asProduct(Lowering &l, const Equation &equation, ValueRange operands,
                       const llvm::MapVector<char, Size> &sizes) {
  if (operands.size() != 2)
    return {};
  StringRef a = equation.inputs[0], b = equation.inputs[1], out = equation.output;
  if (hasRepeats(a) || hasRepeats(b))
    return {};
  auto inA = [&](char label) { return a.contains(label); };
  auto inB = [&](char label) { return b.contains(label); };
  auto inOut = [&](char label) { return out.contains(label); };
  std::string batch = labelsOf(out, [&](char label) { return inA(label) && inB(label); });
  std::string rows = labelsOf(out, [&](char label) { return inA(label) && !inB(label); });
  std::string columns = labelsOf(out, [&](char label) { return !inA(label) && inB(label); });
  std::string inner = labelsOf(a, [&](char label) { return inB(label) && !inOut(label); });
  if (batch.size() + rows.size() + inner.size() != a.size() ||
      batch.size() + columns.size() + inner.size() != b.size())
    return {};
  auto sizesOf = [&](StringRef labels) {
    SmallVector<Size> result;
    for (char label : labels)
      result.push_back(sizes.find(label)->second);
    return result;
  };
  // A dimension of 1 that is broadcast is not in this form.
  for (auto [labels, operand] : {std::pair(a, operands[0]), std::pair(b, operands[1])})
    for (auto [i, size] : llvm::enumerate(sizesOf(labels)))
      if (!l.size(operand, i).provablyEquals(size))
        return {};
  Size count = l.productSize(sizesOf(batch)), height = l.productSize(sizesOf(rows)),
       width = l.productSize(sizesOf(columns)), depth = l.productSize(sizesOf(inner));
  Value left = l.reshape(reorder(l, operands[0], a, batch + rows + inner), {count, height, depth});
  Value right = l.reshape(reorder(l, operands[1], b, batch + inner + columns), {count, depth, width});
  std::string order = batch + rows + columns;
  Value product = l.reshape(batchedProduct(l, left, right), sizesOf(order));
  return reorder(l, product, order, out);
}

static LoweredValues lowerEinsum(EinsumOp op, EinsumOp::Adaptor operands, Lowering &l) {
  Equation equation;
  auto [left, right] = op.getEquation().split("->");
  equation.output = right;
  left.split(equation.inputs, ',');
  bool wellFormed = equation.inputs.size() == operands.getInputs().size() && !hasRepeats(right);
  llvm::MapVector<char, SmallVector<Size>> candidates;
  for (char label : right)
    candidates[label];
  for (auto [labels, operand] : llvm::zip(equation.inputs, operands.getInputs())) {
    wellFormed &= static_cast<int64_t>(labels.size()) == cast<RankedTensorType>(operand.getType()).getRank();
    for (auto [i, label] : llvm::enumerate(labels))
      if (wellFormed)
        candidates[label].push_back(l.size(operand, i));
  }
  for (auto &[label, sizes] : candidates)
    wellFormed &= llvm::isAlpha(label) && !sizes.empty();
  if (!wellFormed) {
    l.emitError("the equation '") << op.getEquation()
                                  << "' does not fit the operands; check it against their ranks";
    return {};
  }

  llvm::MapVector<char, Size> sizes;
  for (auto &[label, each] : candidates) {
    const Size *chosen = &each.front();
    for (const Size &size : each)
      if (chosen->constant() == 1)
        chosen = &size;
    for (const Size &size : each)
      if (size.constant() != 1)
        l.checkEqual(size, *chosen, "the sizes of an Einstein sum differ");
    sizes.insert({label, *chosen});
  }
  if (Value product = asProduct(l, equation, operands.getInputs(), sizes))
    return {product};

  SmallVector<char> labels;
  for (auto &[label, size] : sizes)
    labels.push_back(label);
  unsigned rank = labels.size();
  SmallVector<AffineMap> maps;
  for (auto [names, operand] : llvm::zip(equation.inputs, operands.getInputs())) {
    SmallVector<AffineExpr> exprs;
    for (auto [i, label] : llvm::enumerate(names)) {
      bool one = l.size(operand, i).constant() == 1;
      exprs.push_back(one ? l.getAffineConstantExpr(0)
                          : l.getAffineDimExpr(std::distance(labels.begin(), llvm::find(labels, label))));
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, l.getContext()));
  }
  // The labels of the output come first, and each is one loop.
  unsigned outputs = right.size();
  maps.push_back(AffineMap::getMultiDimIdentityMap(rank, l.getContext()).getMajorSubMap(outputs));
  SmallVector<utils::IteratorType> iterators(outputs, utils::IteratorType::parallel);
  iterators.append(rank - outputs, utils::IteratorType::reduction);
  SmallVector<Size> to;
  for (char label : right)
    to.push_back(sizes.find(label)->second);
  Type element = l.resultType().getElementType(), wide = computeType(element);
  Value init = l.filled(to, l.integer(wide, 0));
  // A loop of size 1 that no map mentions would have no bound.
  SmallVector<Value> inputs(operands.getInputs());
  SmallVector<Size> all;
  for (char label : labels)
    all.push_back(sizes.find(label)->second);
  inputs.push_back(l.empty(all, l.getI1Type()));
  maps.insert(maps.end() - 1, l.identity(rank));
  auto sum = linalg::GenericOp::create(l, l.getLoc(), init.getType(), inputs, init, maps, iterators,
                                       [&](OpBuilder &nested, Location loc, ValueRange args) {
                                         ScalarBuilder b(loc, nested);
                                         Value product = b.convert(args[0], wide);
                                         for (Value factor : args.drop_front().drop_back(2))
                                           product = b.mul(product, b.convert(factor, wide));
                                         linalg::YieldOp::create(b, loc, b.accumulate(args.back(), product));
                                       });
  return {l.convertElements(l.known(sum.getResult(0), to), element)};
}

void tamis::onnx::addEinsumLowering(LoweringPatterns &patterns) { patterns.add<EinsumOp>(lowerEinsum); }
