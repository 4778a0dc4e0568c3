//===- Bufferize.cpp - Tensors become buffers
//-------------------------------------------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

namespace tamis {
#define GEN_PASS_DEF_RTBUFFERIZE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;

namespace {
struct Bufferize : tamis::impl::RTBufferizeBase<Bufferize> {
  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    options.bufferAlignment = 64;
    // Recipes are for the artifact's writer, not for code.
    options.opFilter.denyOperation([](Operation *op) { return tamis::weight::isWeightOp(op); });
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options, state)))
      signalPassFailure();
  }
};
} // namespace
