//===- Pipelines.h - The passes of a compilation, in order
//-------------------------------------------------===//
#ifndef TAMIS_PIPELINES_PIPELINES_H
#define TAMIS_PIPELINES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace tamis {

/// From imported onnx to nn and token with fused layers and packed weights: the level at which sparsity
/// works.
class ModelPipeline {
public:
  struct Options : mlir::PassPipelineOptions<Options> {
    Option<bool> keepPadding{*this, "keep-padding", llvm::cl::desc("Compute rows of padding too"),
                             llvm::cl::init(false)};
    Option<bool> observeExperts{*this, "observe-experts",
                                llvm::cl::desc("Show the host what experts compute, for a profile"),
                                llvm::cl::init(false)};
    Option<bool> observeStates{*this, "observe-states",
                               llvm::cl::desc("Show the host the hidden states in front of each layer"),
                               llvm::cl::init(false)};
    Option<bool> printRaising{
        *this, "print-raising",
        llvm::cl::desc("Remark on what is almost a layer and which node stands in the way"),
        llvm::cl::init(false)};
    Option<std::string> precision{*this, "precision",
                                  llvm::cl::desc("Of matrix products: f32, split-f32, bf16, int8 or int4"),
                                  llvm::cl::init("f32")};
    ListOption<std::string> layerPrecisions{
        *this, "layer-precision",
        llvm::cl::desc("REGEX=PRECISION: another precision for layers by the names of their nodes")};
    Option<int64_t> int4Group{*this, "int4-group",
                              llvm::cl::desc("Elements of a column that share a scale under int4"),
                              llvm::cl::init(32)};
    Option<std::string> profile{*this, "profile", llvm::cl::desc("What experts did: a file of tamis profile"),
                                llvm::cl::init("")};
    Option<std::string> profileHash{*this, "profile-hash", llvm::cl::desc("Of the model that it is to be of"),
                                    llvm::cl::init("")};
    Option<bool> mergeExperts{*this, "merge-experts", llvm::cl::desc("Store equal experts once"),
                              llvm::cl::init(false)};
    Option<bool> orderExperts{*this, "order-experts",
                              llvm::cl::desc("Store experts in the order of their use"),
                              llvm::cl::init(false)};
    Option<double> keepExperts{*this, "keep-experts", llvm::cl::desc("Share of the experts that are kept"),
                               llvm::cl::init(1)};
    Option<double> expertFallback{
        *this, "expert-fallback",
        llvm::cl::desc("Share of the router's mass below which experts that are not kept count, too"),
        llvm::cl::init(0)};
    Option<double> skipExperts{*this, "skip-experts",
                               llvm::cl::desc("Share of a token's sum below which an expert is skipped"),
                               llvm::cl::init(0)};
    Option<std::string> policy{
        *this, "policy", llvm::cl::desc("What may be left out of a run: a policy file"), llvm::cl::init("")};
    Option<int64_t> maxLength{*this, "max-length",
                              llvm::cl::desc("Tokens of a sequence that a decoder's caches may hold"),
                              llvm::cl::init(0)};
  };
  static void build(mlir::OpPassManager &passes, const Options &options);
};

/// From there to buffers and parallel loops, the same for all ISA levels.
class LoopPipeline {
public:
  static void build(mlir::OpPassManager &passes);
};

/// From there to the LLVM dialect for one ISA level.
class MachinePipeline {
public:
  struct Options : mlir::PassPipelineOptions<Options> {
    Option<std::string> isa{*this, "isa", llvm::cl::desc("ISA level, such as x86-64-v3"),
                            llvm::cl::init("x86-64-v3")};
  };
  static void build(mlir::OpPassManager &passes, const Options &options);
};

/// Registers tamis-model, tamis-loops and tamis-machine as pass pipelines by name.
void registerPipelines();

/// Registers the passes of Tamis and those of MLIR that its pipelines use.
void registerPasses();

/// Adds every dialect that a compilation uses, with the interfaces it needs.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace tamis

#endif
