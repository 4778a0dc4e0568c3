//===- ExpertAddition.cpp - Rows that are added to those of tokens ------------------------------------===//
#include "ExpertAddition.h"
#include "ExpertMatcher.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

/// Is nothing but the shape of its result read?
static bool givesShape(Operation *op) {
  return isa<onnx::ShapeOp>(op) || (isa<onnx::SliceOp>(op) && llvm::all_of(op->getUsers(), givesShape));
}

int64_t raising::countReaders(Value value) {
  return llvm::count_if(value.getUsers(), [](Operation *user) { return !givesShape(user); });
}

bool raising::hasZeroAndOne(Stage &stage, onnx::OneHotOp op) {
  std::optional<Polynomial> off = stage.elements.integer({op.getValues(), {Polynomial(0)}}),
                            on = stage.elements.integer({op.getValues(), {Polynomial(1)}});
  return off && off->isConstant(0) && on && on->isConstant(1);
}

std::optional<Addition> raising::additionOf(Stage &stage, Operation *op) {
  auto newIndex = [&](const Polynomial &size) {
    return size.isConstant(1) ? Polynomial() : stage.shapes.newIndex(size);
  };
  Addition result;
  // A matrix of zeros with a one in each column, times rows.
  if (auto product = dyn_cast<onnx::MatMulOp>(op)) {
    result.updates = product.getB();
    ArrayRef<Polynomial> places = stage.shapes.sizes(product.getA()),
                         from = stage.shapes.sizes(result.updates);
    if (places.size() != 2 || from.size() != 2 || !(places[1] == from[0]) || !isF32(product.getC()))
      return std::nullopt;
    result.to = {places[0], from[1]};
    result.count = from[0];
    result.row = stage.shapes.newIndex(from[0]);
    result.column = newIndex(from[1]);
    Polynomial token = stage.shapes.newIndex(places[0]);
    ElementOf one = stage.elements.trace({product.getA(), {token, result.row}});
    if (auto scatter = one.tensor.getDefiningOp<onnx::ScatterElementsOp>()) {
      ArrayRef<Polynomial> sizes = stage.shapes.sizes(scatter.getIndices());
      if (scatter.getAxis() != 0 || one.indices != ArrayRef({token, result.row}) || sizes.size() != 2 ||
          !sizes[0].isConstant(1) || !(sizes[1] == from[0]) || !stage.isFilledWith(scatter.getData(), 0) ||
          !stage.isFilledWith(scatter.getUpdates(), 1) ||
          (scatter.getReduction() != "none" && scatter.getReduction() != "add"))
        return std::nullopt;
      result.at = stage.elements.trace({scatter.getIndices(), {Polynomial(), result.row}});
      return result;
    }
    auto oneHot = one.tensor.getDefiningOp<onnx::OneHotOp>();
    if (!oneHot || one.indices.size() != 2 || !hasZeroAndOne(stage, oneHot) ||
        !(one.indices[oneHot.getAxis()] == token) || !(one.indices[1 - oneHot.getAxis()] == result.row))
      return std::nullopt;
    result.at = stage.elements.trace({oneHot.getIndices(), {result.row}});
    return result;
  }
  Value data = op->getOperand(0), indices = op->getOperand(1);
  result.updates = op->getOperand(2);
  ArrayRef<Polynomial> to = stage.shapes.sizes(data), from = stage.shapes.sizes(result.updates);
  auto isTuple = isa<onnx::ScatterNDOp>(op);
  if (to.size() != 2 || from.size() != 2 || !isF32(data) || !(to[1] == from[1]))
    return std::nullopt;
  if (auto elements = dyn_cast<onnx::ScatterElementsOp>(op);
      elements && (elements.getAxis() != 0 || !(stage.shapes.sizes(indices)[1] == to[1])))
    return std::nullopt;
  if (isTuple && (stage.shapes.sizes(indices).size() != 2 || !stage.shapes.sizes(indices)[1].isConstant(1)))
    return std::nullopt;
  result.to.append(to.begin(), to.end());
  result.count = rowsOf(stage, indices);
  result.row = stage.shapes.newIndex(from[0]);
  result.column = newIndex(from[1]);
  result.at = stage.elements.trace({indices, {result.row, isTuple ? Polynomial() : result.column}});
  return result;
}
