//===- RaiseActivations.cpp - The spellings of GELU and SiLU as one op --------------------------------===//
#include "Raising.h"
#include <cmath>
#include <map>

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

/// Powers of x and their factors.
using Powers = std::map<int, double>;

/// `value` as a polynomial in x, when it is one that products, sums and powers spell.
static std::optional<Powers> inPowersOf(Stage &stage, Value value, Value x, unsigned depth = 0) {
  value = skipIdleCasts(value);
  if (value == x)
    return Powers{{1, 1.0}};
  if (std::optional<double> constant = stage.scalar(value))
    return Powers{{0, *constant}};
  Operation *op = value.getDefiningOp();
  if (!op || depth > 6)
    return std::nullopt;
  if (auto power = dyn_cast<onnx::PowOp>(op)) {
    std::optional<double> exponent = stage.scalar(power.getB());
    if (skipIdleCasts(power.getA()) == x && exponent && (*exponent == 2 || *exponent == 3))
      return Powers{{static_cast<int>(*exponent), 1.0}};
    return std::nullopt;
  }
  if (!isa<onnx::AddOp, onnx::MulOp, onnx::DivOp>(op))
    return std::nullopt;
  std::optional<Powers> a = inPowersOf(stage, op->getOperand(0), x, depth + 1),
                        b = inPowersOf(stage, op->getOperand(1), x, depth + 1);
  if (!a || !b)
    return std::nullopt;
  Powers result;
  if (isa<onnx::DivOp>(op)) {
    if (b->size() != 1 || b->begin()->first != 0 || b->begin()->second == 0)
      return std::nullopt;
    for (auto [power, factor] : *a)
      result[power] = factor / b->begin()->second;
  } else if (isa<onnx::AddOp>(op)) {
    result = *a;
    for (auto [power, factor] : *b)
      result[power] += factor;
  } else {
    for (auto [p, f] : *a)
      for (auto [q, g] : *b)
        result[p + q] += f * g;
  }
  return result;
}

static bool isPowers(const std::optional<Powers> &powers, const Powers &expected) {
  return powers && powers->size() == expected.size() &&
         std::equal(powers->begin(), powers->end(), expected.begin(), [](const auto &a, const auto &b) {
           return a.first == b.first && std::fabs(a.second - b.second) <= 1e-4 * std::fabs(b.second);
         });
}

/// Factors of a product, constants multiplied into `constant`.
static void flattenProduct(Stage &stage, Value value, SmallVectorImpl<Value> &factors, double &constant,
                           unsigned depth = 0) {
  value = skipIdleCasts(value);
  Operation *op = value.getDefiningOp();
  if (std::optional<double> number = stage.scalar(value)) {
    constant *= *number;
  } else if (isa_and_nonnull<onnx::MulOp>(op) && depth < 4) {
    flattenProduct(stage, op->getOperand(0), factors, constant, depth + 1);
    flattenProduct(stage, op->getOperand(1), factors, constant, depth + 1);
  } else if (auto divisor = isa_and_nonnull<onnx::DivOp>(op) ? stage.scalar(op->getOperand(1)) : std::nullopt;
             divisor && *divisor != 0) {
    constant /= *divisor;
    flattenProduct(stage, op->getOperand(0), factors, constant, depth + 1);
  } else {
    factors.push_back(value);
  }
}

/// Is this 1 + erf(x / sqrt 2), or 1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))?
static bool isGate(Stage &stage, Value value, Value x, bool &tanh) {
  auto add = value.getDefiningOp<onnx::AddOp>();
  Value inner;
  if (!add || stage.scalarOperand(add, inner) != 1.0)
    return false;
  Operation *op = skipIdleCasts(inner).getDefiningOp();
  if (auto erf = dyn_cast_or_null<onnx::ErfOp>(op)) {
    tanh = false;
    return isPowers(inPowersOf(stage, erf.getX(), x), {{1, std::sqrt(0.5)}});
  }
  if (auto gate = dyn_cast_or_null<onnx::TanhOp>(op)) {
    tanh = true;
    double factor = 0.7978845608028654;
    return isPowers(inPowersOf(stage, gate.getX(), x), {{1, factor}, {3, factor * 0.044715}});
  }
  return false;
}

void raising::raiseActivations(Stage &stage) {
  SmallVector<Operation *> products;
  stage.function.walk([&](Operation *op) {
    if (isa<onnx::MulOp, onnx::DivOp>(op) && isF32(op->getResult(0)))
      products.push_back(op);
  });
  for (Operation *op : products) {
    SmallVector<Value, 4> factors;
    double constant = 1;
    flattenProduct(stage, op->getResult(0), factors, constant);
    if (factors.size() != 2)
      continue;
    for (unsigned i : {0u, 1u}) {
      Value x = factors[i], other = factors[1 - i];
      bool tanh = false;
      if (typeOf(x) != typeOf(op->getResult(0)))
        continue;
      if (std::fabs(constant - 0.5) < 1e-6 && isGate(stage, other, x, tanh)) {
        stage.buildAt(op);
        op->getResult(0).replaceAllUsesWith(
            onnx::GeluOp::create(stage.builder, stage.location(), x.getType(), x, tanh).getY());
        ++stage.counts.activation;
        break;
      }
      auto sigmoid = other.getDefiningOp<onnx::SigmoidOp>();
      if (constant == 1 && isa<onnx::MulOp>(op) && sigmoid && skipIdleCasts(sigmoid.getX()) == x) {
        stage.buildAt(op);
        op->getResult(0).replaceAllUsesWith(
            onnx::SwishOp::create(stage.builder, stage.location(), x.getType(), x, APFloat(1.0f)).getY());
        ++stage.counts.activation;
        break;
      }
    }
  }
}
