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
