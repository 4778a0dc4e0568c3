//===- ExpertTypes.cpp - Result types of mixtures of experts -------------------------------------------===//
#include "Inference.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

using namespace mlir;
using namespace tamis::onnx;

LogicalResult MoEOp::inferResultTypes(Types &types) {
  auto x = tensorType(getX()), router = tensorType(getRouter());
  if (failed(checkElements(*this, getX(), ElementClass::Float)) ||
      failed(checkSameElements(*this, getOperands())) ||
      failed(checkRank(*this, getRouter(), 2, "router_probs")) ||
      failed(checkRank(*this, getW1(), 3, "fc1")) || failed(checkRank(*this, getW2(), 3, "fc2")) ||
      (getW3() && failed(checkRank(*this, getW3(), 3, "fc3"))))
    return failure();
  if (x.getRank() != 2 && x.getRank() != 3)
    return emitOpError("needs rows [T, H] or [B, S, H], not ") << describeSizes(x.getShape());
  auto w1 = tensorType(getW1());
  int64_t experts = router.getDimSize(1), hidden = x.getShape().back(), inner = w1.getDimSize(1);
  auto matches = [&](Value value, ArrayRef<int64_t> sizes, StringRef name) -> LogicalResult {
    if (!value || succeeded(verifyCompatibleShape(tensorType(value).getShape(), sizes)))
      return success();
    return emitOpError("has ") << name << " of " << describeSizes(tensorType(value).getShape())
                               << ", expected " << describeSizes(sizes);
  };
  if (failed(matches(getW1(), {experts, inner, hidden}, "fc1")) ||
      failed(matches(getW2(), {experts, hidden, inner}, "fc2")) ||
      failed(matches(getW3(), {experts, inner, hidden}, "fc3")) ||
      failed(matches(getB1(), {experts, inner}, "a bias of fc1")) ||
      failed(matches(getB2(), {experts, hidden}, "a bias of fc2")) ||
      failed(matches(getB3(), {experts, inner}, "a bias of fc3")))
    return failure();
  if (experts != dynamicSize && (static_cast<int64_t>(getK()) < 1 || static_cast<int64_t>(getK()) > experts))
    return emitOpError("chooses ") << static_cast<int64_t>(getK()) << " of " << experts << " experts";
  types.push_back(x);
  return success();
}
