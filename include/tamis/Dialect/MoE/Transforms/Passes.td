//===- Passes.td - Passes on mixtures of experts ----------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_MOE_TRANSFORMS_PASSES
#define TAMIS_DIALECT_MOE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def MoEObserveExperts : Pass<"moe-observe-experts", "::mlir::ModuleOp"> {
  let summary = "Show what each layer of experts computes, for a profile";
  let description = [{
    Adds moe.observe to each moe.experts whose rows are weighted, by the op itself or by a moe.combine. The rows of pairs
    are then written before they are added up, which is slower; results stay the same but for rounding.
  }];
  let statistics = [Statistic<"observed", "observed", "Layers of experts that are observed">];
}

def MoEReadProfile : Pass<"moe-read-profile", "::mlir::ModuleOp"> {
  let summary = "What experts did over many requests, for the passes that read it";
  let description = [{
    Reads a profile (`tamis profile`, docs/profiles.md) and puts what it says of a layer of experts on its op, as
    `tamis.usage`: a dictionary of `tokens`, and for each expert `pairs`, `lengths` (the mean length of what it gave) and
    `scores` (the mean of the router's weight times that length: REAP, Lasby et al., 2025). Layers are found by the
    names of their nodes. A profile of another model (`model-hash`), of layers that there are not, or of other numbers
    of experts is refused. Layers that the profile does not know stay without, with a remark.
  }];
  let options = [
    Option<"profile", "profile", "std::string", "", "The file">,
    Option<"modelHash", "model-hash", "std::string", "", "Of the ONNX file; empty: any">
  ];
  let statistics = [Statistic<"layers", "layers", "Layers whose usage is known">];
}

def MoEMergeDuplicates : Pass<"moe-merge-duplicates", "::mlir::ModuleOp"> {
  let summary = "Experts of the same weights share them";
  let description = [{
    Compares the bytes of all weights and biases of a layer's experts, by their SHA-256, and stores those that are equal
    once, by the `places` of moe.experts. No result changes.
  }];
  let statistics = [Statistic<"merged", "merged", "Experts that share the weights of another one">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::tamis::onnx::ONNXDialect", "::tamis::weight::WeightDialect"];
}

def MoEPruneExperts : Pass<"moe-prune-experts", "::mlir::ModuleOp"> {
  let summary = "Leave out the experts that matter least to their tokens";
  let description = [{
    Of each layer whose usage is known (moe-read-profile) and whose router is a moe.route without groups, the experts of
    the lowest scores are left out (REAP), until a share `keep` of them is left, rounded up, and no fewer than a token
    takes; of equal scores the ones with more pairs stay, then the lower ones. Their logits count as -infinity, so that
    the weights of the others are normalised as the router does it.

    With a `fallback` above 0 a token whose kept experts have less than that share of the router's mass (the sum of
    e^logit) chooses among all experts, whose weights therefore stay in the artifact. Without one the weights go. A
    layer that is left as it is is named in a remark.
  }];
  let options = [
    Option<"keep", "keep", "double", "1.0", "Share of the experts that are kept, above 0">,
    Option<"fallback", "fallback", "double", "0.0", "Share of the router's mass below which all experts count">
  ];
  let statistics = [Statistic<"pruned", "pruned", "Experts left out">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::tamis::onnx::ONNXDialect", "::tamis::weight::WeightDialect"];
}

def MoEOrderExperts : Pass<"moe-order-experts", "::mlir::ModuleOp"> {
  let summary = "Weights of experts in the order of their use, the busiest first";
  let description = [{
    Stores the experts of each layer whose usage is known (moe-read-profile) by falling pairs, of equal ones the lower
    first, by the `places` of moe.experts: what the traffic reads lies side by side, and what it does not read at the
    end, where pages are never touched. Neither indices nor results change.
  }];
  let statistics = [Statistic<"ordered", "ordered", "Layers that were put in order">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::tamis::onnx::ONNXDialect", "::tamis::weight::WeightDialect"];
}

def MoESkipExperts : Pass<"moe-skip-experts", "::mlir::ModuleOp"> {
  let summary = "Skip the experts of a token that hardly add to it";
  let description = [{
    In each layer whose usage is known (moe-read-profile) and whose op adds up the rows of a token, a pair is skipped
    when |w a| is below a threshold times the sum of |w a| over the token's experts, w being the router's weight and a
    the expert's mean length in the profile: an estimate of how much of the token's sum it is. The greatest one of a
    token is never skipped, and neither is a weight that is NaN. Weights of the others stay what they are. An expert
    that the profile never saw has the greatest mean length of those that it saw.

    The threshold is a setting of the run for each layer (rt.setting), behind those that `tamis.policy` has: 0, which skips
    nothing, in the step dense; in another one what the step has as `skip`, or `threshold`. Without `tamis.policy`
    there are the steps dense and `skip`, of which the latter is chosen.

    Refused with an error: steps that skip experts of layers whose usage is not known, or that have not one threshold for each layer.
  }];
  let options = [Option<"threshold", "threshold", "double", "0.0", "Share of a token's sum, from 0 to below 1, where a step has none">];
  let statistics = [Statistic<"layers", "layers", "Layers that skip experts">];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::tamis::onnx::ONNXDialect", "::tamis::rt::RTDialect"];
}

def MoEPackWeights : Pass<"moe-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Weights of experts in the layout and precision that the microkernels read";
  let description = [{
    Puts weight.pack_panels behind the weights [E, K, N] of each moe.experts, in the precisions of nn-pack-weights. For
    `int8` the scales and sums of the columns of each expert's weight become operands. Experts that have 4 bits in the
    model keep them under `int4`. A layer with a precision of its own (nn-assign-precisions) has that.
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"f32\"", "f32, split-f32, bf16, int8 or int4">,
    Option<"int4Group", "int4-group", "int64_t", "32", "Elements of a column that share a scale under int4: 32, 64 or 128">
  ];
  let statistics = [Statistic<"packedWeights", "packed", "Weights packed, each of all experts of a layer">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

#endif
