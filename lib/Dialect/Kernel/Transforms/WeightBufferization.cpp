//===- WeightBufferization.cpp - weight.get of buffers ----------------------------------------------===//
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

#include "tamis/Dialect/Kernel/Transforms/Bufferization.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace tamis;

namespace {
struct GetModel : BufferizableOpInterface::ExternalModel<GetModel, weight::GetOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const { return false; }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &,
                          BufferizationState &) const {
    auto get = cast<weight::GetOp>(op);
    auto type = cast<RankedTensorType>(get.getType());
    replaceOpWithNewBufferizedOp<weight::GetOp>(
        rewriter, op, MemRefType::get(type.getShape(), type.getElementType()), get.getRecipeAttr());
    return success();
  }
};
} // namespace

void kernel::registerWeightBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, weight::WeightDialect *) {
    weight::GetOp::attachInterface<GetModel>(*context);
  });
}
