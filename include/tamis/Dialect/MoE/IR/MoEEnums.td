//===- MoEEnums.td - How a router chooses ------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_MOE_IR_MOEENUMS
#define TAMIS_DIALECT_MOE_IR_MOEENUMS

include "mlir/IR/EnumAttr.td"

def MoE_Score : I32EnumAttr<"Score", "What is made of a token's logits before experts are chosen", [
  I32EnumAttrCase<"Logits", 0, "logits">, I32EnumAttrCase<"Softmax", 1, "softmax">,
  I32EnumAttrCase<"Sigmoid", 2, "sigmoid">]> {
  let cppNamespace = "::tamis::moe";
  let genSpecializedAttr = 0;
}

def MoE_Ties : I32EnumAttr<"Ties", "Which of two experts of equal score is chosen first", [
  I32EnumAttrCase<"Low", 0, "low">, I32EnumAttrCase<"High", 1, "high">]> {
  let cppNamespace = "::tamis::moe";
  let genSpecializedAttr = 0;
}

#endif
