//===- Normalization.td - Softmax and normalisations ---------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_NORMALIZATION
#define TAMIS_DIALECT_ONNX_IR_NORMALIZATION

include "tamis/Dialect/ONNX/IR/Elementwise.td"

def ONNX_SoftmaxOp : ONNX_UnaryOp<"Softmax"> {
  let summary = "exp(x - max) / sum along `axis` (non-negative)";
  let arguments = (ins ONNX_Tensor:$x, I64Attr:$axis);
}
def ONNX_LogSoftmaxOp : ONNX_UnaryOp<"LogSoftmax"> {
  let arguments = (ins ONNX_Tensor:$x, I64Attr:$axis);
}
def ONNX_LayerNormalizationOp : ONNX_Op<"LayerNormalization"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over the dimensions from `axis` on";
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, Optional<ONNX_Tensor>:$bias, I64Attr:$axis,
                   F32Attr:$epsilon);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_RMSNormalizationOp : ONNX_Op<"RMSNormalization"> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * scale over the dimensions from `axis` on, computed in f32";
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, I64Attr:$axis, F32Attr:$epsilon);
  let results = (outs ONNX_Tensor:$y);
}

#endif
