//===- TokenEnums.td - How tokens are scored ---------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENENUMS
#define TAMIS_DIALECT_TOKEN_IR_TOKENENUMS

include "mlir/IR/EnumAttr.td"

def Token_Rule : I32EnumAttr<"Rule", "What says how much a token matters", [
  I32EnumAttrCase<"Linear", 0, "linear">, I32EnumAttrCase<"Stride", 1, "stride">, I32EnumAttrCase<"Random", 2, "random">]> {
  let cppNamespace = "::tamis::token";
  let genSpecializedAttr = 0;
}

def Token_Queries : I32EnumAttr<"Queries", "Which rows of a sequence the attention is looked at from", [
  I32EnumAttrCase<"First", 0, "first">, I32EnumAttrCase<"Last", 1, "last">, I32EnumAttrCase<"Spread", 2, "spread">]> {
  let cppNamespace = "::tamis::token";
  let genSpecializedAttr = 0;
}

#endif
