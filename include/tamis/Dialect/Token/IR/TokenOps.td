//===- TokenOps.td - Ragged sequences --------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENOPS
#define TAMIS_DIALECT_TOKEN_IR_TOKENOPS

include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/Token/IR/TokenBase.td"

class Token_Op<string mnemonic, list<Trait> traits = []>
    : Op<Token_Dialect, mnemonic, !listconcat([Pure], traits)>;

def Token_Mask : RankedTensorOf<[I64, I32, I1, F32]>;
def Token_Index : RankedTensorOf<[I64]>;
def Token_Flags : RankedTensorOf<[I1]>;

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

//===----------------------------------------------------------------------===//
// Pruning
//===----------------------------------------------------------------------===//

def Token_ScoreOp : Token_Op<"score"> {
  let summary = "How much each row matters, [R]: the greater, the more";
  let description = [{
    By the `rule`, for row r of x [R, H] at place p of its sequence, which `offsets` [B + 1] tell:

    - `linear`: x[r] . weights, with `weights` [H]. The least-squares sieve: weights are fitted so that the score is the
      logarithm of how badly the row's last state follows from this one alone (tamis calibrate).
    - `stride`: the negative of p's bits in reverse order, so that any number of rows that are kept are spread over
      the sequence; for p below 65536. A baseline.
    - `random`: a number from 0 to 1 that depends on p and `seed` alone. A baseline.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, Optional<RankedTensorOf<[F32]>>:$weights, Token_Index:$offsets,
                   Token_RuleAttr:$rule, DefaultValuedAttr<I64Attr, "0">:$seed);
  let results = (outs RankedTensorOf<[F32]>:$scores);
  let assemblyFormat = "$rule $x (`by` $weights^)? `of` $offsets attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Token_AttentionScoreOp : Token_Op<"attention_score"> {
  let summary = "How much attention each row gets, [R], from `count` rows of its sequence: on average 1";
  let description = [{
    q [R, heads * D], k [R, kv_heads * D] and v [R, kv_heads * E] are those of an nn.attention in its ragged form,
    cut by their columns as there, without a bias and without a mask inside a sequence. Of a sequence of n rows c = min(count,
    n) are asked: the `first` ones, such as [CLS] alone; the `last` ones, a window; or rows (2 i + 1) n / (2 c), i < c, which are
    `spread` over it, an estimate of what all rows give. For row r, with w the weights of the softmax of scale q k^T,

      score(r) = n / (heads c) sum over heads h, rows i that are asked: w_h(i, r) a_h(r)

    where a_h(r) is 1, or with `v` the sum of the magnitudes of row r of v in head h: what is attended to, but has nothing to
    say, matters little (Guo et al. 2024, Attention Score is Not All You Need for Token Importance Indicator in KV Cache
    Reduction). No matrix of weights is made; the cost is that of 2 c rows of the product q k^T, however long a sequence
    is. Scores are comparable between sequences of different lengths.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$q, RankedTensorOf<[F32]>:$k, Optional<RankedTensorOf<[F32]>>:$v, Token_Index:$offsets,
                   Token_QueriesAttr:$queries, I64Attr:$count, I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim,
                   I64Attr:$value_dim, F32Attr:$scale, DefaultValuedAttr<I64Attr, "0">:$q_column,
                   DefaultValuedAttr<I64Attr, "0">:$k_column, DefaultValuedAttr<I64Attr, "0">:$v_column);
  let results = (outs RankedTensorOf<[F32]>:$scores);
  let assemblyFormat = [{
    `from` $queries $count `:` $q `,` $k (`,` $v^)? `of` $offsets attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
def Token_SelectOp : Token_Op<"select"> {
  let summary = "The rows of each sequence that are kept, [K], ascending, and where each sequence of them begins, [B + 1]";
  let description = [{
    Of a sequence of n rows those of the greatest `scores` stay, share * n of them, rounded, but no fewer than `minimum`
    if there are so many; of equal scores the earlier ones, and a NaN counts as great. The `first` and the `last` rows
    of a sequence always stay. `lengths`, ascending, cut the sequences into groups: those of up to lengths[0] rows
    in `whole` [B + 1], the offsets before any row was left out, have the share of the run's setting number `setting`, the next the one behind it, and so on, those longer than
    all the last one. A share of 1 keeps all. The run's report has the counts.

    With `by_score` the setting is the least score that stays, whatever share of the rows that is; the lowest number
    there is keeps all. Rows whose element of `fixed` [R] is 1 stay as well, even where these are more than the share.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$scores, Token_Index:$offsets, Token_Index:$whole, Optional<Token_Flags>:$fixed,
                   I64Attr:$setting, DenseI64ArrayAttr:$lengths,
                   I64Attr:$minimum, I64Attr:$first, I64Attr:$last, UnitAttr:$by_score);
  let results = (outs Token_Index:$kept, Token_Index:$kept_offsets);
  let assemblyFormat = [{
    $scores `of` $offsets `whole` $whole (`fixed` $fixed^)? `setting` $setting `lengths` $lengths `minimum` $minimum `first` $first `last` $last
    (`by_score` $by_score^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
def Token_ProtectOp : Token_Op<"protect"> {
  let summary = "Which rows are tokens of one of these `values`, [R]";
  let arguments = (ins RankedTensorOf<[I64, I32]>:$ids, DenseI64ArrayAttr:$values);
  let results = (outs Token_Flags:$flags);
  let assemblyFormat = "$ids `of` $values attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Token_MatchOp : Token_Op<"match"> {
  let summary = "Which row each row may be merged into, how little they are alike, and which rows stay in any case, [R] each";
  let description = [{
    Bipartite matching (Bolya et al. 2023, Token Merging): of each sequence, rows at even places may be merged into rows at odd
    places. k [R, kv_heads * D] has the keys of an attention from `k_column` on; rows are compared by the mean of their keys
    over the heads. For a row at an even place `partners` has the number of the row at an odd place whose cosine with it is
    greatest, of equal ones the earlier, and `scores` the negative of that cosine, so that token.select lets go of rows that
    another one stands for.

    Rows at odd places, the `first` and the `last` ones of a sequence and those whose element of `fixed` is 1 stay, and
    the latter two are no row's partner; so do all where there is none to be merged into. For those `stays` is 1, `scores` 0
    and `partners` the row itself. A sequence whose share is 1 (`setting` and `lengths` as in token.select) is not looked at: its
    rows all stay.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$k, Token_Index:$offsets, Token_Index:$whole, Optional<Token_Flags>:$fixed,
                   I64Attr:$setting, DenseI64ArrayAttr:$lengths, I64Attr:$first, I64Attr:$last,
                   I64Attr:$kv_heads, I64Attr:$head_dim, DefaultValuedAttr<I64Attr, "0">:$k_column);
  let results = (outs RankedTensorOf<[F32]>:$scores, Token_Index:$partners, Token_Flags:$stays);
  let assemblyFormat = [{
    $k `of` $offsets `whole` $whole (`fixed` $fixed^)? `setting` $setting `lengths` $lengths `first` $first `last` $last
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
def Token_MergeOp : Token_Op<"merge"> {
  let summary = "Rows of x [R, H] merged into `kept` ones [K]: means [K, H], how many tokens each stands for [K], and where each row went [R]";
  let description = [{
    A row that is not kept is merged into the row that `partners` [R] names, which is kept. The result is the mean of a kept row and of those
    merged into it, each weighed by its element of `sizes` [R], the number of tokens that it stands for; without it, 1. The
    sum of those is its new size. `into` has the number, below K, of the row that each row is in, so that token.gather by it
    gives all rows again. A row into which none is merged is as it was, to the bit.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, Optional<RankedTensorOf<[F32]>>:$sizes, Token_Index:$offsets, Token_Index:$kept,
                   Token_Index:$kept_offsets, Token_Index:$partners);
  let results = (outs RankedTensorOf<[F32]>:$y, RankedTensorOf<[F32]>:$merged_sizes, Token_Index:$into);
  let assemblyFormat = [{
    $x (`sizes` $sizes^)? `of` $offsets `at` $kept `of` $kept_offsets `into` $partners attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}
def Token_ObserveOp : Op<Token_Dialect, "observe", [MemoryEffects<[MemWrite]>]> {
  let summary = "Shows the hidden states x [R, H] in front of a layer, for calibration";
  let arguments = (ins RankedTensorOf<[F32]>:$x, I64Attr:$layer);
  let assemblyFormat = "$x `layer` $layer attr-dict `:` type($x)";
}
def Token_GatherOp : Token_Op<"gather"> {
  let summary = "The kept rows of x [R, ...] as [K, ...]";
  let arguments = (ins AnyRankedTensor:$x, Token_Index:$kept);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$x `at` $kept attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Token_DroppedOp : Token_Op<"dropped"> {
  let summary = "Which of the rows that `rows` [R] has an element for are not among `kept` [K], [R - K], ascending";
  let description = "`kept` ascends, as token.select makes it, and is below R.";
  let arguments = (ins Token_Index:$kept, Token_Index:$rows);
  let results = (outs Token_Index:$dropped);
  let assemblyFormat = "$kept `of` $rows attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Token_RestoreOp : Token_Op<"restore"> {
  let summary = "All rows [R, ...] again: y [K, ...] where rows were kept, `mapped` [R - K, ...] where they were dropped";
  let description = [{
    `kept` [K] and `dropped` [R - K] have each row from 0 to R - 1 once. What stands for a row that was left out is made
    of its states in front of the layer: token.gather at `dropped`, then nn.linear. Where nothing was left out, both work
    on no rows.
  }];
  let arguments = (ins AnyRankedTensor:$y, Token_Index:$kept, AnyRankedTensor:$mapped, Token_Index:$dropped);
  let results = (outs AnyRankedTensor:$restored);
  let assemblyFormat = "$y `at` $kept `,` $mapped `at` $dropped attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
