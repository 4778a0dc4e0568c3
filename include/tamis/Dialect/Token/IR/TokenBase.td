//===- TokenBase.td - The token dialect and its attributes --------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENBASE
#define TAMIS_DIALECT_TOKEN_IR_TOKENBASE

include "mlir/IR/OpBase.td"
include "tamis/Dialect/Token/IR/TokenEnums.td"

def Token_Dialect : Dialect {
  let name = "token";
  let cppNamespace = "::tamis::token";
  let summary = "Ragged sequences: rows of real tokens without padding";
  let description = [{
    A batch [B, S] of sequences with a mask becomes R rows, the real tokens of all sequences one after the other. `rows`
    [R] holds each row's place b * S + s in the padded batch, ascending; `offsets` [B + 1] where each sequence
    begins. Ops between pack and unpack work on R rows.

    Rows that matter little to the answer are left out in the midst of a model: token.score gives each a number,
    token.select keeps a share of each sequence, token.gather takes what is kept. Ops behind it work on fewer rows,
    until token.restore puts others in the places of those that token.dropped names.
  }];
  let useDefaultAttributePrinterParser = 1;
}
def Token_RuleAttr : EnumAttr<Token_Dialect, Token_Rule, "rule"> {
  let assemblyFormat = "$value";
}
def Token_QueriesAttr : EnumAttr<Token_Dialect, Token_Queries, "queries"> {
  let assemblyFormat = "$value";
}

#endif
