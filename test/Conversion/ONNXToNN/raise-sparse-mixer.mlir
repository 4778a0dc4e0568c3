// RUN: tamis-opt %s --convert-onnx-to-nn --canonicalize | FileCheck %s

// The router of Phi-MoE: two experts one after the other, each with its weight in a softmax over the experts whose
// logits are near its own.

weight.source @up : tensor<8x32x24xf32> in "model.onnx" at 0
weight.source @down : tensor<8x24x32xf32> in "model.onnx" at 0

// A maximum and its place by two ops.
// CHECK-LABEL: func.func @mixer
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, mixer_threshold = 2.000000e-02 : f32}
// CHECK: moe.experts %arg0 to %[[I]] weighted %[[W]]
// CHECK-NOT: onnx.{{ArgMax|TopK|Softmax}}
func.func @mixer(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.ReduceMax %l {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i1 = onnx.ArgMax %l {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Greater %q1, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %inf, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2 = onnx.ReduceMax %l2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i2 = onnx.ArgMax %l2 {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Greater %q2, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l2 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w1, %w2 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// By one op; the comparison the other way round.
// CHECK-LABEL: func.func @mixer_topk
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, mixer_threshold = 2.000000e-02 : f32}
// CHECK: moe.experts %arg0 to %[[I]] weighted %[[W]]
// CHECK-NOT: onnx.{{ArgMax|TopK|Softmax}}
func.func @mixer_topk(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %m1, %i1 = onnx.TopK %l, %one {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Less %t, %q1 : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %inf, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2, %i2 = onnx.TopK %l2, %one {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Less %t, %q2 : (tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l2 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w1, %w2 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// -infinity where the first was chosen also in the differences: it is excluded either way.
// CHECK-LABEL: func.func @excluded_twice
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, mixer_threshold = 2.000000e-02 : f32}
// CHECK: moe.experts %arg0 to %[[I]] weighted %[[W]]
// CHECK-NOT: onnx.{{ArgMax|TopK|Softmax}}
func.func @excluded_twice(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.ReduceMax %l {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i1 = onnx.ArgMax %l {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Greater %q1, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %inf, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2 = onnx.ReduceMax %l2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i2 = onnx.ArgMax %l2 {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l2 : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Greater %q2, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l2 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w1, %w2 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The second is near by another threshold.
// CHECK-LABEL: func.func @two_thresholds
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @two_thresholds(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.ReduceMax %l {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i1 = onnx.ArgMax %l {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Greater %q1, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %inf, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2 = onnx.ReduceMax %l2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i2 = onnx.ArgMax %l2 {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Greater %q2, %t2 : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l2 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w1, %w2 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The second's softmax is over the first one, too.
// CHECK-LABEL: func.func @not_excluded
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @not_excluded(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.ReduceMax %l {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i1 = onnx.ArgMax %l {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Greater %q1, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %inf, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2 = onnx.ReduceMax %l2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i2 = onnx.ArgMax %l2 {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Greater %q2, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w1, %w2 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The weights are in another order than the experts.
// CHECK-LABEL: func.func @swapped
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @swapped(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.ReduceMax %l {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i1 = onnx.ArgMax %l {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Greater %q1, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %inf, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2 = onnx.ReduceMax %l2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i2 = onnx.ArgMax %l2 {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Greater %q2, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l2 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w2, %w1 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// What excludes the first is a number that a logit may be below: the experts may be the same one. Their list is not the
// router's, but where the matrix of weights is not 0.
// CHECK-LABEL: func.func @finite
// CHECK-NOT: moe.route
// CHECK: %[[M:.*]] = onnx.ScatterElements {{.*}} tensor<?x2xi64>
// CHECK: %[[TAKEN:.*]] = onnx.Cast %[[M]] : (tensor<?x8xf32>) -> tensor<?x8xi1>
// CHECK: %[[ONES:.*]] = onnx.Cast %[[TAKEN]]
// CHECK: %[[HAS:.*]], %[[I:.*]] = onnx.TopK %[[ONES]]
// CHECK: %[[IS:.*]] = onnx.Cast %[[HAS]]
// CHECK: %[[W:.*]] = onnx.GatherElements %[[M]], %[[I]]
// CHECK: %[[LIST:.*]] = onnx.Where %[[IS]], %[[I]], %{{.*}}
// CHECK: %[[KEPT:.*]] = onnx.Where %[[IS]], %[[W]], %{{.*}}
// CHECK: moe.experts %arg0 to %[[LIST]] weighted %[[KEPT]] {{.*}} skips
// CHECK: return
func.func @finite(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %t = onnx.Constant dense<0.0199999996> : tensor<f32>
  %t2 = onnx.Constant dense<0.2> : tensor<f32>
  %abs = onnx.Abs %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %m1 = onnx.ReduceMax %l {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i1 = onnx.ArgMax %l {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size1 = onnx.Max %abs, %m1 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d1 = onnx.Sub %m1, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q1 = onnx.Div %d1, %size1 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far1 = onnx.Greater %q1, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near1 = onnx.Where %far1, %inf, %l : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p1 = onnx.Softmax %near1 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w1 = onnx.GatherElements %p1, %i1 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %ishape = onnx.Shape %i1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %infs = onnx.Expand %t2, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %l2 = onnx.ScatterElements %l, %i1, %infs {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %m2 = onnx.ReduceMax %l2 {axes = array<i64: 1>, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  %i2 = onnx.ArgMax %l2 {axis = 1 : i64, keepdims = true} : (tensor<?x8xf32>) -> tensor<?x1xi64>
  %size2 = onnx.Max %abs, %m2 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
  %d2 = onnx.Sub %m2, %l : (tensor<?x1xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %q2 = onnx.Div %d2, %size2 : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %far2 = onnx.Greater %q2, %t : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi1>
  %near2 = onnx.Where %far2, %inf, %l2 : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %p2 = onnx.Softmax %near2 {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w2 = onnx.GatherElements %p2, %i2 {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x1xf32>
  %w = onnx.Concat %w1, %w2 {axis = 1 : i64} : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %i = onnx.Concat %i1, %i2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<8x?xf32>) -> tensor<8x?x1xf32>
  %xu = onnx.Unsqueeze %x {axes = array<i64: 0>} : (tensor<?x32xf32>) -> tensor<1x?x32xf32>
  %up = weight.load @up : tensor<8x32x24xf32>
  %down = weight.load @down : tensor<8x24x32xf32>
  %a = onnx.MatMul %xu, %up : (tensor<1x?x32xf32>, tensor<8x32x24xf32>) -> tensor<8x?x24xf32>
  %h = onnx.Relu %a : (tensor<8x?x24xf32>) -> tensor<8x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<8x?x24xf32>, tensor<8x24x32xf32>) -> tensor<8x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<8x?x32xf32>, tensor<8x?x1xf32>) -> tensor<8x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<8x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}
