//===- Attention.td - Fused attention and rotary operators ---------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_ATTENTION
#define TAMIS_DIALECT_ONNX_IR_ATTENTION

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

def ONNX_AttentionOp : ONNX_Op<"Attention"> {
  let summary = "ai.onnx Attention (23, 24) without caches";
  let description = [{
    q, k and v are [B, S, heads * D] with `q_num_heads` and `kv_num_heads`, or [B, heads, S, D] with both 0.
    Scores are scaled by `scale` (the importer resolves the default 1/sqrt D), capped by `softcap` when
    it is not 0, and masked: `mask` is bool (true attends) or is added; it is broadcast to [B, heads, S, T].
    `is_causal` masks j > i. A row that is masked altogether gives zeros.
  }];
  let arguments = (ins ONNX_Tensor:$q, ONNX_Tensor:$k, ONNX_Tensor:$v, Optional<ONNX_Tensor>:$mask,
                   I64Attr:$q_num_heads, I64Attr:$kv_num_heads, F32Attr:$scale, F32Attr:$softcap,
                   BoolAttr:$is_causal);
  let results = (outs ONNX_Tensor:$y);
}

def ONNX_RotaryEmbeddingOp : ONNX_Op<"RotaryEmbedding"> {
  let summary = "Rotary position embedding, in the form of ai.onnx 23";
  let description = [{
    x is [B, heads, S, D] or [B, S, heads * D] with `num_heads`. cos and sin are [max, R/2] with `position_ids`
    [B, S], or [B, S, R/2] without. The first R = `rotary_dim` (0: D) elements of a head turn: pairs
    (i, i + R/2), or (2i, 2i + 1) when `interleaved`. The operator of com.microsoft is imported as this.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$cos, ONNX_Tensor:$sin, Optional<ONNX_IntTensor>:$position_ids,
                   BoolAttr:$interleaved, I64Attr:$num_heads, I64Attr:$rotary_dim);
  let results = (outs ONNX_Tensor:$y);
}

#endif
