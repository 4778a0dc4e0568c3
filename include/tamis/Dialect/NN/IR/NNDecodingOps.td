//===- NNDecodingOps.td - What a decoder keeps from one step to the next -----------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_NN_IR_NNDECODINGOPS
#define TAMIS_DIALECT_NN_IR_NNDECODINGOPS

include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/NN/IR/NNBase.td"

class NN_DecodingOp<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)>;

def NN_KVAppendOp : NN_DecodingOp<"kv_append", [AttrSizedOperandSegments]> {
  let summary = "A cache of keys or values with new rows behind those of the past";
  let description = [{
    past is [B, heads, P, D], added [B, heads, S, D], both results [B, heads, P + S, D]. Row s of what is added is row P
    + s of each sequence.

    With `starts` [B, 1] and `extra`, a scalar, the results have P + extra rows, and row s of what is added is row
    starts[b] + s: sequences of different lengths have their padding behind them. Rows that are neither before
    starts[b] nor added are zeros, or what a step before left there; nothing may depend on them.

    `present` is for the function to return, `rows` the same tensor for those that read it: the host may keep the cache
    with room behind each head, and then the new rows are all that is written and `rows` is a view of it. nn.attention
    takes it as k or v as it is. `cache` is the number of the cache in the artifact's decoder.
  }];
  let arguments = (ins RankedTensorOf<[F32, F16, BF16]>:$past, RankedTensorOf<[F32, F16, BF16]>:$added,
                   Optional<RankedTensorOf<[I64]>>:$starts, Optional<RankedTensorOf<[I64]>>:$extra, I64Attr:$cache);
  let results = (outs RankedTensorOf<[F32, F16, BF16]>:$present, RankedTensorOf<[F32, F16, BF16]>:$rows);
  let assemblyFormat = [{
    $past `,` $added (`starts` $starts^ `extra` $extra)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_WantedRowsOp : NN_DecodingOp<"wanted_rows"> {
  let summary = "The rows of x that the caller of the run wants: all, or one of each sequence";
  let description = [{
    x is [B, S, ...], y [B, S, ...] or [B, 1, ...], as the host says when the model runs. Ops behind it work on what it
    leaves.
  }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
