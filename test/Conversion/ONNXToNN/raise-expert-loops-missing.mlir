// RUN: not tamis-opt %s --convert-onnx-to-nn 2>&1 | FileCheck %s

// A loop over the experts that an example used, of a router that chooses among more: a token that chooses another
// would get nothing for it.

// CHECK: error: this loop has 2 of the 3 experts that its router chooses among: the exporter left out those that its example did not use, and tokens that choose them would get nothing; export the model with all experts computed, or with experts_implementation="batched_mm"
weight.source @gate0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @gate1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @gate2 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @up0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @up1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @up2 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @down0 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @down1 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @down2 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @gate_up : tensor<3x48x32xf32> in "model.onnx" at 0
weight.source @down : tensor<3x32x24xf32> in "model.onnx" at 0

func.func @missing(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %c0 = onnx.Constant dense<0> : tensor<1xi64>
  %c1 = onnx.Constant dense<1> : tensor<1xi64>
  %c2 = onnx.Constant dense<2> : tensor<1xi64>
  %axis1 = onnx.Constant dense<1> : tensor<1xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %m0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %nz0 = onnx.NonZero %m0 : (tensor<?x2xi1>) -> tensor<2x?xi64>
  %pairs0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %t0 = onnx.Slice %pairs0, %c0, %c1 {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %xr0 = onnx.GatherND %x, %t0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %xr0, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %xr0, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pw0 = onnx.GatherND %w, %pairs0 {batch_dims = 0 : i64} : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %pc0 = onnx.Unsqueeze %pw0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %r0 = onnx.Mul %y0, %pc0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %s, %t0, %r0 {reduction = "add"} : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<2> : tensor<i64>
  %m1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %nz1 = onnx.NonZero %m1 : (tensor<?x2xi1>) -> tensor<2x?xi64>
  %pairs1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<2x?xi64>) -> tensor<?x2xi64>
  %t1 = onnx.Slice %pairs1, %c0, %c1 {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %xr1 = onnx.GatherND %x, %t1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %g1 = weight.load @gate2 : tensor<32x24xf32>
  %u1 = weight.load @up2 : tensor<32x24xf32>
  %d1 = weight.load @down2 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %xr1, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %xr1, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pw1 = onnx.GatherND %w, %pairs1 {batch_dims = 0 : i64} : (tensor<?x2xf32>, tensor<?x2xi64>) -> tensor<?xf32>
  %pc1 = onnx.Unsqueeze %pw1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %r1 = onnx.Mul %y1, %pc1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s1 = onnx.ScatterND %s0, %t1, %r1 {reduction = "add"} : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s1 : tensor<?x32xf32>
}
