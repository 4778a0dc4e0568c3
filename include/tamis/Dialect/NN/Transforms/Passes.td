//===- Passes.td - Passes on layers ----------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_PASSES
#define TAMIS_DIALECT_NN_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def NNFuseQKV : Pass<"nn-fuse-qkv", "::mlir::ModuleOp"> {
  let summary = "One product for the queries, keys and values of an attention";
  let description = [{
    Linear layers of the same x that only one attention reads become one, whose weight is the concatenation of
    theirs; the attention reads its columns. Layers with and without a bias, or with and without zero points, are not
    mixed, nor are layers of floats and of integers.
  }];
  let statistics = [Statistic<"fusedLinears", "fused", "Linear layers that went into a fused one">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

def NNFoldEpilogue : Pass<"nn-fold-epilogue", "::mlir::ModuleOp"> {
  let summary = "Activation and residual addition inside the linear layer before them";
  let description = [{
    An activation, and behind it an addition of a tensor of the same shape, that are the only readers of a linear
    layer's result are computed while that result is still in registers.
  }];
  let statistics = [
    Statistic<"foldedActivations", "activations", "Activations folded">,
    Statistic<"foldedResiduals", "residuals", "Residual additions folded">
  ];
}

def NNPackWeights : Pass<"nn-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Weights of linear layers in the layout that the microkernels read";
  let description = [{
    Puts weight.pack_panels behind each weight [K, N] that an nn.linear multiplies by, and the sums of its columns
    beside that of an nn.quantized_linear.
  }];
  let statistics = [Statistic<"packedWeights", "packed", "Weights packed">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

#endif
