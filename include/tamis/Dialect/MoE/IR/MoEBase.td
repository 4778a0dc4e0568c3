//===- MoEBase.td - The moe dialect and its attributes ---------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_MOE_IR_MOEBASE
#define TAMIS_DIALECT_MOE_IR_MOEBASE

include "mlir/IR/OpBase.td"
include "tamis/Dialect/MoE/IR/MoEEnums.td"
include "tamis/Dialect/NN/IR/NNBase.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::tamis::moe";
  let dependentDialects = ["::tamis::nn::NNDialect"];
  let summary = "Mixtures of experts: which experts a token takes, and those experts' layers";
  let useDefaultAttributePrinterParser = 1;
  let description = [{
    A router gives each token a logit an expert; `moe.route` chooses k of E experts and their weights,
    `moe.experts` computes each expert for the tokens that chose it and for no others, and `moe.combine` adds
    a token's experts up. T is the number of tokens; a list [..., X] means any number of leading dimensions whose
    product is T. A pair is a token and one of its experts: there are T * k of them, each is computed, and nothing
    is padded to a capacity.

    Forms of the layer: Shazeer et al. 2017 (top-k of a softmax), Mixtral (softmax over the chosen), DeepSeek V2 and
    V3 (groups; sigmoid scores with a bias that only chooses).
  }];
}

def MoE_ScoreAttr : EnumAttr<MoE_Dialect, MoE_Score, "score">;

def MoE_TiesAttr : EnumAttr<MoE_Dialect, MoE_Ties, "ties">;

#endif
