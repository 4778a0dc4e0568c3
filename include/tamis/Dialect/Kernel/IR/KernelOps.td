//===- KernelOps.td - Layers on buffers --------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_KERNEL_IR_KERNELOPS
#define TAMIS_DIALECT_KERNEL_IR_KERNELOPS

include "tamis/Dialect/Kernel/IR/KernelBase.td"

def Kernel_LinearOp : Kernel_Op<"linear", [AttrSizedOperandSegments]> {
  let summary = "out [T, N] = activation(x [T, K] w + bias) + residual, w packed as in nn.linear";
  let arguments = (ins Kernel_F32:$x, MemRefOf<[F32, BF16, I8, I32]>:$w, Optional<Kernel_F32>:$bias,
                   Optional<Kernel_F32>:$residual, Optional<Kernel_F32>:$scale, Optional<MemRefOf<[I32]>>:$sums,
                   Kernel_F32:$out, NN_ActivationAttr:$activation);
}
def Kernel_DynamicRangeOp : Kernel_Op<"dynamic_range"> {
  let summary = "What x is quantised to 8 unsigned bits with";
  let description = [{
    range[0] is the scale, range[1] the zero point, a whole number: those of onnx.DynamicQuantizeLinear for the range of
    all of x and 0, NaN left out.
  }];
  let arguments = (ins Kernel_F32:$x, Kernel_F32:$range);
}
def Kernel_QuantizedLinearOp : Kernel_Op<"quantized_linear", [AttrSizedOperandSegments]> {
  let summary = "out [T, N] = activation((q - z)(w - zero_point) * (s * scale) + bias) + residual";
  let description = [{
    q = clamp(round(x / s) + z, 0, 255) for x [T, K] and the range (s, z), of kernel.dynamic_range or given; NaN becomes
    0. w is packed as in nn.quantized_linear; scale, zero_point and bias are [N]. With column_sums[n] = sum over k of (w
    - zero_point), the product is sum q w - zero_point * sum q - z * column_sums, all in i32.
  }];
  let arguments = (ins Kernel_F32:$x, Kernel_F32:$range, MemRefOf<[I8]>:$w, Kernel_F32:$scale,
                   MemRefOf<[I32]>:$column_sums, Optional<MemRefOf<[I8]>>:$zero_point, Optional<Kernel_F32>:$bias,
                   Optional<Kernel_F32>:$residual, Kernel_F32:$out, NN_ActivationAttr:$activation);
}
def Kernel_MatmulOp : Kernel_Op<"matmul"> {
  let summary = "out [B, M, N] = a [B, M, K] b [B, K, N], b packed at run time; a batch of 1 is broadcast";
  let arguments = (ins Kernel_F32:$a, Kernel_F32:$b, Kernel_F32:$out);
}
def Kernel_LayerNormOp : Kernel_Op<"layer_norm"> {
  let summary = "nn.layer_norm on x [T, H]";
  let arguments = (ins Kernel_F32:$x, Kernel_F32:$scale, Optional<Kernel_F32>:$bias, Kernel_F32:$out, F32Attr:$epsilon);
}
def Kernel_RMSNormOp : Kernel_Op<"rms_norm"> {
  let summary = "nn.rms_norm on x [T, H]";
  let arguments = (ins Kernel_F32:$x, Kernel_F32:$scale, Kernel_F32:$out, F32Attr:$epsilon);
}
def Kernel_SoftmaxOp : Kernel_Op<"softmax"> {
  let summary = "Softmax of each row of x [T, N]";
  let arguments = (ins Kernel_F32:$x, Kernel_F32:$out);
}
def Kernel_EmbeddingOp : Kernel_Op<"embedding", [AttrSizedOperandSegments]> {
  let summary = "out [T, H] = sum of rows of tables; ids[i] is [T_i] and read at t mod T_i (T is a multiple of T_i)";
  let arguments = (ins Variadic<MemRefOf<[F32, BF16]>>:$tables, Variadic<Kernel_Ids>:$ids, Kernel_F32:$out);
}
def Kernel_AttentionOp : Kernel_Op<"attention", [AttrSizedOperandSegments]> {
  let summary = "nn.attention; operands and attributes mean what they mean there";
  let arguments = (ins Kernel_F32:$q, Kernel_F32:$k, Kernel_F32:$v, Optional<Kernel_Mask>:$key_mask,
                   Optional<Kernel_F32>:$bias, Optional<MemRefOf<[I64]>>:$offsets, Optional<MemRefOf<[I64]>>:$positions,
                   Optional<Kernel_F32>:$key_bias, Optional<MemRefOf<[I64]>>:$kept, Kernel_F32:$out,
                   I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim, I64Attr:$value_dim, F32Attr:$scale,
                   I64Attr:$q_column, I64Attr:$k_column, I64Attr:$v_column, BoolAttr:$causal, I64Attr:$window,
                   F32Attr:$softcap, NN_DefaultProductPrecision:$precision);
}
def Kernel_MeanPoolOp : Kernel_Op<"mean_pool", [AttrSizedOperandSegments]> {
  let summary = "nn.mean_pool";
  let arguments = (ins Kernel_F32:$x, Optional<Kernel_Mask>:$mask, Optional<MemRefOf<[I64]>>:$offsets,
                   Optional<Kernel_F32>:$weights, Kernel_F32:$out, F32Attr:$epsilon);
}
def Kernel_RouteOp : Kernel_Op<"route"> {
  let summary = "moe.route of logits [T, E]: fills indices [T, k] and weights [T, k]";
  let arguments = (ins Kernel_F32:$logits, Optional<Kernel_F32>:$bias, MemRefOf<[I64]>:$indices, Kernel_F32:$weights,
                   MoE_ScoreAttr:$score, MoE_TiesAttr:$ties, I64Attr:$groups, I64Attr:$kept_groups, I64Attr:$group_top,
                   F32Attr:$group_fill, UnitAttr:$softmax_chosen, UnitAttr:$normalize, F32Attr:$epsilon,
                   F32Attr:$scale, OptionalAttr<DenseI64ArrayAttr>:$left_out, DefaultValuedAttr<F32Attr, "0.0">:$fallback,
                   UnitAttr:$limits_weights, OptionalAttr<F32Attr>:$mixer_threshold);
}
def Kernel_ExpertsOp : Kernel_Op<"experts", [AttrSizedOperandSegments]> {
  let summary = "moe.experts of x [T, H] and packed weights: out [T, N] with weights [T, k], [T * k, N] without";
  let arguments = (ins Kernel_F32:$x, MemRefOf<[I64]>:$indices, Optional<Kernel_F32>:$weights,
                   MemRefOf<[F32, BF16, I8, I32]>:$w_in, Optional<Kernel_F32>:$b_in, Optional<Kernel_F32>:$s_in,
                   Optional<MemRefOf<[I32]>>:$t_in, MemRefOf<[F32, BF16, I8, I32]>:$w_out, Optional<Kernel_F32>:$b_out,
                   Optional<Kernel_F32>:$s_out, Optional<MemRefOf<[I32]>>:$t_out, Optional<MemRefOf<[I64]>>:$places,
                   Kernel_F32:$out, UnitAttr:$skips, NN_ActivationAttr:$activation, UnitAttr:$gated, F32Attr:$alpha, F32Attr:$beta, F32Attr:$limit);
}
def Kernel_CombineOp : Kernel_Op<"combine"> {
  let summary = "out [T, N] = sum over j of weights [T, k] at j times row t * k + j of y [T * k, N]";
  let arguments = (ins Kernel_F32:$y, Kernel_F32:$weights, Kernel_F32:$out);
}
def Kernel_TokenIndexOp : Kernel_Op<"token_index"> {
  let summary = "token.index: fills rows [B * S] and offsets [B + 1], whose last element is the number of rows";
  let arguments = (ins Kernel_Mask:$mask, MemRefOf<[I64]>:$rows, MemRefOf<[I64]>:$offsets, UnitAttr:$binary);
}
def Kernel_TokenPackOp : Kernel_Op<"token_pack"> {
  let summary = "out [R, ...] = rows of x [B | 1, S, ...]";
  let arguments = (ins AnyMemRef:$x, MemRefOf<[I64]>:$rows, AnyMemRef:$out);
}
def Kernel_TokenUnpackOp : Kernel_Op<"token_unpack"> {
  let summary = "out [B, S, ...] = rows of x [R, ...] at their places, zeros elsewhere";
  let arguments = (ins AnyMemRef:$x, MemRefOf<[I64]>:$rows, AnyMemRef:$out);
}
def Kernel_TokenFirstOp : Kernel_Op<"token_first"> {
  let summary = "token.first; `length` is S";
  let arguments = (ins AnyMemRef:$x, MemRefOf<[I64]>:$rows, MemRefOf<[I64]>:$offsets, Index:$length, AnyMemRef:$out,
                   I64Attr:$position);
}
def Kernel_TokenScoreOp : Kernel_Op<"token_score"> {
  let summary = "token.score: fills out [R]";
  let arguments = (ins Kernel_F32:$x, Optional<Kernel_F32>:$weights, MemRefOf<[I64]>:$offsets, Kernel_F32:$out,
                   Token_RuleAttr:$rule, I64Attr:$seed);
}
def Kernel_TokenAttentionScoreOp : Kernel_Op<"token_attention_score"> {
  let summary = "token.attention_score: fills out [R]";
  let arguments = (ins Kernel_F32:$q, Kernel_F32:$k, Optional<Kernel_F32>:$v, MemRefOf<[I64]>:$offsets, Kernel_F32:$out,
                   Token_QueriesAttr:$queries, I64Attr:$count, I64Attr:$heads, I64Attr:$kv_heads, I64Attr:$head_dim,
                   I64Attr:$value_dim, F32Attr:$scale, I64Attr:$q_column, I64Attr:$k_column, I64Attr:$v_column);
}
def Kernel_TokenSelectOp : Kernel_Op<"token_select"> {
  let summary = "token.select: fills the first rows of kept [R], and kept_offsets [B + 1], whose last element is their number";
  let arguments = (ins Kernel_F32:$scores, MemRefOf<[I64]>:$offsets, MemRefOf<[I64]>:$whole, Optional<Kernel_Flags>:$fixed,
                   MemRefOf<[I64]>:$kept, MemRefOf<[I64]>:$kept_offsets,
                   I64Attr:$setting, DenseI64ArrayAttr:$lengths, I64Attr:$minimum, I64Attr:$first, I64Attr:$last, UnitAttr:$by_score);
}
def Kernel_TokenProtectOp : Kernel_Op<"token_protect"> {
  let summary = "token.protect: fills flags [R]";
  let arguments = (ins Kernel_Ids:$ids, Kernel_Flags:$flags, DenseI64ArrayAttr:$values);
}
def Kernel_TokenMatchOp : Kernel_Op<"token_match"> {
  let summary = "token.match: fills scores [R], partners [R] and stays [R]";
  let arguments = (ins Kernel_F32:$k, MemRefOf<[I64]>:$offsets, MemRefOf<[I64]>:$whole, Optional<Kernel_Flags>:$fixed,
                   Kernel_F32:$scores, MemRefOf<[I64]>:$partners, Kernel_Flags:$stays, I64Attr:$setting, DenseI64ArrayAttr:$lengths,
                   I64Attr:$first, I64Attr:$last, I64Attr:$kv_heads, I64Attr:$head_dim, I64Attr:$k_column);
}
def Kernel_TokenMergeOp : Kernel_Op<"token_merge"> {
  let summary = "token.merge: fills out [K, H], merged_sizes [K] and into [R]";
  let arguments = (ins Kernel_F32:$x, Optional<Kernel_F32>:$sizes, MemRefOf<[I64]>:$offsets, MemRefOf<[I64]>:$kept,
                   MemRefOf<[I64]>:$kept_offsets, MemRefOf<[I64]>:$partners, Kernel_F32:$out, Kernel_F32:$merged_sizes,
                   MemRefOf<[I64]>:$into);
}
def Kernel_TokenGatherOp : Kernel_Op<"token_gather"> {
  let summary = "out [K, ...] = rows `kept` of x [R, ...]";
  let arguments = (ins AnyMemRef:$x, MemRefOf<[I64]>:$kept, AnyMemRef:$out);
}
def Kernel_TokenDroppedOp : Kernel_Op<"token_dropped"> {
  let summary = "Fills the first R - K elements of dropped [R] with the rows that are not among `kept` [K], ascending";
  let arguments = (ins MemRefOf<[I64]>:$kept, MemRefOf<[I64]>:$dropped);
}
def Kernel_TokenRestoreOp : Kernel_Op<"token_restore"> {
  let summary = "out [R, ...] = rows of y [K, ...] at `kept`, rows of mapped [R - K, ...] at `dropped`";
  let arguments = (ins AnyMemRef:$y, MemRefOf<[I64]>:$kept, AnyMemRef:$mapped, MemRefOf<[I64]>:$dropped, AnyMemRef:$out);
}

#endif
