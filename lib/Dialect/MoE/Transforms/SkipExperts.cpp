//===- SkipExperts.cpp - Skip the experts of a token that hardly add to it -----------------------------===//
#include "SkipSettings.h"
#include "Usage.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

namespace tamis::moe {
#define GEN_PASS_DEF_MOESKIPEXPERTS
#include "tamis/Dialect/MoE/Transforms/Passes.h.inc"
} // namespace tamis::moe

using namespace mlir;
using namespace tamis;
using namespace tamis::moe;

namespace {
struct MoESkipExperts : tamis::moe::impl::MoESkipExpertsBase<MoESkipExperts> {
  using MoESkipExpertsBase::MoESkipExpertsBase;

  void runOnOperation() override {
    if (!(threshold >= 0 && static_cast<float>(threshold) < 1)) {
      getOperation().emitError("moe-skip-experts takes a threshold from 0 to below 1");
      return signalPassFailure();
    }
    SkipSettings settings(getOperation(), threshold);
    if (failed(settings.check()))
      return signalPassFailure();
    if (!settings.skips())
      return;
    SmallVector<ExpertsOp> found;
    getOperation().walk([&](ExpertsOp experts) {
      if (!ExpertUsage::of(experts))
        return;
      if (experts.getWeights())
        found.push_back(experts);
      else
        addRemark(getOperation(), getArgument(),
                  "the experts at " + layerName(experts) + " are not skipped: their rows are not added up");
    });
    for (ExpertsOp experts : found)
      skip(experts, *ExpertUsage::of(experts), settings.add(layerName(experts)));
    layers += found.size();
    if (failed(settings.describe()))
      signalPassFailure();
  }

  /// Below the run's setting of that number.
  void skip(ExpertsOp experts, const ExpertUsage &usage, int64_t setting) {
    OpBuilder builder(experts);
    Location loc = experts.getLoc();
    Value indices = experts.getIndices(), weights = experts.getWeights();
    auto type = cast<RankedTensorType>(weights.getType());
    double greatestLength = *llvm::max_element(usage.lengths);
    SmallVector<float> lengths;
    for (auto [length, pairs] : llvm::zip(usage.lengths, usage.pairs))
      lengths.push_back(static_cast<float>(pairs ? length : greatestLength));
    auto constant = [&](auto value, Type element, ArrayRef<int64_t> shape) -> Value {
      auto elements = DenseElementsAttr::get(RankedTensorType::get(shape, element), value);
      return onnx::ConstantOp::create(builder, loc, elements);
    };
    Type f32 = builder.getF32Type();
    auto count = static_cast<int64_t>(lengths.size()), last = type.getRank() - 1;
    Value lengthsOfAll = constant(ArrayRef<float>(lengths), f32, {count});
    Value length = onnx::GatherOp::create(builder, loc, type, lengthsOfAll, indices, /*axis=*/0);
    Value part =
        onnx::AbsOp::create(builder, loc, type, onnx::MulOp::create(builder, loc, type, weights, length));
    SmallVector<int64_t> one(type.getShape());
    one.back() = 1;
    RankedTensorType oneType = type.clone(one), isType = type.clone(builder.getI1Type());
    auto axes = builder.getDenseI64ArrayAttr({last});
    Value sum = onnx::ReduceSumOp::create(builder, loc, oneType, part, axes, builder.getBoolAttr(true)),
          greatest = onnx::ReduceMaxOp::create(builder, loc, oneType, part, axes, builder.getBoolAttr(true));
    Value share =
        tensor::FromElementsOp::create(builder, loc, RankedTensorType::get({}, f32),
                                       rt::SettingOp::create(builder, loc, f32, setting).getValue());
    Value bound = onnx::MulOp::create(builder, loc, oneType, sum, share);
    Value isSmall = onnx::LessOp::create(builder, loc, isType, part, bound),
          isNotGreatest = onnx::LessOp::create(builder, loc, isType, part, greatest);
    Value isSkipped = onnx::AndOp::create(builder, loc, isType, isSmall, isNotGreatest);
    Value none = constant(int64_t(-1), builder.getI64Type(), {});
    Value kept = onnx::WhereOp::create(builder, loc, indices.getType(), isSkipped, none, indices);
    experts.getIndicesMutable().set(kept);
    experts.setSkips(true);
  }
};
} // namespace
