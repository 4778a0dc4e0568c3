//===- NNOps.td - Layers as single ops on tensors -------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_NN_IR_NNOPS
#define TAMIS_DIALECT_NN_IR_NNOPS

include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/NN/IR/NNBase.td"

class NN_Op<string mnemonic, list<Trait> traits = []> : Op<NN_Dialect, mnemonic, !listconcat([Pure], traits)>;

def NN_LinearOp : NN_Op<"linear", [AttrSizedOperandSegments, NN_HasPrecision]> {
  let summary = "activation(x w + bias) + residual";
  let description = [{
    x is [..., K]. w is a weight [K, N] of f32, or a packed one (weight.pack_panels), whose element type is the
    precision of the product: [ceil(N / 16), K, 16] of f32; [ceil(N / 16), K / 2, 16, 2] of bf16; [ceil(N / 16), K / 32,
    32, 16, 2] of bf16 when each weight is the sum of two; [ceil(N / 16), K / 4, 16, 4] of i8. bias is [N]. residual
    has the result's shape [..., N]. A weight of i8 comes with `scale` [N], by which its columns are multiplied, and
    `sums` [N], the sums of its columns; x is then rounded to 8 bits with a scale for each row, at run time. So it is for
    a weight of 4 bits, i32 words with their scales (weight.quantize_int4, weight.pack_int4).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[F32, BF16, I8, I32]>:$w,
                   Optional<RankedTensorOf<[F32]>>:$bias, Optional<RankedTensorOf<[F32]>>:$residual,
                   Optional<RankedTensorOf<[F32]>>:$scale, Optional<RankedTensorOf<[I32]>>:$sums,
                   DefaultValuedAttr<NN_ActivationAttr, "::tamis::nn::Activation::None">:$activation);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = [{
    $x `,` $w (`bias` $bias^)? (`residual` $residual^)? (`scale` $scale^)? (`sums` $sums^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$y, "::mlir::Value":$x, "::mlir::Value":$w, "::mlir::Value":$bias,
                                 "::mlir::Value":$residual, CArg<"Activation", "Activation::None">:$activation), [{
    build($_builder, $_state, y, x, w, bias, residual, ::mlir::Value(), ::mlir::Value(), activation);
  }]>];
  let hasVerifier = 1;
}

def NN_QuantizedLinearOp : NN_Op<"quantized_linear", [AttrSizedOperandSegments]> {
  let summary = "activation(dequantised product of 8-bit integers + bias) + residual";
  let description = [{
    x is [..., K]; the whole of it is quantised at run time to q = round(x / s) + z in 8 unsigned bits, s and z from
    the range of its elements and 0, as ONNX's DynamicQuantizeLinear does. With `range` [2] these are s = range[0] and
    z = range[1], a whole number from 0 to 255; q is clamped as by QuantizeLinear, and each row of the result depends on
    its own row of x only. w [K, N] of i8 stands for (w - zero_point) * scale; scale and zero_point are [N]. The product
    is sum over k of (q - z) (w - zero_point), exact in i32, times (s * scale). bias is [N]; residual has the result's
    shape [..., N]. nn-pack-weights packs w to [ceil(N / 16), K / 4, 16, 4] and adds `column_sums` [N], the sums of
    w - zero_point over k.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[I8]>:$w, RankedTensorOf<[F32]>:$scale,
                   Optional<RankedTensorOf<[I8]>>:$zero_point, Optional<RankedTensorOf<[I32]>>:$column_sums,
                   Optional<RankedTensorOf<[F32]>>:$bias, Optional<RankedTensorOf<[F32]>>:$residual,
                   Optional<RankedTensorOf<[F32]>>:$range,
                   DefaultValuedAttr<NN_ActivationAttr, "::tamis::nn::Activation::None">:$activation);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = [{
    $x `,` $w `scale` $scale (`zero_point` $zero_point^)? (`column_sums` $column_sums^)? (`bias` $bias^)?
    (`residual` $residual^)? (`range` $range^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_LayerNormOp : NN_Op<"layer_norm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over the last dimension";
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[F32]>:$scale, Optional<RankedTensorOf<[F32]>>:$bias,
                   F32Attr:$epsilon);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = "$x `,` $scale (`bias` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def NN_RMSNormOp : NN_Op<"rms_norm"> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * scale over the last dimension";
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[F32]>:$scale, F32Attr:$epsilon);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = "$x `,` $scale attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_EmbeddingOp : NN_Op<"embedding", [AttrSizedOperandSegments, NN_HasPrecision]> {
  let summary = "The sum of rows of tables, one table and one tensor of ids each";
  let description = [{
    tables[i] is [V_i, H], added up in f32 whatever it is stored as; ids[i] has the shape of the result without H, or its trailing part (a leading
    dimension of 1 or none: broadcast). Negative ids count from the end, as in Gather; an id out of range ends
    the run.
  }];
  let arguments = (ins Variadic<RankedTensorOf<[F32, BF16]>>:$tables, Variadic<RankedTensorOf<[I64, I32]>>:$ids);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = "$tables `at` $ids attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_AttentionOp : NN_Op<"attention", [AttrSizedOperandSegments, NN_HasPrecision]> {
  let summary = "Scaled dot-product attention: softmax(scale q k^T + bias) v for each head";
  let description = [{
    Padded form: q is [B, S, heads * D], k is [B, T, kv_heads * D], v is [B, T, kv_heads * E], the result [B, S,
    heads * E]. Query head h uses key head h / (heads / kv_heads). k and v may also be caches as nn.kv_append gives them,
    [B, kv_heads, T, D] and [B, kv_heads, T, E], which are read where they lie.

    Ragged form, with `offsets` [B + 1] i64: q, k, v are [R, ...] and sequence b has the rows
    offsets[b] .. offsets[b + 1]; tokens attend within their sequence only.

    q, k and v may be the same value, a fused product, cut by `q_column`, `k_column`, `v_column`: the first
    column of each within its operand; the last dimension may then be wider than said above.

    `key_mask` [B, T] (padded form): keys whose element is 0 or false get no weight; a row with no key left gives
    zeros. `bias` is added to the scaled scores and is broadcast to [B, heads, S, T]; it may be -inf or as good
    as it. In the ragged form `positions` [R] gives the row's place in the padded sequence, which is where bias
    is read. `causal` masks keys behind the query (bottom right aligned), `window` (0: none) keys further away
    than window / 2 on either side (|i - j| <= window / 2), `softcap` (0: none) caps scores by softcap * tanh(s / softcap).

    `key_bias` [R] (ragged form) is added to the scaled scores of each key, whatever the query: with the logarithm of how many
    tokens a row stands for (token.merge), it is attended to as they would be.

    `empty_row_bias` (padded form, with a key mask) is what the model adds to the scores, masks included, where it
    excludes keys by finite numbers: a row with no key left has weights there, no zeros. token-remove-padding takes it
    off: rows of padding do not exist, or it takes the place of bias, mask, causal and window.

    `kept` [B, groups, N] (padded form, caches; groups 1 or kv_heads) says which rows of the caches are read, where a
    sequence has one query: element 0 is their number n, the next n are the rows, ascending; all others get no weight.
    Each must be one that causal lets the query see. With N = 1 all rows are read; with more queries it must be.

    `precision` is what q, k, v and the weights may be rounded to before they are multiplied: nothing (`f32`), bf16
    (`bf16`), or the sum of two bf16 (`split_f32`). Code for an ISA level that multiplies no such factors faster than f32
    does not round. Scores, maxima, sums and the exponential function are f32 in any case.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$q, RankedTensorOf<[F32]>:$k, RankedTensorOf<[F32]>:$v,
                   Optional<RankedTensorOf<[I64, I32, I1, F32]>>:$key_mask, Optional<RankedTensorOf<[F32]>>:$bias,
                   Optional<RankedTensorOf<[I64]>>:$offsets, Optional<RankedTensorOf<[I64]>>:$positions,
                   Optional<RankedTensorOf<[F32]>>:$key_bias, Optional<RankedTensorOf<[F32]>>:$empty_row_bias,
                   Optional<RankedTensorOf<[I64]>>:$kept,
                   I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim, I64Attr:$value_dim, F32Attr:$scale,
                   DefaultValuedAttr<I64Attr, "0">:$q_column, DefaultValuedAttr<I64Attr, "0">:$k_column,
                   DefaultValuedAttr<I64Attr, "0">:$v_column, DefaultValuedAttr<BoolAttr, "false">:$causal,
                   DefaultValuedAttr<I64Attr, "0">:$window, DefaultValuedAttr<F32Attr, "0.0">:$softcap,
                   NN_DefaultProductPrecision:$precision);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`key_mask` $key_mask^)? (`bias` $bias^)? (`offsets` $offsets^)? (`positions` $positions^)?
    (`key_bias` $key_bias^)? (`empty_row_bias` $empty_row_bias^)? (`kept` $kept^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def NN_MeanPoolOp : NN_Op<"mean_pool", [AttrSizedOperandSegments]> {
  let summary = "Mean over the real tokens of each sequence, [B, H]";
  let description = [{
    sum of the rows / max(count, epsilon). Padded form: x [B, S, H] with `mask` [B, S] of 0 and 1 (weights of the
    rows); ragged form: x [R, H] with `offsets` [B + 1]. There, with `weights` [R], the sum of the rows times their weights / max(sum
    of the weights, epsilon).
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, Optional<RankedTensorOf<[I64, I32, I1, F32]>>:$mask,
                   Optional<RankedTensorOf<[I64]>>:$offsets, Optional<RankedTensorOf<[F32]>>:$weights, F32Attr:$epsilon);
  let results = (outs RankedTensorOf<[F32]>:$y);
  let assemblyFormat = [{
    $x (`mask` $mask^)? (`offsets` $offsets^)? (`weights` $weights^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif
