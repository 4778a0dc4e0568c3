//===- PackWeights.cpp - Weights of linear layers in the microkernels' layout -------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Pack.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNPACKWEIGHTS
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

/// The kernels read as many columns of x as a packed weight has rows, which can no longer be seen then: where
/// inputs of a run decide how many x has, they are compared.
static void checkColumns(OpBuilder &builder, Operation *linear, Value x, Value w) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t last = type.getRank() - 1;
  if (!type.isDynamicDim(last))
    return;
  Location loc = linear->getLoc();
  Value rows =
      arith::ConstantIndexOp::create(builder, loc, cast<RankedTensorType>(w.getType()).getDimSize(0));
  Value columns = tensor::DimOp::create(builder, loc, x, last);
  Value isSame = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, columns, rows);
  rt::CheckOp::create(builder, loc, isSame, "the inner sizes of a matrix product differ");
}

namespace {
struct NNPackWeights : tamis::nn::impl::NNPackWeightsBase<NNPackWeights> {
  using NNPackWeightsBase::NNPackWeightsBase;

  void runOnOperation() override {
    FailureOr<Precision> known = parsePrecision(getOperation(), precision);
    if (failed(known))
      return signalPassFailure();
    if (!weight::isInt4Group(int4Group)) {
      getOperation().emitError("int4-group: there are groups of 32, 64 and 128 elements, not of ")
          << int4Group.getValue();
      return signalPassFailure();
    }
    getOperation().walk([&](LinearOp linear) {
      auto type = cast<RankedTensorType>(linear.getW().getType());
      if (type.getRank() != 2 || !weight::isWeight(linear.getW()))
        return;
      OpBuilder builder(linear);
      checkColumns(builder, linear, linear.getX(), linear.getW());
      Precision asked = precisionOf(linear, *known);
      weight::PackedWeight packed = weight::pack(builder, linear.getLoc(), linear.getW(), asked, int4Group);
      linear.getWMutable().assign(packed.w);
      if (packed.scale) {
        linear.getScaleMutable().assign(packed.scale);
        linear.getSumsMutable().assign(packed.sums);
      }
      if (packed.precision != *known)
        listPrecision(linear, stringifyPrecision(packed.precision));
      ++packedWeights;
    });
    getOperation().walk([&](QuantizedLinearOp linear) {
      if (linear.getColumnSums())
        return;
      OpBuilder builder(linear);
      checkColumns(builder, linear, linear.getX(), linear.getW());
      auto type = RankedTensorType::get(cast<RankedTensorType>(linear.getScale().getType()).getShape(),
                                        builder.getI32Type());
      linear.getColumnSumsMutable().assign(
          weight::ColumnSumsOp::create(builder, linear.getLoc(), type, linear.getW(), linear.getZeroPoint()));
      linear.getWMutable().assign(
          weight::packPanels(builder, linear.getLoc(), linear.getW(), builder.getI8Type()));
      ++packedWeights;
    });
  }
};
} // namespace
