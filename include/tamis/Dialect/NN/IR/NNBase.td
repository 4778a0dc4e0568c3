//===- NNBase.td - The nn dialect and its enums -----------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_NN_IR_NNBASE
#define TAMIS_DIALECT_NN_IR_NNBASE

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::tamis::nn";
  let summary = "Layers of neural networks as single ops on tensors";
  let useDefaultAttributePrinterParser = 1;
  let description = [{
    What the raising patterns make of the exporters' spellings. Sparsity passes work here. A dimension list
    [..., H] means any number of leading dimensions: [B, S, H] before padding is removed, [T, H] after.
  }];
}

/// Products or tables whose precision the user chooses (nn-assign-precisions).
def NN_HasPrecision : NativeOpTrait<"HasPrecision"> {
  let cppNamespace = "::tamis::nn";
}

def NN_Activation : I32EnumAttr<"Activation", "What is applied to a linear layer's result", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Relu", 1, "relu">, I32EnumAttrCase<"Gelu", 2, "gelu">,
  I32EnumAttrCase<"GeluTanh", 3, "gelu_tanh">, I32EnumAttrCase<"Tanh", 4, "tanh">,
  I32EnumAttrCase<"Silu", 5, "silu">, I32EnumAttrCase<"Sigmoid", 6, "sigmoid">]> {
  let cppNamespace = "::tamis::nn";
  let genSpecializedAttr = 0;
}
def NN_ActivationAttr : EnumAttr<NN_Dialect, NN_Activation, "activation">;

def NN_ProductPrecision : I32EnumAttr<"ProductPrecision", "What the factors of a product are; it is added up in f32", [
  I32EnumAttrCase<"F32", 0, "f32">, I32EnumAttrCase<"BF16", 1, "bf16">,
  I32EnumAttrCase<"SplitF32", 2, "split_f32">]> {
  let cppNamespace = "::tamis::nn";
  let genSpecializedAttr = 0;
}
def NN_ProductPrecisionAttr : EnumAttr<NN_Dialect, NN_ProductPrecision, "product_precision">;
def NN_DefaultProductPrecision : DefaultValuedAttr<NN_ProductPrecisionAttr, "::tamis::nn::ProductPrecision::F32">;

#endif
