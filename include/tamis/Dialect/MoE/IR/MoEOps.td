//===- MoEOps.td - Routing, experts and their sum --------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_MOE_IR_MOEOPS
#define TAMIS_DIALECT_MOE_IR_MOEOPS

include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/MoE/IR/MoEBase.td"

class MoE_Op<string mnemonic, list<Trait> traits = []> : Op<MoE_Dialect, mnemonic, !listconcat([Pure], traits)>;

def MoE_RouteOp : MoE_Op<"route"> {
  let summary = "The k experts of each token, and their weights";
  let description = [{
    logits is [..., E]. In this order:
    0. Experts that are `left_out` have logits of -infinity, and are never chosen. With a `fallback` above 0 this holds for
       tokens only whose other experts have at least that share of the sum of e^logit over all E.
    1. `score`: s = logits, their softmax over all E, or their sigmoid.
    2. What chooses is c = s + `bias` [E], or s.
    3. With `groups` G > 1 the experts are G runs of E / G. A group's score is the sum of its `group_top` greatest
       c; outside of the `kept_groups` groups of the greatest scores, c is `group_fill`. With `limits_weights` so is s:
       an expert that is chosen from outside has that weight.
    4. The experts of the k greatest c are chosen, the greatest first. Of equal ones `ties` decides: `low` takes the
       lower index first, as TopK of ONNX does, `high` the higher one. NaN counts as -infinity.
    5. The weights are s of the chosen (without bias); with `softmax_chosen` the softmax over those k; with
       `normalize` divided by their sum + `epsilon`; then multiplied by `scale`.
       With a `mixer_threshold` t the j-th chosen expert, of logit m, has instead the weight e^m by the sum of e^l over the
       logits l of all experts but those chosen before it, and those with (m - l) / max(|l|, m) > t (sparse mixer of
       Phi-MoE); also multiplied by `scale`. t is not below 0, s are the logits, without bias and groups. A quotient that
       is NaN is not above t: an expert of logit 0 counts where m is 0. A logit NaN of an expert that counts makes the
       weight NaN.

    indices [..., k] are distinct within a token and in [0, E), whatever the logits.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$logits, Optional<RankedTensorOf<[F32]>>:$bias, I64Attr:$k,
                   DefaultValuedAttr<MoE_ScoreAttr, "::tamis::moe::Score::Logits">:$score,
                   DefaultValuedAttr<MoE_TiesAttr, "::tamis::moe::Ties::Low">:$ties,
                   DefaultValuedAttr<I64Attr, "1">:$groups, DefaultValuedAttr<I64Attr, "1">:$kept_groups,
                   DefaultValuedAttr<I64Attr, "1">:$group_top, DefaultValuedAttr<F32Attr, "0.0">:$group_fill,
                   UnitAttr:$softmax_chosen, UnitAttr:$normalize,
                   DefaultValuedAttr<F32Attr, "0.0">:$epsilon, DefaultValuedAttr<F32Attr, "1.0">:$scale,
                   OptionalAttr<DenseI64ArrayAttr>:$left_out, DefaultValuedAttr<F32Attr, "0.0">:$fallback,
                   UnitAttr:$limits_weights, OptionalAttr<F32Attr>:$mixer_threshold);
  let results = (outs RankedTensorOf<[I64]>:$indices, RankedTensorOf<[F32]>:$weights);
  let assemblyFormat = "$logits (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def MoE_ExpertsOp : MoE_Op<"experts", [AttrSizedOperandSegments, NN_HasPrecision]> {
  let summary = "Two linear layers an expert, for the tokens that chose it";
  let description = [{
    x is [..., H], indices [..., k]. Expert e of a row computes (hidden w_out[e] + b_out[e]), hidden being

    - activation(x w_in[e] + b_in[e]), with w_in [E, H, I];
    - `gated`: alpha^-1 activation(alpha min(g, limit)) * (clamp(u, -limit, limit) + beta) with g and u of
      x w_in[e] + b_in[e]. The columns of w_in [E, H, 2 I'], I' being I rounded up to a multiple of 8, are 8 of g
      and 8 of u in turn (weight.interleave_columns), so that any panel holds both for the same hidden columns.

    w_out is [E, I, N], b_in has the columns of w_in and b_out is [E, N]. Packed weights have a leading
    dimension E before that of nn.linear's; those of i8 come with `s_in`, `s_out`, by which columns are
    multiplied, and `t_in`, `t_out`, their sums, of the shapes of b_in and b_out. Rows of x and of hidden are then
    rounded to 8 bits, and also beside weights of 4 bits (i32, weight.quantize_int4).

    The result has a row for each pair, [..., k, N]. With `weights` [..., k] it is their weighted sum, [..., N]:
    moe.combine folded in. A token's experts are added up in the order of their indices, whatever the number
    of threads; those of one token are to be distinct. An index outside of [0, E) ends the run, but for -1 with
    `skips`: that is no expert, and its pair's row is zeros.

    `places` [E] says which of the weights' matrices each expert has; without it expert e has the e-th. There may
    then be more experts than matrices, and experts without one, of the place -1: to choose such a one ends the run.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[I64]>:$indices,
                   Optional<RankedTensorOf<[F32]>>:$weights,
                   RankedTensorOf<[F32, BF16, I8, I32]>:$w_in, Optional<RankedTensorOf<[F32]>>:$b_in,
                   Optional<RankedTensorOf<[F32]>>:$s_in, Optional<RankedTensorOf<[I32]>>:$t_in,
                   RankedTensorOf<[F32, BF16, I8, I32]>:$w_out, Optional<RankedTensorOf<[F32]>>:$b_out,
                   Optional<RankedTensorOf<[F32]>>:$s_out, Optional<RankedTensorOf<[I32]>>:$t_out,
                   Optional<RankedTensorOf<[I64]>>:$places, UnitAttr:$skips,
                   DefaultValuedAttr<NN_ActivationAttr, "::tamis::nn::Activation::None">:$activation, UnitAttr:$gated,
                   DefaultValuedAttr<F32Attr, "1.0">:$alpha, DefaultValuedAttr<F32Attr, "0.0">:$beta,
                   DefaultValuedAttr<F32Attr, "std::numeric_limits<float>::infinity()">:$limit);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = [{
    $x `to` $indices (`weighted` $weights^)? `in` $w_in (`bias` $b_in^)? (`scale` $s_in^)? (`sums` $t_in^)?
    `out` $w_out (`bias` $b_out^)? (`scale` $s_out^)? (`sums` $t_out^)? (`places` $places^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// E; more or fewer than there are matrices where there are `places`.
    int64_t getExpertCount();
  }];
  let hasVerifier = 1;
}

def MoE_CombineOp : MoE_Op<"combine"> {
  let summary = "The weighted sum of a token's experts";
  let description = "y [..., k, N] and weights [..., k] give sum over j of weights[..., j] * y[..., j, :].";
  let arguments = (ins RankedTensorOf<[F32]>:$y, RankedTensorOf<[F32]>:$weights);
  let results = (outs RankedTensorOf<[F32]>:$z);
  let assemblyFormat = "$y `,` $weights attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def MoE_ObserveOp : Op<MoE_Dialect, "observe", [MemoryEffects<[MemWrite]>]> {
  let summary = "Shows what a layer of experts computes, for a profile";
  let description = [{
    indices and weights [..., k] of the layer's tokens, and y [..., k, N], what the experts gave before it is weighted; with
    `logits` [..., E], what the router chose by. `experts` is E. moe-observe-experts adds it; it changes nothing of the
    results.
  }];
  let arguments = (ins RankedTensorOf<[I64]>:$indices, RankedTensorOf<[F32]>:$weights, RankedTensorOf<[F32]>:$y,
                   Optional<RankedTensorOf<[F32]>>:$logits, I64Attr:$experts);
  let assemblyFormat = "$indices `weighted` $weights `of` $y (`logits` $logits^)? attr-dict `:` type(operands)";
  let hasVerifier = 1;
}

#endif
