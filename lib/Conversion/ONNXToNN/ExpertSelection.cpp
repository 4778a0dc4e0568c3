//===- ExpertSelection.cpp - Factors that are 0 unless a token chose an expert -------------------------===//
//
// The sum over j of weights[t, j] * (indices[t, j] == e). As the indices of a token are distinct, it is
// weights[t, j] where indices[t, j] is e, and 0 for a token that did not choose e.
//
//===----------------------------------------------------------------------------------------------===//
#include "Experts.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

bool raising::matchEither(Operation *op, Value &other, llvm::function_ref<bool(Value)> match) {
  for (unsigned i : {0u, 1u})
    if (match(op->getOperand(i))) {
      other = op->getOperand(1 - i);
      return true;
    }
  return false;
}

/// The expert that indices are compared with, and the indices.
static bool matchEqual(Stage &stage, Value value, Value &indices, int64_t &expert) {
  value = skipIdleCasts(value);
  if (auto cast = value.getDefiningOp<onnx::CastOp>())
    value = cast.getX();
  auto equal = value.getDefiningOp<onnx::EqualOp>();
  Value other;
  std::optional<double> number = equal ? stage.scalarOperand(equal, other) : std::nullopt;
  if (!number || !topKOf(other))
    return false;
  indices = topKOf(other).getIndices();
  expert = static_cast<int64_t>(*number);
  return true;
}

std::optional<Selection> raising::selectionOf(Stage &stage, Value factor, bool isVector) {
  factor = skipIdleCasts(factor);
  bool keeps = !isVector;
  if (auto unsqueeze = factor.getDefiningOp<onnx::UnsqueezeOp>();
      unsqueeze && !isVector && unsqueeze.getAxes() == ArrayRef<int64_t>{typeOf(factor).getRank() - 1}) {
    factor = skipIdleCasts(unsqueeze.getData());
    keeps = false;
  }
  auto sum = factor.getDefiningOp<onnx::ReduceSumOp>();
  if (!sum || sum.getKeepdims() != keeps ||
      sum.getAxes() != ArrayRef<int64_t>{typeOf(sum.getData()).getRank() - 1})
    return std::nullopt;
  Selection result;
  Value product = skipIdleCasts(sum.getData());
  if (auto where = product.getDefiningOp<onnx::WhereOp>()) {
    if (!matchEqual(stage, where.getCondition(), result.choice.indices, result.expert) ||
        !stage.isScalar(where.getY(), 0))
      return std::nullopt;
    result.choice.weights = where.getX();
  } else if (auto mul = product.getDefiningOp<onnx::MulOp>()) {
    if (!matchEither(mul, result.choice.weights, [&](Value value) {
          return matchEqual(stage, value, result.choice.indices, result.expert);
        }))
      return std::nullopt;
  } else {
    return std::nullopt;
  }
  if (typeOf(result.choice.weights).getShape() != typeOf(result.choice.indices).getShape() ||
      !isF32(result.choice.weights))
    return std::nullopt;
  return result;
}
