//===- Pipelines.cpp - The passes of a compilation, in order
//-----------------------------------------------===//
#include "tamis/Pipelines/Pipelines.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "tamis/Codegen/Passes.h"
#include "tamis/Conversion/Passes.h"
#include "tamis/Dialect/MoE/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;

static void simplify(OpPassManager &passes) {
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

/// To what a profile says of the traffic. Equal experts are found before any is left out, so that each is
/// hashed as it is in the model.
static void specializeExperts(OpPassManager &passes, const ModelPipeline::Options &options) {
  if (!options.profile.empty())
    passes.addPass(moe::createMoEReadProfile({options.profile, options.profileHash}));
  if (options.mergeExperts)
    passes.addPass(moe::createMoEMergeDuplicates());
  if (options.keepExperts < 1)
    passes.addPass(moe::createMoEPruneExperts({options.keepExperts, options.expertFallback}));
  if (options.orderExperts)
    passes.addPass(moe::createMoEOrderExperts());
  // A policy's steps may skip experts, too.
  if (options.skipExperts > 0 || !options.policy.empty())
    passes.addPass(moe::createMoESkipExperts({options.skipExperts}));
}

void ModelPipeline::build(OpPassManager &passes, const Options &options) {
  simplify(passes);
  passes.addPass(weight::createWeightFold());
  passes.addPass(createConvertONNXToNN({options.printRaising}));
  simplify(passes);
  passes.addPass(token::createTokenRemovePadding({options.keepPadding}));
  simplify(passes);
  if (options.observeStates)
    passes.addPass(token::createTokenObserveStates());
  passes.addPass(nn::createNNAppendCache({options.maxLength}));
  passes.addPass(nn::createNNFuseQKV());
  // Behind it, so that scores by attention read what the attention reads.
  if (!options.policy.empty()) {
    passes.addPass(token::createTokenMerge({options.policy}));
    passes.addPass(token::createTokenPrune({options.policy}));
    passes.addPass(token::createTokenRestore({options.policy}));
    passes.addPass(token::createTokenEvict({options.policy}));
  }
  passes.addPass(nn::createNNFoldEpilogue());
  passes.addPass(token::createTokenLastLogits());
  if (options.observeExperts)
    passes.addPass(moe::createMoEObserveExperts());
  specializeExperts(passes, options);
  if (!options.layerPrecisions.empty())
    passes.addPass(
        nn::createNNAssignPrecisions({{options.layerPrecisions.begin(), options.layerPrecisions.end()}}));
  passes.addPass(nn::createNNPackWeights({options.precision, options.int4Group}));
  passes.addPass(moe::createMoEPackWeights({options.precision, options.int4Group}));
  passes.addPass(nn::createNNStoreTables({options.precision}));
  passes.addPass(nn::createNNAttentionPrecision({options.precision}));
  passes.addPass(weight::createWeightFold());
  simplify(passes);
}

void LoopPipeline::build(OpPassManager &passes) {
  passes.addPass(createConvertONNXToLinalg());
  simplify(passes);
  passes.addPass(weight::createWeightShare());
  passes.addPass(createWeightPlan());
  passes.addNestedPass<func::FuncOp>(createLinalgFuseElementwise());
  simplify(passes);
  passes.addPass(bufferization::createEmptyTensorEliminationPass());
  passes.addPass(createRTBufferize());
  passes.addNestedPass<func::FuncOp>(createConvertMatmulToKernel());
  passes.addNestedPass<func::FuncOp>(createMemRefCopyToLinalg());
  simplify(passes);
  passes.addNestedPass<func::FuncOp>(createConvertLinalgToParallelLoopsPass());
  passes.addNestedPass<func::FuncOp>(createRTParallelize());
  simplify(passes);
}

void MachinePipeline::build(OpPassManager &passes, const Options &options) {
  passes.addPass(createConvertKernelToVector({options.isa}));
  passes.addNestedPass<func::FuncOp>(createRTPlanMemory());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createRTOutline());
  passes.addPass(createMathToPolynomial());
  // No ISA level here has bf16 arithmetic; LLVM would call a library for it. Functions of it first become
  // arithmetic.
  passes.addPass(math::createMathExtendToSupportedTypes());
  arith::ArithEmulateUnsupportedFloatsOptions emulate;
  emulate.sourceTypeStrs = {"bf16"};
  passes.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
  passes.addPass(createConvertVectorToSCFPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(arith::createArithExpandOpsPass({/*includeBf16=*/true}));
  simplify(passes);
  passes.addPass(createConvertRTToLLVM());
  passes.addPass(createReconcileUnrealizedCastsPass());
  simplify(passes);
}

void tamis::registerPipelines() {
  PassPipelineRegistration<ModelPipeline::Options>("tamis-model", "From imported onnx to fused nn and token",
                                                   ModelPipeline::build);
  PassPipelineRegistration<>("tamis-loops", "From nn and token to buffers and parallel loops",
                             LoopPipeline::build);
  PassPipelineRegistration<MachinePipeline::Options>("tamis-machine", "From loops to LLVM for one ISA level",
                                                     MachinePipeline::build);
}
