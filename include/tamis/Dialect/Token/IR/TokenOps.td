//===- TokenOps.td - Ragged sequences --------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENOPS
#define TAMIS_DIALECT_TOKEN_IR_TOKENOPS

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Token_Dialect : Dialect {
  let name = "token";
  let cppNamespace = "::tamis::token";
  let summary = "Ragged sequences: rows of real tokens without padding";
  let description = [{
    A batch [B, S] of sequences with a mask becomes R rows, the real tokens of all sequences one after the other. `rows`
    [R] holds each row's place b * S + s in the padded batch, ascending; `offsets` [B + 1] where each sequence
    begins. Ops between pack and unpack work on R rows.
  }];
}
class Token_Op<string mnemonic, list<Trait> traits = []>
    : Op<Token_Dialect, mnemonic, !listconcat([Pure], traits)>;

def Token_Mask : RankedTensorOf<[I64, I32, I1, F32]>;
def Token_Index : RankedTensorOf<[I64]>;

def Token_IndexOp : Token_Op<"index"> {
  let summary = "Places of the real tokens: where mask [B, S] is not 0";
  let description = [{
    With `binary`, an element that is neither 0 nor 1 ends the run: the model computes with the mask's values, and
    leaving rows out is proven for 0 and 1 only. The counters tokens_in and tokens_computed are set here.
  }];
  let arguments = (ins Token_Mask:$mask, UnitAttr:$binary);
  let results = (outs Token_Index:$rows, Token_Index:$offsets);
  let assemblyFormat = "$mask (`binary` $binary^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Token_PackOp : Token_Op<"pack"> {
  let summary = "Rows of x [B, S, ...] as [R, ...]; x with B = 1 is broadcast over the batch of `mask`";
  let arguments = (ins AnyRankedTensor:$x, Token_Index:$rows, Token_Mask:$mask);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$x `,` $rows `,` $mask attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
def Token_UnpackOp : Token_Op<"unpack"> {
  let summary = "Rows [R, ...] back in [B, S, ...] of `mask`, zeros at padded places";
  let arguments = (ins AnyRankedTensor:$x, Token_Index:$rows, Token_Mask:$mask);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$x `,` $rows `,` $mask attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
def Token_PositionsOp : Token_Op<"positions"> {
  let summary = "The place s of each row in its sequence, [R]";
  let arguments = (ins Token_Index:$rows, Token_Mask:$mask);
  let results = (outs Token_Index:$positions);
  let assemblyFormat = "$rows `,` $mask attr-dict `:` functional-type(operands, results)";
}
def Token_FirstOp : Token_Op<"first"> {
  let summary = "The row of each sequence that stands at place `position`, [B, ...]";
  let description = [{
    What a pooler reads. When that place is padding the run ends with a message: the model reads a row that its
    mask calls padding, so padding must be kept.
  }];
  let arguments = (ins AnyRankedTensor:$x, Token_Index:$rows, Token_Index:$offsets, Token_Mask:$mask,
                   DefaultValuedAttr<I64Attr, "0">:$position);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$x `,` $rows `,` $offsets `,` $mask attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
