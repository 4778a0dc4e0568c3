//===- Passes.td - Passes on weights ---------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_WEIGHT_TRANSFORMS_PASSES
#define TAMIS_DIALECT_WEIGHT_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def WeightFold : Pass<"weight-fold", "::mlir::ModuleOp"> {
  let summary = "Makes what a model does to its weights a transform at compile time";
  let description = [{
    onnx.Transpose, Reshape, Flatten, Unsqueeze, Squeeze, Cast, Concat, Slice and Split of weights alone become ops of
    the weight dialect, which the compiler evaluates. A transpose of a transpose is folded.
  }];
  let statistics = [Statistic<"foldedOps", "folded", "Ops on weights that became transforms">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

#endif
