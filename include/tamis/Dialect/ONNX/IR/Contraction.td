//===- Contraction.td - Matrix products ----------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_CONTRACTION
#define TAMIS_DIALECT_ONNX_IR_CONTRACTION

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

def ONNX_MatMulOp : ONNX_Op<"MatMul"> {
  let summary = "numpy.matmul, with its rules for ranks and broadcast batch dimensions";
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b);
  let results = (outs ONNX_Tensor:$c);
}
def ONNX_GemmOp : ONNX_Op<"Gemm"> {
  let summary = "alpha * A' * B' + beta * C, where ' transposes on demand and C is broadcast";
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b, Optional<ONNX_Tensor>:$c, F32Attr:$alpha, F32Attr:$beta,
                   BoolAttr:$transA, BoolAttr:$transB);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_EinsumOp : ONNX_Op<"Einsum"> {
  let summary = "Einstein summation; `equation` has no blanks, no ellipsis, and an explicit output";
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs, StrAttr:$equation);
  let results = (outs ONNX_Tensor:$y);
}

#endif
