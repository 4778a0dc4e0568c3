// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

weight.source @gate_up : tensor<3x32x48xf32> in "model.onnx" at 0
weight.source @down : tensor<3x24x32xf32> in "model.onnx" at 0

// Pairs sorted by expert, a product for each run, and the inverse permutation.
// CHECK-LABEL: func.func @grouped
// CHECK-DAG: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, score = #moe<score softmax>}
// CHECK-DAG: %[[IN:.*]] = weight.interleave_columns
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]] in %[[IN]] out %{{.*}} {activation = #nn<activation silu>, gated}
// CHECK-NOT: onnx.CumSum
// CHECK: return %[[Y]]
func.func @grouped(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The sort of a permutation is its inverse, too.
// CHECK-LABEL: func.func @sorted_back
// CHECK-DAG: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, score = #moe<score softmax>}
// CHECK-DAG: %[[IN:.*]] = weight.interleave_columns
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]] in %[[IN]] out %{{.*}} {activation = #nn<activation silu>, gated}
// CHECK-NOT: onnx.CumSum
// CHECK: return %[[Y]]
func.func @sorted_back(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %nothing, %inverse = onnx.TopK %order, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The histogram counts the last expert as the one before.
// CHECK-LABEL: func.func @clipped
// CHECK-NOT: moe.experts
// CHECK: return
func.func @clipped(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<1> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The histogram's bins are too wide.
// CHECK-LABEL: func.func @wide
// CHECK-NOT: moe.experts
// CHECK: return
func.func @wide(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<2.0> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The greatest experts come first.
// CHECK-LABEL: func.func @descending
// CHECK-NOT: moe.experts
// CHECK: return
func.func @descending(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = true} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// A run begins where the one before it begins.
// CHECK-LABEL: func.func @overlap
// CHECK-NOT: moe.experts
// CHECK: return
func.func @overlap(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %c0, %b1, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Rows have the weights of the pair of that number, not of their own.
// CHECK-LABEL: func.func @unsorted_weights
// CHECK-NOT: moe.experts
// CHECK: return
func.func @unsorted_weights(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %row1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Rows are gathered by the slot.
// WHY: remark: {{.*}}its rows are not the tokens'
// CHECK-LABEL: func.func @slots
// CHECK-NOT: moe.experts
// CHECK: return
func.func @slots(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %slot1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %empty = onnx.Expand %c0, %pairs : (tensor<i64>, tensor<1xi64>) -> tensor<?xi64>
  %inverse = onnx.ScatterND %empty, %order1, %row : (tensor<?xi64>, tensor<?x1xi64>, tensor<?xi64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// The permutation in place of its inverse.
// CHECK-LABEL: func.func @permuted_again
// CHECK-NOT: moe.experts
// CHECK: return
func.func @permuted_again(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %c0 = onnx.Constant dense<0> : tensor<i64>
  %c1 = onnx.Constant dense<1> : tensor<i64>
  %c2 = onnx.Constant dense<2> : tensor<i64>
  %last = onnx.Constant dense<2> : tensor<i64>
  %all = onnx.Constant dense<-1> : tensor<1xi64>
  %zeros = onnx.Constant dense<0.0> : tensor<3xf32>
  %f1 = onnx.Constant dense<1.0> : tensor<f32>
  %width = onnx.Constant dense<0.6666666666666666> : tensor<f32>
  %gateup = weight.load @gate_up : tensor<3x32x48xf32>
  %down = weight.load @down : tensor<3x24x32xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %ids = onnx.Reshape %i, %all {allowzero = false} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
  %ws = onnx.Reshape %w, %all {allowzero = false} : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %pairs = onnx.Shape %ids {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %sorted, %order = onnx.TopK %ids, %pairs {axis = 0 : i64, largest = false} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %order1 = onnx.Unsqueeze %order {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %tok = onnx.Div %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %tok1 = onnx.Unsqueeze %tok {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %row = onnx.Range %c0, %pairs, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %row1 = onnx.Unsqueeze %row {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %slot = onnx.Mod %order, %c2 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %slot1 = onnx.Unsqueeze %slot {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %xs = onnx.GatherND %x, %tok1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wp = onnx.GatherND %ws, %order1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %real = onnx.Cast %sorted : (tensor<?xi64>) -> tensor<?xf32>
  %bin = onnx.Div %real, %width : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  %bini = onnx.Cast %bin : (tensor<?xf32>) -> tensor<?xi64>
  %clip = onnx.Clip %bini, %c0, %last {operandSegmentSizes = array<i32: 1, 1, 1>} : (tensor<?xi64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ones = onnx.Expand %f1, %pairs : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %histogram = onnx.ScatterElements %zeros, %clip, %ones {axis = 0 : i64, reduction = "add"} : (tensor<3xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<3xf32>
  %counts = onnx.Cast %histogram : (tensor<3xf32>) -> tensor<3xi32>
  %sums = onnx.CumSum %counts {axis = 0 : i64} : (tensor<3xi32>) -> tensor<3xi32>
  %bounds = onnx.Cast %sums : (tensor<3xi32>) -> tensor<3xi64>
  %b0, %b1, %b2 = onnx.Split %bounds {axis = 0 : i64} : (tensor<3xi64>) -> (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
  %aw0, %aw1, %aw2 = onnx.Split %gateup {axis = 0 : i64} : (tensor<3x32x48xf32>) -> (tensor<1x32x48xf32>, tensor<1x32x48xf32>, tensor<1x32x48xf32>)
  %ar0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax0 = onnx.Gather %xs, %ar0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am0 = onnx.Squeeze %aw0 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay0 = onnx.MatMul %ax0, %am0 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax1 = onnx.Gather %xs, %ar1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am1 = onnx.Squeeze %aw1 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay1 = onnx.MatMul %ax1, %am1 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %ar2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %ax2 = onnx.Gather %xs, %ar2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %am2 = onnx.Squeeze %aw2 {axes = array<i64: 0>} : (tensor<1x32x48xf32>) -> tensor<32x48xf32>
  %ay2 = onnx.MatMul %ax2, %am2 : (tensor<?x32xf32>, tensor<32x48xf32>) -> tensor<?x48xf32>
  %a = onnx.Concat %ay0, %ay1, %ay2 {axis = 0 : i64} : (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  %g, %u = onnx.Split %a {axis = 1 : i64} : (tensor<?x48xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>)
  %s = onnx.Swish %g {alpha = 1.0 : f32} : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = onnx.Mul %s, %u : (tensor<?x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %dw0, %dw1, %dw2 = onnx.Split %down {axis = 0 : i64} : (tensor<3x24x32xf32>) -> (tensor<1x24x32xf32>, tensor<1x24x32xf32>, tensor<1x24x32xf32>)
  %dr0 = onnx.Range %c0, %b0, %c1 : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx0 = onnx.Gather %h, %dr0 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm0 = onnx.Squeeze %dw0 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy0 = onnx.MatMul %dx0, %dm0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr1 = onnx.Range %b0, %b1, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx1 = onnx.Gather %h, %dr1 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm1 = onnx.Squeeze %dw1 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy1 = onnx.MatMul %dx1, %dm1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %dr2 = onnx.Range %b1, %b2, %c1 : (tensor<1xi64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>
  %dx2 = onnx.Gather %h, %dr2 {axis = 0 : i64} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  %dm2 = onnx.Squeeze %dw2 {axes = array<i64: 0>} : (tensor<1x24x32xf32>) -> tensor<24x32xf32>
  %dy2 = onnx.MatMul %dx2, %dm2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %d = onnx.Concat %dy0, %dy1, %dy2 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %wc = onnx.Unsqueeze %wp {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %y = onnx.Mul %d, %wc : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %inverse = onnx.Add %order, %c0 : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %inverse1 = onnx.Unsqueeze %inverse {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
  %back = onnx.GatherND %y, %inverse1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %three = onnx.Constant dense<[-1, 2, 32]> : tensor<3xi64>
  %z = onnx.Reshape %back, %three {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
  %r = onnx.ReduceSum %z {axes = array<i64: 1>, keepdims = false} : (tensor<?x2x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}
