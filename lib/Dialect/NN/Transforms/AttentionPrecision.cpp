//===- AttentionPrecision.cpp - The precision of the products inside attentions -----------------------===//
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNATTENTIONPRECISION
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis::nn;

static ProductPrecision productPrecision(Precision precision) {
  switch (precision) {
  case Precision::F32:
    return ProductPrecision::F32;
  case Precision::SplitF32:
    return ProductPrecision::SplitF32;
  case Precision::BF16:
  case Precision::Int8:
  case Precision::Int4:
    return ProductPrecision::BF16;
  }
  llvm_unreachable("all precisions are listed");
}

/// The name that users give it.
static StringRef weightPrecision(ProductPrecision precision) {
  return stringifyPrecision(precision == ProductPrecision::BF16       ? Precision::BF16
                            : precision == ProductPrecision::SplitF32 ? Precision::SplitF32
                                                                      : Precision::F32);
}

namespace {
struct NNAttentionPrecision : tamis::nn::impl::NNAttentionPrecisionBase<NNAttentionPrecision> {
  using NNAttentionPrecisionBase::NNAttentionPrecisionBase;

  void runOnOperation() override {
    FailureOr<Precision> known = parsePrecision(getOperation(), precision);
    if (failed(known))
      return signalPassFailure();
    getOperation().walk([&](AttentionOp attention) {
      ProductPrecision wanted = productPrecision(precisionOf(attention, *known));
      if (wanted != productPrecision(*known))
        listPrecision(attention, weightPrecision(wanted));
      if (wanted == ProductPrecision::F32)
        return;
      attention.setPrecision(wanted);
      ++attentions;
    });
  }
};
} // namespace
