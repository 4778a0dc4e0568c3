// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

// Experts whose results are rounded by ranges of their own: moe.experts would compute something else.

weight.source @w0 : tensor<32x32xf32> in "model.onnx" at 0
weight.source @w1 : tensor<32x32xf32> in "model.onnx" at 0

// WHY: remark: this looks like a mixture of experts, but this expert's result is rounded to 8 bits by a range of its own, which moe.experts does not do: it runs as the model has it, for all tokens
// CHECK-LABEL: func.func @rounded
// CHECK-NOT: moe.
// CHECK-COUNT-2: onnx.DequantizeLinear
// CHECK: return
func.func @rounded(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x2xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %scale = onnx.Constant dense<0.02> : tensor<f32>
  %zero = onnx.Constant dense<128> : tensor<ui8>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %w0 = weight.load @w0 : tensor<32x32xf32>
  %y0 = onnx.MatMul %x, %w0 : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %q0 = onnx.QuantizeLinear %y0, %scale, %zero {axis = 0 : i64} : (tensor<?x32xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x32xui8>
  %d0 = onnx.DequantizeLinear %q0, %scale, %zero {axis = 0 : i64} : (tensor<?x32xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %d0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x1xf32>) -> tensor<?x1xf32>
  %w1 = weight.load @w1 : tensor<32x32xf32>
  %y1 = onnx.MatMul %x, %w1 : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %q1 = onnx.QuantizeLinear %y1, %scale, %zero {axis = 0 : i64} : (tensor<?x32xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x32xui8>
  %d1 = onnx.DequantizeLinear %q1, %scale, %zero {axis = 0 : i64} : (tensor<?x32xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %d1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s = onnx.Add %t0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s : tensor<?x32xf32>
}
