//===- Placement.cpp - Which matrices the experts of a layer have --------------------------------------===//
#include "Placement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static SmallVector<OpOperand *> weightsOf(ExpertsOp experts) {
  SmallVector<OpOperand *> all{&experts.getWInMutable(), &experts.getWOutMutable()};
  for (MutableOperandRange range : {experts.getBInMutable(), experts.getBOutMutable()})
    for (OpOperand &operand : range)
      all.push_back(&operand);
  return all;
}

bool tamis::moe::canPlace(ExpertsOp experts) {
  DenseIntElementsAttr known;
  return typeOf(experts.getWIn()).getRank() == 3 && typeOf(experts.getWOut()).getRank() == 3 &&
         llvm::all_of(weightsOf(experts),
                      [](OpOperand *operand) { return weight::isKnownWeight(operand->get()); }) &&
         (!experts.getPlaces() || matchPattern(experts.getPlaces(), m_Constant(&known)));
}

SmallVector<int64_t> tamis::moe::placesOf(ExpertsOp experts) {
  DenseIntElementsAttr known;
  if (experts.getPlaces() && matchPattern(experts.getPlaces(), m_Constant(&known)))
    return llvm::to_vector(known.getValues<int64_t>());
  return llvm::to_vector(llvm::seq(experts.getExpertCount()));
}

static Value constantIndices(OpBuilder &builder, Location loc, ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, values));
}

void tamis::moe::place(ExpertsOp experts, ArrayRef<int64_t> sources, ArrayRef<int64_t> places) {
  OpBuilder builder(experts);
  Location loc = experts.getLoc();
  auto sourceType = RankedTensorType::get({static_cast<int64_t>(sources.size())}, builder.getI64Type());
  Value indices = weight::asWeight(
      builder, onnx::ConstantOp::create(builder, loc, DenseElementsAttr::get(sourceType, sources)));
  for (OpOperand *operand : weightsOf(experts)) {
    Value w = weight::asWeight(builder, operand->get());
    SmallVector<int64_t> shape(typeOf(w).getShape());
    shape.front() = static_cast<int64_t>(sources.size());
    operand->set(weight::GatherOp::create(builder, loc, typeOf(w).clone(shape), w, indices, /*axis=*/0));
  }
  experts.getPlacesMutable().assign(constantIndices(builder, loc, places));
}
