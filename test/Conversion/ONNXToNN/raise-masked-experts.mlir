// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

// All experts, each multiplied by a factor that is 0 unless the token chose it.

weight.source @gate0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @gate1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @gate2 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @up0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @up1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @up2 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @down0 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @down1 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @down2 : tensor<24x32xf32> in "model.onnx" at 0

// CHECK-LABEL: func.func @dense
// CHECK-DAG: %[[IN:.*]] = weight.interleave_columns %{{.*}}, %{{.*}} : (tensor<3x32x24xf32>, tensor<3x32x24xf32>) -> tensor<3x32x48xf32>
// CHECK-DAG: %[[OUT:.*]] = weight.concat {{.*}} -> tensor<3x24x32xf32>
// CHECK-DAG: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, normalize, score = #moe<score softmax>}
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]] in %[[IN]] out %[[OUT]] {activation = #nn<activation silu>, gated}
// CHECK-NOT: nn.linear
// CHECK: return %[[Y]]
func.func @dense(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate1 : tensor<32x24xf32>
  %u1 = weight.load @up1 : tensor<32x24xf32>
  %d1 = weight.load @down1 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %x, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %x, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %is2 = onnx.Equal %i, %e2 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Cast %is2 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm2 = onnx.Mul %w, %m2 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f2 = onnx.ReduceSum %wm2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g2 = weight.load @gate2 : tensor<32x24xf32>
  %u2 = weight.load @up2 : tensor<32x24xf32>
  %d2 = weight.load @down2 : tensor<24x32xf32>
  %gx2 = onnx.MatMul %x, %g2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga2 = onnx.Swish %gx2 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux2 = onnx.MatMul %x, %u2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Mul %ga2, %ux2 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %d2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t2 = onnx.Mul %y2, %f2 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s2 = onnx.Add %s1, %t2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// An order of its own: which expert a factor selects is what counts.
// CHECK-LABEL: func.func @other_order
// CHECK: moe.experts %arg0
func.func @other_order(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<2> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate2 : tensor<32x24xf32>
  %u0 = weight.load @up2 : tensor<32x24xf32>
  %d0 = weight.load @down2 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<0> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate0 : tensor<32x24xf32>
  %u1 = weight.load @up0 : tensor<32x24xf32>
  %d1 = weight.load @down0 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %x, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %x, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<1> : tensor<i64>
  %is2 = onnx.Equal %i, %e2 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Cast %is2 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm2 = onnx.Mul %w, %m2 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f2 = onnx.ReduceSum %wm2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g2 = weight.load @gate1 : tensor<32x24xf32>
  %u2 = weight.load @up1 : tensor<32x24xf32>
  %d2 = weight.load @down1 : tensor<24x32xf32>
  %gx2 = onnx.MatMul %x, %g2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga2 = onnx.Swish %gx2 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux2 = onnx.MatMul %x, %u2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Mul %ga2, %ux2 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %d2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t2 = onnx.Mul %y2, %f2 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s2 = onnx.Add %s1, %t2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// The router has three experts: a token that chose the third would get nothing for it from this graph.
// WHY: remark: this looks like a mixture of experts, but of the 3 experts of its router 2 are there
// CHECK-LABEL: func.func @missing
// CHECK-NOT: moe.
func.func @missing(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate1 : tensor<32x24xf32>
  %u1 = weight.load @up1 : tensor<32x24xf32>
  %d1 = weight.load @down1 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %x, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %x, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s1 : tensor<?x32xf32>
}

// WHY: remark: loc("expert_1"): this looks like a mixture of experts, but expert 2 is missing or there twice
// CHECK-LABEL: func.func @twice
// CHECK-NOT: moe.
func.func @twice(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32> loc("expert_0")
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate1 : tensor<32x24xf32>
  %u1 = weight.load @up1 : tensor<32x24xf32>
  %d1 = weight.load @down1 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %x, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %x, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32> loc("expert_1")
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<1> : tensor<i64>
  %is2 = onnx.Equal %i, %e2 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Cast %is2 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm2 = onnx.Mul %w, %m2 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f2 = onnx.ReduceSum %wm2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g2 = weight.load @gate1 : tensor<32x24xf32>
  %u2 = weight.load @up1 : tensor<32x24xf32>
  %d2 = weight.load @down1 : tensor<24x32xf32>
  %gx2 = onnx.MatMul %x, %g2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga2 = onnx.Swish %gx2 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux2 = onnx.MatMul %x, %u2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Mul %ga2, %ux2 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %d2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t2 = onnx.Mul %y2, %f2 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32> loc("expert_1")
  %s2 = onnx.Add %s1, %t2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// WHY: remark: loc("expert_2"): this looks like a mixture of experts, but this expert is of another form than the first
// CHECK-LABEL: func.func @other_activation
// CHECK-NOT: moe.
func.func @other_activation(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate1 : tensor<32x24xf32>
  %u1 = weight.load @up1 : tensor<32x24xf32>
  %d1 = weight.load @down1 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %x, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %x, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %is2 = onnx.Equal %i, %e2 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Cast %is2 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm2 = onnx.Mul %w, %m2 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f2 = onnx.ReduceSum %wm2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g2 = weight.load @gate2 : tensor<32x24xf32>
  %u2 = weight.load @up2 : tensor<32x24xf32>
  %d2 = weight.load @down2 : tensor<24x32xf32>
  %gx2 = onnx.MatMul %x, %g2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga2 = onnx.Relu %gx2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux2 = onnx.MatMul %x, %u2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Mul %ga2, %ux2 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %d2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t2 = onnx.Mul %y2, %f2 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32> loc("expert_2")
  %s2 = onnx.Add %s1, %t2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// WHY: remark: loc("expert_1"): this looks like a mixture of experts, but this expert is of another form than the first
// CHECK-LABEL: func.func @other_rows
// CHECK-NOT: moe.
func.func @other_rows(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate1 : tensor<32x24xf32>
  %u1 = weight.load @up1 : tensor<32x24xf32>
  %d1 = weight.load @down1 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %v, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %v, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32> loc("expert_1")
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %is2 = onnx.Equal %i, %e2 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Cast %is2 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm2 = onnx.Mul %w, %m2 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f2 = onnx.ReduceSum %wm2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g2 = weight.load @gate2 : tensor<32x24xf32>
  %u2 = weight.load @up2 : tensor<32x24xf32>
  %d2 = weight.load @down2 : tensor<24x32xf32>
  %gx2 = onnx.MatMul %x, %g2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga2 = onnx.Swish %gx2 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux2 = onnx.MatMul %x, %u2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Mul %ga2, %ux2 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %d2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t2 = onnx.Mul %y2, %f2 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s2 = onnx.Add %s1, %t2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// WHY: remark: loc("expert_2"): this looks like a mixture of experts, but this expert is chosen in another way
// CHECK-LABEL: func.func @other_weights
// CHECK-NOT: moe.
func.func @other_weights(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}, %v: tensor<?x32xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %s = onnx.Expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %top, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %total = onnx.ReduceSum %top {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %top, %total : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m0 = onnx.Cast %is0 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm0 = onnx.Mul %w, %m0 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f0 = onnx.ReduceSum %wm0 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g0 = weight.load @gate0 : tensor<32x24xf32>
  %u0 = weight.load @up0 : tensor<32x24xf32>
  %d0 = weight.load @down0 : tensor<24x32xf32>
  %gx0 = onnx.MatMul %x, %g0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga0 = onnx.Swish %gx0 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux0 = onnx.MatMul %x, %u0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Mul %ga0, %ux0 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %d0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t0 = onnx.Mul %y0, %f0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s0 = onnx.Add %s, %t0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m1 = onnx.Cast %is1 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm1 = onnx.Mul %w, %m1 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f1 = onnx.ReduceSum %wm1 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g1 = weight.load @gate1 : tensor<32x24xf32>
  %u1 = weight.load @up1 : tensor<32x24xf32>
  %d1 = weight.load @down1 : tensor<24x32xf32>
  %gx1 = onnx.MatMul %x, %g1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga1 = onnx.Swish %gx1 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux1 = onnx.MatMul %x, %u1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Mul %ga1, %ux1 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %d1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t1 = onnx.Mul %y1, %f1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %s1 = onnx.Add %s0, %t1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %is2 = onnx.Equal %i, %e2 : (tensor<?x2xi64>, tensor<i64>) -> tensor<?x2xi1>
  %m2 = onnx.Cast %is2 : (tensor<?x2xi1>) -> tensor<?x2xf32>
  %wm2 = onnx.Mul %top, %m2 : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %f2 = onnx.ReduceSum %wm2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x2xf32>) -> tensor<?x1xf32>
  %g2 = weight.load @gate2 : tensor<32x24xf32>
  %u2 = weight.load @up2 : tensor<32x24xf32>
  %d2 = weight.load @down2 : tensor<24x32xf32>
  %gx2 = onnx.MatMul %x, %g2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %ga2 = onnx.Swish %gx2 {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %ux2 = onnx.MatMul %x, %u2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Mul %ga2, %ux2 : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %d2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %t2 = onnx.Mul %y2, %f2 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32> loc("expert_2")
  %s2 = onnx.Add %s1, %t2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}
