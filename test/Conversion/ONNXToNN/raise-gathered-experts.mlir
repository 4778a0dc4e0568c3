// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

// Weights gathered for each pair of a token and an expert.

weight.source @in : tensor<8x48x32xf32> in "model.onnx" at 0
weight.source @out : tensor<8x32x24xf32> in "model.onnx" at 0
weight.source @b : tensor<8x48xf32> in "model.onnx" at 0

// CHECK-LABEL: func.func @gather
// CHECK-DAG: %[[G:.*]] = weight.slice %{{.*}} {axis = 1 : i64, begin = 0 : i64} : (tensor<8x48x32xf32>) -> tensor<8x24x32xf32>
// CHECK-DAG: %[[GT:.*]] = weight.transpose %[[G]] {perm = array<i64: 0, 2, 1>}
// CHECK-DAG: %[[U:.*]] = weight.slice %{{.*}} {axis = 1 : i64, begin = 24 : i64} : (tensor<8x48x32xf32>) -> tensor<8x24x32xf32>
// CHECK-DAG: %[[UT:.*]] = weight.transpose %[[U]] {perm = array<i64: 0, 2, 1>}
// CHECK-DAG: %[[IN:.*]] = weight.interleave_columns %[[GT]], %[[UT]] : (tensor<8x32x24xf32>, tensor<8x32x24xf32>) -> tensor<8x32x48xf32>
// CHECK-DAG: %[[OUT:.*]] = weight.transpose %{{.*}} {perm = array<i64: 0, 2, 1>} : (tensor<8x32x24xf32>) -> tensor<8x24x32xf32>
// CHECK-DAG: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, score = #moe<score softmax>}
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]] in %[[IN]] out %[[OUT]] {activation = #nn<activation silu>, gated}
// CHECK-NOT: onnx.MatMul
// CHECK: return %[[Y]]
func.func @gather(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %gin = onnx.Gather %in, %flat {axis = 0 : i64} : (tensor<8x48x32xf32>, tensor<?xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.Gather %out, %flat {axis = 0 : i64} : (tensor<8x32x24xf32>, tensor<?xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %s, %begin, %middle {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %s, %middle, %end {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %a = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %a, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32> loc("hidden")
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// Gate and up in turn, biases, and limits on both, as GPT-OSS has them.
// CHECK-LABEL: func.func @interleaved
// CHECK-DAG: %[[IN:.*]] = weight.interleave_columns %{{.*}}, %{{.*}} : (tensor<8x32x24xf32>, tensor<8x32x24xf32>) -> tensor<8x32x48xf32>
// CHECK-DAG: %[[B:.*]] = weight.interleave_columns %{{.*}}, %{{.*}} : (tensor<8x24xf32>, tensor<8x24xf32>) -> tensor<8x48xf32>
// CHECK: moe.experts %arg0 to %{{.*}} weighted %{{.*}} in %[[IN]] bias %[[B]] out %{{.*}} {activation = #nn<activation silu>, alpha = 1.702{{.*}} : f32, beta = 1.000000e+00 : f32, gated, limit = 7.000000e+00 : f32}
// CHECK-NOT: onnx.MatMul
func.func @interleaved(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %gin = onnx.Gather %in, %flat {axis = 0 : i64} : (tensor<8x48x32xf32>, tensor<?xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.Gather %out, %flat {axis = 0 : i64} : (tensor<8x32x24xf32>, tensor<?xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %b = weight.load @b : tensor<8x48xf32>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %limit = onnx.Constant dense<7.0> : tensor<f32>
  %low = onnx.Constant dense<-7.0> : tensor<f32>
  %alpha = onnx.Constant dense<1.702> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %gb = onnx.Gather %b, %flat {axis = 0 : i64} : (tensor<8x48xf32>, tensor<?xi64>) -> tensor<?x48xf32>
  %sb = onnx.Add %s, %gb : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %sb, %begin, %end {axes = array<i64: 1>, steps = array<i64: 2>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %sb, %one, %end {axes = array<i64: 1>, steps = array<i64: 2>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %gc = onnx.Clip %g, %limit {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<?x24xf32>, tensor<f32>) -> tensor<?x24xf32>
  %uc = onnx.Clip %u, %low, %limit {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?x24xf32>, tensor<f32>, tensor<f32>) -> tensor<?x24xf32>
  %ga = onnx.Mul %gc, %alpha : (tensor<?x24xf32>, tensor<f32>) -> tensor<?x24xf32>
  %sig = onnx.Sigmoid %ga : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = onnx.Mul %gc, %sig : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %up = onnx.Add %uc, %f1 : (tensor<?x24xf32>, tensor<f32>) -> tensor<?x24xf32>
  %h = onnx.Mul %up, %a : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// The lower limit is not that below zero.
// CHECK-LABEL: func.func @one_sided
// CHECK-NOT: moe.
// CHECK: return
func.func @one_sided(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %gin = onnx.Gather %in, %flat {axis = 0 : i64} : (tensor<8x48x32xf32>, tensor<?xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.Gather %out, %flat {axis = 0 : i64} : (tensor<8x32x24xf32>, tensor<?xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %b = weight.load @b : tensor<8x48xf32>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %limit = onnx.Constant dense<7.0> : tensor<f32>
  %low = onnx.Constant dense<0.0> : tensor<f32>
  %alpha = onnx.Constant dense<1.702> : tensor<f32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %gb = onnx.Gather %b, %flat {axis = 0 : i64} : (tensor<8x48xf32>, tensor<?xi64>) -> tensor<?x48xf32>
  %sb = onnx.Add %s, %gb : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %sb, %begin, %end {axes = array<i64: 1>, steps = array<i64: 2>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %sb, %one, %end {axes = array<i64: 1>, steps = array<i64: 2>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %gc = onnx.Clip %g, %limit {operandSegmentSizes = array<i32: 1, 0, 1>} : (tensor<?x24xf32>, tensor<f32>) -> tensor<?x24xf32>
  %uc = onnx.Clip %u, %low, %limit {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?x24xf32>, tensor<f32>, tensor<f32>) -> tensor<?x24xf32>
  %ga = onnx.Mul %gc, %alpha : (tensor<?x24xf32>, tensor<f32>) -> tensor<?x24xf32>
  %sig = onnx.Sigmoid %ga : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = onnx.Mul %gc, %sig : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %up = onnx.Add %uc, %f1 : (tensor<?x24xf32>, tensor<f32>) -> tensor<?x24xf32>
  %h = onnx.Mul %up, %a : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @gather_nd
// CHECK: moe.experts %arg0
func.func @gather_nd(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %nd = onnx.Unsqueeze %flat {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %gin = onnx.GatherND %in, %nd {batch_dims = 0 : i64} : (tensor<8x48x32xf32>, tensor<?x1xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.GatherND %out, %nd {batch_dims = 0 : i64} : (tensor<8x32x24xf32>, tensor<?x1xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %s, %begin, %middle {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %s, %middle, %end {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %a = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %a, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32> loc("hidden")
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @bias
// CHECK: moe.experts %arg0 to %{{.*}} weighted %{{.*}} in %{{.*}} bias %{{.*}} out
func.func @bias(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %gin = onnx.Gather %in, %flat {axis = 0 : i64} : (tensor<8x48x32xf32>, tensor<?xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.Gather %out, %flat {axis = 0 : i64} : (tensor<8x32x24xf32>, tensor<?xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %bias = weight.load @b : tensor<8x48xf32>
  %gb = onnx.Gather %bias, %flat {axis = 0 : i64} : (tensor<8x48xf32>, tensor<?xi64>) -> tensor<?x48xf32>
  %sb = onnx.Add %s, %gb : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %sb, %begin, %middle {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %sb, %middle, %end {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %a = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %a, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32> loc("hidden")
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// WHY: remark: loc("hidden"): this looks like a mixture of experts, but this is no activation of an expert's product, or times another
// CHECK-LABEL: func.func @no_activation
// CHECK-NOT: moe.
func.func @no_activation(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %gin = onnx.Gather %in, %flat {axis = 0 : i64} : (tensor<8x48x32xf32>, tensor<?xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.Gather %out, %flat {axis = 0 : i64} : (tensor<8x32x24xf32>, tensor<?xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %s, %begin, %middle {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %s, %middle, %end {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %a = onnx.Exp %g : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %a, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32> loc("hidden")
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}

// The last product's experts are an argument: they need be neither distinct nor those of the first.
// CHECK-LABEL: func.func @other_experts
// CHECK-NOT: moe.
func.func @other_experts(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x8xf32> {onnx.dims = ["t", ""]}, %o: tensor<?x2xi64> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %minus = onnx.Constant dense<-1> : tensor<1xi64>
  %repeats = onnx.Constant dense<[1, 2, 1]> : tensor<3xi64>
  %rows = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %pairs = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %begin = onnx.Constant dense<0> : tensor<1xi64>
  %middle = onnx.Constant dense<24> : tensor<1xi64>
  %end = onnx.Constant dense<48> : tensor<1xi64>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ux = onnx.Unsqueeze %x {axes = array<i64: 1>} : (tensor<?x32xf32>) -> tensor<?x1x32xf32>
  %tx = onnx.Tile %ux, %repeats : (tensor<?x1x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %fx = onnx.Reshape %tx, %rows {allowzero = false} : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %flat = onnx.Reshape %i, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %other = onnx.Reshape %o, %minus {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %wf = onnx.Reshape %w, %minus {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %in = weight.load @in : tensor<8x48x32xf32>
  %out = weight.load @out : tensor<8x32x24xf32>
  %gin = onnx.Gather %in, %flat {axis = 0 : i64} : (tensor<8x48x32xf32>, tensor<?xi64>) -> tensor<?x48x32xf32>
  %gout = onnx.Gather %out, %other {axis = 0 : i64} : (tensor<8x32x24xf32>, tensor<?xi64>) -> tensor<?x32x24xf32>
  %cx = onnx.Unsqueeze %fx {axes = array<i64: 2>} : (tensor<?x32xf32>) -> tensor<?x32x1xf32>
  %m = onnx.MatMul %gin, %cx : (tensor<?x48x32xf32>, tensor<?x32x1xf32>) -> tensor<?x48x1xf32>
  %s = onnx.Squeeze %m {axes = array<i64: 2>} : (tensor<?x48x1xf32>) -> tensor<?x48xf32>
  %g = onnx.Slice %s, %begin, %middle {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %u = onnx.Slice %s, %middle, %end {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<?x48xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x24xf32>
  %a = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %a, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32> loc("hidden")
  %ch = onnx.Unsqueeze %h {axes = array<i64: 2>} : (tensor<?x24xf32>) -> tensor<?x24x1xf32>
  %n = onnx.MatMul %gout, %ch : (tensor<?x32x24xf32>, tensor<?x24x1xf32>) -> tensor<?x32x1xf32>
  %y = onnx.Squeeze %n {axes = array<i64: 2>} : (tensor<?x32x1xf32>) -> tensor<?x32xf32>
  %cw = onnx.Unsqueeze %wf {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %wy = onnx.Mul %y, %cw : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %three = onnx.Reshape %wy, %pairs {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %z = onnx.ReduceSum %three {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %z : tensor<?x32xf32>
}
