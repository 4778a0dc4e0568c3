//===- Contractions.cpp - Matrix products
//----------------------------------------------------------------===//
#include "Node.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tamis::import {

static LogicalResult matMul(Node &node) {
  node.setOutput(0, node.make<onnx::MatMulOp>(node.input(0), node.input(1)));
  return success();
}

static LogicalResult gemm(Node &node) {
  node.setOutput(0, node.make<onnx::GemmOp>(node.input(0), node.input(1), node.input(2),
                                            APFloat(node.real("alpha", 1)), APFloat(node.real("beta", 1)),
                                            node.flag("transA", false), node.flag("transB", false)));
  return success();
}

/// com.microsoft: Gemm, and an activation.
static LogicalResult fusedGemm(Node &node) {
  if (failed(gemm(node)))
    return failure();
  StringRef name = node.string("activation", "");
  Value x = node.getOutputs().front();
  auto parameter = [&](StringRef which, float otherwise) {
    return APFloat(node.real(("activation_" + which).str(), otherwise));
  };
  if (name == "Relu")
    x = node.make<onnx::ReluOp>(x);
  else if (name == "Tanh")
    x = node.make<onnx::TanhOp>(x);
  else if (name == "Sigmoid")
    x = node.make<onnx::SigmoidOp>(x);
  else if (name == "Softplus")
    x = node.make<onnx::SoftplusOp>(x);
  else if (name == "Softsign")
    x = node.make<onnx::SoftsignOp>(x);
  else if (name == "LeakyRelu")
    x = node.make<onnx::LeakyReluOp>(x, parameter("alpha", 0.01f));
  else if (name == "Elu")
    x = node.make<onnx::EluOp>(x, parameter("alpha", 1));
  else if (name == "HardSigmoid")
    x = node.make<onnx::HardSigmoidOp>(x, parameter("alpha", 0.2f), parameter("beta", 0.5f));
  else if (!name.empty())
    return node.fail("has the activation '" + escape(name) + "', which is not supported",
                     "optimise the model without fusing this activation");
  node.setOutput(0, x);
  return success();
}

/// com.microsoft: MatMul of operands whose last dimensions, or all but the last, may be transposed, times
/// alpha.
static LogicalResult fusedMatMul(Node &node) {
  auto operand = [&](unsigned i, StringRef flag, StringRef batchFlag) {
    int64_t rank = node.rank(i);
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(rank));
    if (node.flag(batchFlag, false) && rank > 2)
      std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
    if (node.flag(flag, false) && rank > 1)
      std::swap(perm[rank - 1], perm[rank - 2]);
    return node.make<onnx::TransposeOp>(node.input(i), ArrayRef<int64_t>(perm));
  };
  Value product =
      node.make<onnx::MatMulOp>(operand(0, "transA", "transBatchA"), operand(1, "transB", "transBatchB"));
  if (float alpha = node.real("alpha", 1); alpha != 1)
    product = node.make<onnx::MulOp>(product, node.makeScalar(alpha, node.element()));
  node.setOutput(0, product);
  return success();
}

/// Letters for the dimensions that an ellipsis stands for, counted from its last one.
static std::string ellipsisLetters(StringRef used, int64_t count) {
  std::string letters;
  for (char letter = 'Z'; letter >= 'A' && static_cast<int64_t>(letters.size()) < count; --letter)
    if (!used.contains(letter))
      letters.insert(letters.begin(), letter);
  return letters;
}

static LogicalResult einsum(Node &node) {
  std::string equation;
  llvm::copy_if(node.string("equation", ""), std::back_inserter(equation), [](char c) { return c != ' '; });
  auto refuse = [&] {
    return node.fail("has the equation '" + escape(equation) +
                         "', which does not fit its operands or is not supported",
                     "write it with MatMul, Transpose and ReduceSum");
  };
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.numInputs())
    return refuse();
  // How many dimensions the ellipsis of each term has; they are aligned at the last one.
  SmallVector<int64_t> extra;
  for (auto [i, term] : llvm::enumerate(terms)) {
    bool hasEllipsis = term.contains("...");
    int64_t letters = term.size() - 3 * hasEllipsis;
    if (!node.input(i) || node.rank(i) < letters || (!hasEllipsis && node.rank(i) != letters))
      return refuse();
    extra.push_back(node.rank(i) - letters);
  }
  int64_t mostExtra = llvm::max_element(extra)[0];
  std::string ellipsis = ellipsisLetters(equation, mostExtra);
  if (static_cast<int64_t>(ellipsis.size()) != mostExtra)
    return refuse();
  auto substitute = [&](StringRef term, int64_t count) {
    size_t at = term.find("...");
    if (at == StringRef::npos)
      return term.str();
    return (term.take_front(at) + StringRef(ellipsis).take_back(count) + term.drop_front(at + 3)).str();
  };
  std::string normal;
  for (auto [i, term] : llvm::enumerate(terms)) {
    std::string letters = substitute(term, extra[i]);
    for (size_t at = 0; at < letters.size(); ++at)
      if (!llvm::isAlpha(letters[at]) || letters.find(letters[at], at + 1) != std::string::npos)
        return refuse();
    normal += (i ? "," : "") + letters;
  }
  std::string output;
  if (StringRef(equation).contains("->")) {
    output = substitute(right, mostExtra);
  } else {
    output = left.contains("...") ? ellipsis : "";
    std::string letters(left);
    llvm::sort(letters);
    for (char letter : letters)
      if (llvm::isAlpha(letter) && llvm::count(left, letter) == 1)
        output += letter;
  }
  node.setOutput(0, node.make<onnx::EinsumOp>(ValueRange(node.allInputs()), normal + "->" + output));
  return success();
}

void addContractions(Registry &registry) {
  registry.add("", "MatMul", {1, 9, 13}, 2, 2, 1, 1, "", matMul);
  registry.add("", "Gemm", {7, 9}, 3, 3, 1, 1, "alpha:f beta:f transA:i transB:i", gemm);
  registry.add("", "Gemm", {11, 13}, 2, 3, 1, 1, "alpha:f beta:f transA:i transB:i", gemm);
  registry.add("", "Einsum", {12}, 1, anyCount, 1, 1, "equation:s", einsum, "a letter twice in one operand");
  registry.add("com.microsoft", "FusedGemm", {1}, 2, 3, 1, 1,
               "activation:s activation_alpha:f activation_beta:f activation_gamma:f alpha:f beta:f transA:i "
               "transB:i",
               fusedGemm,
               "activations but Relu, Tanh, Sigmoid, Softplus, Softsign, LeakyRelu, Elu and HardSigmoid");
  registry.add("com.microsoft", "FusedMatMul", {1}, 2, 2, 1, 1,
               "alpha:f transA:i transB:i transBatchA:i transBatchB:i", fusedMatMul, "");
}

} // namespace tamis::import
