// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

weight.source @gate_up : tensor<3x32x48xf32> in "model.onnx" at 0
weight.source @bias : tensor<3x1x48xf32> in "model.onnx" at 0
weight.source @down : tensor<3x24x32xf32> in "model.onnx" at 0
weight.source @half : tensor<3x32x24xf32> in "model.onnx" at 0
weight.source @one_down : tensor<24x32xf32> in "model.onnx" at 0
weight.source @one_bias : tensor<48xf32> in "model.onnx" at 0

// Every expert for every token, times a matrix that has weights where experts were chosen and zeros elsewhere.
// CHECK-LABEL: func.func @weighted
// CHECK-DAG: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, score = #moe<score softmax>}
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]] in %{{.*}} out %{{.*}} {activation = #nn<activation silu>, gated}
// CHECK-NOT: onnx.MatMul
// CHECK: return %[[Y]]
func.func @weighted(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %rest = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xe, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a0 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Rows times sigmoid(-infinity) where an expert was not chosen.
// CHECK-LABEL: func.func @scored_rows
// CHECK-DAG: %[[I:.*]], %[[V:.*]] = moe.route %arg1 {k = 1 : i64}
// CHECK-DAG: %[[S:.*]] = onnx.Sigmoid %[[V]] : (tensor<?x1xf32>)
// CHECK-DAG: %[[X:.*]] = onnx.Mul %arg0, %[[S]]
// CHECK: %[[Y:.*]] = moe.experts %[[X]] to %[[I]] weighted %{{.*}} in
// CHECK-NOT: onnx.MatMul
// CHECK: return %[[Y]]
func.func @scored_rows(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %rest = onnx.Constant dense<0xFF800000> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %w, %i = onnx.TopK %l, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %sig = onnx.Sigmoid %m : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %mt = onnx.Transpose %sig {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %xm = onnx.Mul %xe, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xm, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a0 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Unchosen experts have small weights, not zeros.
// CHECK-LABEL: func.func @small
// CHECK-NOT: moe.experts
// CHECK: return
func.func @small(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %rest = onnx.Constant dense<1.0e-6> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xe, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a0 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The scores of unchosen experts are low, but sigmoid of them is not 0.
// CHECK-LABEL: func.func @low
// CHECK-NOT: moe.experts
// CHECK: return
func.func @low(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %rest = onnx.Constant dense<-10.0> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %w, %i = onnx.TopK %l, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %sig = onnx.Sigmoid %m : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %mt = onnx.Transpose %sig {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %xm = onnx.Mul %xe, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xm, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a0 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// A row of zeros gives no zeros through a bias.
// WHY: remark: {{.*}}experts that a token did not choose are not proven to make zeros
// CHECK-LABEL: func.func @biased
// CHECK-NOT: moe.experts
// CHECK: return
func.func @biased(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %rest = onnx.Constant dense<0xFF800000> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %w, %i = onnx.TopK %l, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %sig = onnx.Sigmoid %m : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %mt = onnx.Transpose %sig {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %xm = onnx.Mul %xe, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xm, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %bias = weight.load @bias : tensor<3x1x48xf32>
  %a1 = onnx.Add %a0, %bias : (tensor<3x?x48xf32>, tensor<3x1x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a1 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Two experts a token, each with rows of its own.
// WHY: remark: {{.*}}experts that a token did not choose are not proven to make zeros
// CHECK-LABEL: func.func @two
// CHECK-NOT: moe.experts
// CHECK: return
func.func @two(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %rest = onnx.Constant dense<0xFF800000> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %w, %i = onnx.TopK %l, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %sig = onnx.Sigmoid %m : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %mt = onnx.Transpose %sig {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %xm = onnx.Mul %xe, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xm, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a0 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// All experts have one second layer.
// CHECK-LABEL: func.func @shared_layer
// CHECK-NOT: moe.experts
// CHECK: return
func.func @shared_layer(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %rest = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @one_down : tensor<24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xe, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a0 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<24x32xf32>) -> tensor<3x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// All experts have one bias.
// WHY: remark: {{.*}}a product has not one matrix, and one bias if any, for each expert
// CHECK-LABEL: func.func @shared_bias
// CHECK-NOT: moe.experts
// CHECK: return
func.func @shared_bias(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %rest = onnx.Constant dense<0.0> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %mt = onnx.Transpose %m {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %a0 = onnx.MatMul %xe, %gateup : (tensor<3x?x32xf32>, tensor<3x32x48xf32>) -> tensor<3x?x48xf32>
  %bias = weight.load @one_bias : tensor<48xf32>
  %a1 = onnx.Add %a0, %bias : (tensor<3x?x48xf32>, tensor<48xf32>) -> tensor<3x?x48xf32>
  %g, %u = onnx.Split %a1 {axis = 2 : i64} : (tensor<3x?x48xf32>) -> (tensor<3x?x24xf32>, tensor<3x?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %z = onnx.Mul %y, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The rows of one half of the first layer are multiplied by scores, those of the other half are not.
// WHY: remark: {{.*}}only one half of its hidden row is of rows that are multiplied by the score
// CHECK-LABEL: func.func @one_half
// CHECK-NOT: moe.experts
// CHECK: return
func.func @one_half(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %rest = onnx.Constant dense<0xFF800000> : tensor<f32>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %fill = onnx.Expand %rest, %size : (tensor<f32>, tensor<2xi64>) -> tensor<?x3xf32>
  %repeats = onnx.Constant dense<[3, 1]> : tensor<2xi64>
  %shape = onnx.Constant dense<[3, -1, 32]> : tensor<3xi64>
  %half = weight.load @half : tensor<3x32x24xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %w, %i = onnx.TopK %l, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %m = onnx.ScatterElements %fill, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %xs = onnx.Tile %x, %repeats : (tensor<?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %sig = onnx.Sigmoid %m : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %mt = onnx.Transpose %sig {perm = array<i64: 1, 0>} : (tensor<?x3xf32>) -> tensor<3x?xf32>
  %mu = onnx.Unsqueeze %mt {axes = array<i64: 2>} : (tensor<3x?xf32>) -> tensor<3x?x1xf32>
  %xe = onnx.Reshape %xs, %shape {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<3x?x32xf32>
  %xm = onnx.Mul %xe, %mu : (tensor<3x?x32xf32>, tensor<3x?x1xf32>) -> tensor<3x?x32xf32>
  %g = onnx.MatMul %xm, %half : (tensor<3x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x24xf32>
  %u = onnx.MatMul %xe, %half : (tensor<3x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x24xf32>
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %h = onnx.Mul %u, %s : (tensor<3x?x24xf32>, tensor<3x?x24xf32>) -> tensor<3x?x24xf32>
  %y = onnx.MatMul %h, %down : (tensor<3x?x24xf32>, tensor<3x24x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %y {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}
