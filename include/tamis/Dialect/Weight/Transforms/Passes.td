//===- Passes.td - Passes on weights ---------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_WEIGHT_TRANSFORMS_PASSES
#define TAMIS_DIALECT_WEIGHT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def WeightFold : Pass<"weight-fold", "::mlir::ModuleOp"> {
  let summary = "Makes what a model does to its weights a transform at compile time";
  let description = [{
    onnx.Transpose, Reshape, Flatten, Unsqueeze, Squeeze, Cast, Concat, Slice and Split of weights alone become ops of
    the weight dialect, which the compiler evaluates. A transpose of a transpose is folded. Dequantised weights
    (onnx.DequantizeLinear, and the product of a cast and a scale) become weight.dequantize.
  }];
  let statistics = [Statistic<"foldedOps", "folded", "Ops on weights that became transforms">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

def WeightShare : Pass<"weight-share", "::mlir::ModuleOp"> {
  let summary = "Makes one of equal weights, so that they are stored once";
  let description = [{
    Weights of one type whose elements are equal, whatever sources and transforms they come from, become one value:
    tied embeddings that an exporter wrote twice, layers that share their parameters, biases of zeros. What is
    no longer used is left to weight-plan.

    Only weights that have another of their type are read. A fingerprint that does not depend on the order of
    elements, and so needs no transposing or packing, tells most of them apart; those that are left are
    evaluated, one at a time, and compared by a cryptographic hash. So memory stays near the largest tensor.
  }];
  let statistics = [Statistic<"sharedWeights", "shared", "Weights that are stored as another">,
                    Statistic<"savedBytes", "saved-bytes", "Bytes that need not be stored for it">,
                    Statistic<"evaluatedWeights", "evaluated", "Weights whose bytes were made to compare them">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

#endif
