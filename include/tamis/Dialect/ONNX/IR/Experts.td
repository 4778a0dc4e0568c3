//===- Experts.td - Mixtures of experts ----------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_EXPERTS
#define TAMIS_DIALECT_ONNX_IR_EXPERTS

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

def ONNX_MoEOp : ONNX_SegmentedOp<"MoE"> {
  let summary = "com.microsoft MoE and QMoE, the weights of either as floats";
  let description = [{
    x is [T, H] or [B, S, H], `router` [T, E] the logits of E experts. Expert e computes w2[e] h + b2[e] with h =
    activation(w1[e] x + b1[e]), or, with w3, G sigmoid(alpha G) (L + beta) for swiglu and activation(G) L else; there G =
    min(w1[e] x + b1[e], limit) and L = w3[e] x + b3[e] within [-limit, limit]. w1 and w3 are [E, I, H], w2 [E, H, I],
    b1 and b3 [E, I], b2 [E, H]; the importer takes fused weights apart.

    The k experts of the greatest logits are added up, of equal ones the higher, with the softmax of all logits as
    weights, divided by the sum of the chosen ones' with `normalize`; or with the softmax of the chosen logits when
    `softmax_chosen`. This is what ONNX Runtime's kernels for the CPU do for MoE and for QMoE.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$router, ONNX_Tensor:$w1, Optional<ONNX_Tensor>:$b1,
                   ONNX_Tensor:$w2, Optional<ONNX_Tensor>:$b2, Optional<ONNX_Tensor>:$w3,
                   Optional<ONNX_Tensor>:$b3, I64Attr:$k, StrAttr:$activation, BoolAttr:$normalize,
                   BoolAttr:$softmax_chosen, F32Attr:$alpha, F32Attr:$beta, F32Attr:$limit);
  let results = (outs ONNX_Tensor:$y);
}

#endif
