// RUN: tamis-opt %s --convert-onnx-to-nn --canonicalize | FileCheck %s

// Routers whose experts are all computed, and multiplied by a matrix of weights.

weight.source @choice_bias : tensor<8xf32> in "model.onnx" at 0
weight.source @up : tensor<8x32x24xf32> in "model.onnx" at 0
weight.source @down : tensor<8x24x32xf32> in "model.onnx" at 0

// Sigmoid scores and a bias that only chooses; the best two of four groups by the sum of their best two.
// CHECK-LABEL: func.func @groups
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 bias %{{.*}} {group_fill = 0xFF800000 : f32, group_top = 2 : i64, groups = 4 : i64, k = 3 : i64, kept_groups = 2 : i64, normalize, score = #moe<score sigmoid>}
// CHECK: moe.experts %arg0 to %[[I]] weighted %[[W]]
// CHECK-NOT: onnx.TopK
func.func @groups(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %top = onnx.Constant dense<2> : tensor<1xi64>
  %kept = onnx.Constant dense<2> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0xFF800000> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 4, 2]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 4, 2]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %bias = weight.load @choice_bias : tensor<8xf32>
  %sig = onnx.Sigmoid %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add %sig, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %best, %bi = onnx.TopK %cg, %top {axis = 2 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %gs = onnx.ReduceSum %best {axes = array<i64: 2>, keepdims = false} : (tensor<?x4x2xf32>) -> tensor<?x4xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x2xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x4xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?x4x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x4x1xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x4x2xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %s = onnx.GatherElements %sig, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum %s {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %s, %sum : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The bias is in the weights.
// CHECK-LABEL: func.func @biased_weights
// CHECK: moe.route %{{.*}} {group_fill = 0xFF800000 : f32, group_top = 2 : i64, groups = 4 : i64, k = 3 : i64, kept_groups = 2 : i64, normalize}
// CHECK: moe.experts
func.func @biased_weights(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %top = onnx.Constant dense<2> : tensor<1xi64>
  %kept = onnx.Constant dense<2> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0xFF800000> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 4, 2]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 4, 2]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %bias = weight.load @choice_bias : tensor<8xf32>
  %sig = onnx.Sigmoid %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add %sig, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %best, %bi = onnx.TopK %cg, %top {axis = 2 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %gs = onnx.ReduceSum %best {axes = array<i64: 2>, keepdims = false} : (tensor<?x4x2xf32>) -> tensor<?x4xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x2xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x4xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?x4x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x4x1xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x4x2xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %s = onnx.GatherElements %c, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum %s {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %s, %sum : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// Members of a group are every fourth expert in the mask, and runs in the scores.
// CHECK-LABEL: func.func @strided
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @strided(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %top = onnx.Constant dense<2> : tensor<1xi64>
  %kept = onnx.Constant dense<2> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0xFF800000> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 4, 2]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 4, 2]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %bias = weight.load @choice_bias : tensor<8xf32>
  %sig = onnx.Sigmoid %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add %sig, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %best, %bi = onnx.TopK %cg, %top {axis = 2 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %gs = onnx.ReduceSum %best {axes = array<i64: 2>, keepdims = false} : (tensor<?x4x2xf32>) -> tensor<?x4xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x2xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x4xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %spread2 = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x1x4xf32>
  %ge = onnx.Expand %gu, %spread2 : (tensor<?x1x4xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %s = onnx.GatherElements %sig, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum %s {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %s, %sum : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The groups are those of other scores than experts are chosen by.
// CHECK-LABEL: func.func @other_scores
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @other_scores(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %top = onnx.Constant dense<2> : tensor<1xi64>
  %kept = onnx.Constant dense<2> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0xFF800000> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 4, 2]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 4, 2]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %bias = weight.load @choice_bias : tensor<8xf32>
  %sig = onnx.Sigmoid %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add %sig, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %l, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %best, %bi = onnx.TopK %cg, %top {axis = 2 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %gs = onnx.ReduceSum %best {axes = array<i64: 2>, keepdims = false} : (tensor<?x4x2xf32>) -> tensor<?x4xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x2xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x4xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?x4x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x4x1xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x4x2xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %s = onnx.GatherElements %sig, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum %s {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %s, %sum : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The best groups are excluded.
// CHECK-LABEL: func.func @worst
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @worst(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %top = onnx.Constant dense<2> : tensor<1xi64>
  %kept = onnx.Constant dense<2> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0xFF800000> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 4, 2]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 4, 2]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %bias = weight.load @choice_bias : tensor<8xf32>
  %sig = onnx.Sigmoid %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add %sig, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %best, %bi = onnx.TopK %cg, %top {axis = 2 : i64} : (tensor<?x4x2xf32>, tensor<1xi64>) -> (tensor<?x4x2xf32>, tensor<?x4x2xi64>)
  %gs = onnx.ReduceSum %best {axes = array<i64: 2>, keepdims = false} : (tensor<?x4x2xf32>) -> tensor<?x4xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x2xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x4xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x4xf32>) -> tensor<?x4x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x4x1xf32>, tensor<3xi64>) -> tensor<?x4x2xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x4x2xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %is, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %s = onnx.GatherElements %sig, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum %s {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %s, %sum : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// Two groups of four experts, the weights from the scores that groups are excluded from: those of an
// excluded one are 0, as in DeepSeek V2.
// CHECK-LABEL: func.func @filled_scores
// CHECK: moe.route %{{.*}} {group_top = 2 : i64, groups = 2 : i64, k = 3 : i64, limits_weights, normalize}
// CHECK-NOT: onnx.TopK
// CHECK: moe.experts
func.func @filled_scores(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %top = onnx.Constant dense<2> : tensor<1xi64>
  %kept = onnx.Constant dense<1> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0.0> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 2, 4]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %bias = weight.load @choice_bias : tensor<8xf32>
  %sig = onnx.Sigmoid %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = onnx.Add %sig, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %best, %bi = onnx.TopK %cg, %top {axis = 2 : i64} : (tensor<?x2x4xf32>, tensor<1xi64>) -> (tensor<?x2x2xf32>, tensor<?x2x2xi64>)
  %gs = onnx.ReduceSum %best {axes = array<i64: 2>, keepdims = false} : (tensor<?x2x2xf32>) -> tensor<?x2xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x2xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x2xf32>) -> tensor<?x2x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %s = onnx.GatherElements %limited, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %sum = onnx.ReduceSum %s {axes = array<i64: 1>, keepdims = true} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  %w = onnx.Div %s, %sum : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The router of DeepSeek V2: a group's score is its greatest, and the weights are those that the choice was made by.
// CHECK-LABEL: func.func @group_limited_greedy
// CHECK: moe.route %arg1 {groups = 2 : i64, k = 3 : i64, limits_weights, scale = 2.500000e+00 : f32, score = #moe<score softmax>}
// CHECK-NOT: onnx.TopK
func.func @group_limited_greedy(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %kept = onnx.Constant dense<1> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0.0> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 2, 4]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %c = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %gs = onnx.ReduceMax %cg {axes = array<i64: 2>, keepdims = false} : (tensor<?x2x4xf32>) -> tensor<?x2xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x2xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x2xf32>) -> tensor<?x2x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %factor = onnx.Constant dense<2.5> : tensor<f32>
  %w = onnx.Mul %v, %factor : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The scores times the mask.
// CHECK-LABEL: func.func @times_mask
// CHECK: moe.route %arg1 {groups = 2 : i64, k = 3 : i64, limits_weights, scale = 2.500000e+00 : f32, score = #moe<score softmax>}
// CHECK-NOT: onnx.TopK
func.func @times_mask(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %kept = onnx.Constant dense<1> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 2, 4]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %c = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %gs = onnx.ReduceMax %cg {axes = array<i64: 2>, keepdims = false} : (tensor<?x2x4xf32>) -> tensor<?x2xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x2xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x2xf32>) -> tensor<?x2x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %limited = onnx.Mul %c, %em : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %factor = onnx.Constant dense<2.5> : tensor<f32>
  %w = onnx.Mul %v, %factor : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The scores may be infinite, and times 0 they are then no number: experts are chosen by the product, as it is.
// CHECK-LABEL: func.func @infinite_times_mask
// CHECK: %[[L:.*]] = onnx.Mul
// CHECK: moe.route %[[L]] {k = 3 : i64, scale = 2.500000e+00 : f32}
func.func @infinite_times_mask(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %kept = onnx.Constant dense<1> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 2, 4]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %c = onnx.Exp %l : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %gs = onnx.ReduceMax %cg {axes = array<i64: 2>, keepdims = false} : (tensor<?x2x4xf32>) -> tensor<?x2xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x2xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x2xf32>) -> tensor<?x2x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %limited = onnx.Mul %c, %em : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %factor = onnx.Constant dense<2.5> : tensor<f32>
  %w = onnx.Mul %v, %factor : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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

// The weights are of scores with another constant outside of the groups than those of the choice.
// CHECK-LABEL: func.func @other_limit
// CHECK-NOT: moe.route
// CHECK: moe.experts
func.func @other_limit(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<3> : tensor<1xi64>
  %kept = onnx.Constant dense<1> : tensor<1xi64>
  %f0 = onnx.Constant dense<0.0> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %fill = onnx.Constant dense<0.0> : tensor<f32>
  %cut = onnx.Constant dense<[-1, 2, 4]> : tensor<3xi64>
  %spread = onnx.Constant dense<[1, 2, 4]> : tensor<3xi64>
  %flat = onnx.Constant dense<[-1, 8]> : tensor<2xi64>
  %c = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %cg = onnx.Reshape %c, %cut {allowzero = false} : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %gs = onnx.ReduceMax %cg {axes = array<i64: 2>, keepdims = false} : (tensor<?x2x4xf32>) -> tensor<?x2xf32>
  %gv, %gi = onnx.TopK %gs, %kept {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %gshape = onnx.Shape %gs {start = 0 : i64, end = 2 : i64} : (tensor<?x2xf32>) -> tensor<2xi64>
  %ishape = onnx.Shape %gi {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %none = onnx.Expand %f0, %gshape : (tensor<f32>, tensor<2xi64>) -> tensor<?x2xf32>
  %ones = onnx.Expand %f1, %ishape : (tensor<f32>, tensor<2xi64>) -> tensor<?x1xf32>
  %gm = onnx.ScatterElements %none, %gi, %ones {axis = 1 : i64} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32>
  %gu = onnx.Unsqueeze %gm {axes = array<i64: 2>} : (tensor<?x2xf32>) -> tensor<?x2x1xf32>
  %ge = onnx.Expand %gu, %spread : (tensor<?x2x1xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
  %em = onnx.Reshape %ge, %flat {allowzero = false} : (tensor<?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %is = onnx.Cast %em : (tensor<?x8xf32>) -> tensor<?x8xi1>
  %not = onnx.Not %is : (tensor<?x8xi1>) -> tensor<?x8xi1>
  %limited = onnx.Where %not, %fill, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %above = onnx.Where %not, %f1, %c : (tensor<?x8xi1>, tensor<f32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %v, %i = onnx.TopK %limited, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x3xf32>, tensor<?x3xi64>)
  %factor = onnx.Constant dense<2.5> : tensor<f32>
  %s = onnx.GatherElements %above, %i {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
  %w = onnx.Mul %s, %factor : (tensor<?x3xf32>, tensor<f32>) -> tensor<?x3xf32>
  %shape8 = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %zeros = onnx.Expand %f0, %shape8 : (tensor<f32>, tensor<2xi64>) -> tensor<?x8xf32>
  %m = onnx.ScatterElements %zeros, %i, %w {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x8xf32>
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
