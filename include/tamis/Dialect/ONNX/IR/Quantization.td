//===- Quantization.td - Quantisation and integer products ---------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_QUANTIZATION
#define TAMIS_DIALECT_ONNX_IR_QUANTIZATION

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

// QLinearMatMul, DynamicQuantizeMatMul, MatMulIntegerToFloat, MatMulNBits, QLinearAdd and the like are imported as
// compositions of these and of the operators on floats.

def ONNX_QuantizeLinearOp : ONNX_Op<"QuantizeLinear"> {
  let summary = "saturate(round(x / scale) + zero_point), halves to the even integer";
  let description = [{
    `scale` has one element (per tensor), or is [size of `axis`] (per axis), or, with `block_size`, has the shape
    of x with `axis` divided by it, rounded up (blocked). `zero_point` has the shape of `scale`, or one element;
    absent it is 0. The result's element type is the target: 4, 8 or 16 bits. Computed in f32; NaN becomes the
    lowest value.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, Optional<ONNX_Tensor>:$zero_point, I64Attr:$axis,
                   DefaultValuedAttr<I64Attr, "0">:$block_size);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_DequantizeLinearOp : ONNX_Op<"DequantizeLinear"> {
  let summary = "(x - zero_point) * scale";
  let description = [{
    Shapes as in QuantizeLinear. `zero_point` has the element type of x or, as MatMulNBits may have it, that of
    `scale`. The result's element type is the target: f32, f16 or bf16.
  }];
  let arguments = (ins ONNX_Tensor:$x, ONNX_Tensor:$scale, Optional<ONNX_Tensor>:$zero_point, I64Attr:$axis,
                   DefaultValuedAttr<I64Attr, "0">:$block_size);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_DynamicQuantizeLinearOp : ONNX_Op<"DynamicQuantizeLinear"> {
  let summary = "x in 8 unsigned bits, with the scale and zero point of its own range";
  let description = [{
    The range is that of all elements and 0; scale = (max - min) / 255, or 1 where that is 0; zero_point =
    round(-min / scale).
  }];
  let arguments = (ins ONNX_Tensor:$x);
  let results = (outs ONNX_Tensor:$y, ONNX_Tensor:$scale, ONNX_Tensor:$zero_point);
}
def ONNX_MatMulIntegerOp : ONNX_SegmentedOp<"MatMulInteger"> {
  let summary = "MatMul of (a - a_zero_point) and (b - b_zero_point) in i32";
  let description = [{
    a and b are of 8 bits, signed or not, with the rules of MatMul. `a_zero_point` has one element or one a row
    ([M], or [..., M, 1]), `b_zero_point` one element or one a column ([N], or [..., 1, N]).
  }];
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b, Optional<ONNX_Tensor>:$a_zero_point,
                   Optional<ONNX_Tensor>:$b_zero_point);
  let results = (outs RankedTensorOf<[I32]>:$c);
}
def ONNX_UnpackBitsOp : ONNX_Op<"UnpackBits"> {
  let summary = "The groups of `bits` bits of each byte as bytes, lowest first: [..., n] to [..., n * 8 / bits]";
  let description = "No operator of its own: how those of com.microsoft pack weights of 2 and 4 bits.";
  let arguments = (ins RankedTensorOf<[UI8]>:$x, I64Attr:$bits);
  let results = (outs RankedTensorOf<[UI8]>:$y);
}

#endif
