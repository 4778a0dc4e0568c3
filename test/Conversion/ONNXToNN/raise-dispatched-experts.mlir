// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

// Experts whose tokens a matrix names: those over an expert's capacity are not in it.

weight.source @in0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @in1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @in2 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @out0 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @out1 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @out2 : tensor<24x32xf32> in "model.onnx" at 0

// One expert a token, whose row is written over the token's; a token without one keeps its own.
// CHECK-LABEL: func.func @switch
// CHECK: %[[M:.*]] = onnx.Mul
// CHECK: %[[ONES:.*]] = onnx.Cast
// CHECK: %[[HAS:.*]], %[[I:.*]] = onnx.TopK %{{.*}} -> (tensor<?x1xf32>, tensor<?x1xi64>)
// CHECK: %[[LIST:.*]] = onnx.Where %{{.*}}, %[[I]], %{{.*}} : {{.*}} -> tensor<?x1xi64>
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[LIST]] weighted %[[HAS]] in %{{.*}} out %{{.*}} {activation = #nn<activation relu>, skips}
// CHECK: %[[R:.*]] = onnx.Where %{{.*}}, %[[Y]], %arg0
// CHECK-NOT: onnx.NonZero
// CHECK: return %[[R]]
func.func @switch(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %count = onnx.CumSum %one {axis = 0 : i64} : (tensor<?x3xi64>) -> tensor<?x3xi64>
  %fits = onnx.LessOrEqual %count, %three : (tensor<?x3xi64>, tensor<i64>) -> tensor<?x3xi1>
  %fit = onnx.Cast %fits : (tensor<?x3xi1>) -> tensor<?x3xi64>
  %m = onnx.Mul %one, %fit : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x0 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %x, %at0, %y0 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x1 = onnx.GatherND %x, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s1 = onnx.ScatterND %s0, %at1, %y1 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x2 = onnx.GatherND %x, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s2 = onnx.ScatterND %s1, %at2, %y2 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// In another order, added to zeros, and weighted.
// CHECK-LABEL: func.func @added
// CHECK: %[[P:.*]] = onnx.Softmax
// CHECK: %{{.*}}, %[[I:.*]] = onnx.TopK %{{.*}} -> (tensor<?x1xf32>, tensor<?x1xi64>)
// CHECK: %[[W:.*]] = onnx.GatherElements %[[P]], %[[I]]
// CHECK: %[[KEPT:.*]] = onnx.Where %{{.*}}, %[[W]], %{{.*}} : (tensor<?x1xi1>, tensor<?x1xf32>, tensor<f32>)
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %{{.*}} weighted %[[KEPT]]
// CHECK: return %[[Y]]
func.func @added(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %count = onnx.CumSum %one {axis = 0 : i64} : (tensor<?x3xi64>) -> tensor<?x3xi64>
  %fits = onnx.LessOrEqual %count, %three : (tensor<?x3xi64>, tensor<i64>) -> tensor<?x3xi1>
  %fit = onnx.Cast %fits : (tensor<?x3xi1>) -> tensor<?x3xi64>
  %m = onnx.Mul %one, %fit : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %zeros = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x2 = onnx.GatherND %x, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc2 = onnx.Gather %p, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr2 = onnx.GatherND %pc2, %at2 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu2 = onnx.Unsqueeze %pr2 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z2 = onnx.Mul %pu2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s2 = onnx.ScatterND %zeros, %at2, %z2 {reduction = "add"} : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x0 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc0 = onnx.Gather %p, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr0 = onnx.GatherND %pc0, %at0 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu0 = onnx.Unsqueeze %pr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %pu0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %s2, %at0, %z0 {reduction = "add"} : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x1 = onnx.GatherND %x, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc1 = onnx.Gather %p, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr1 = onnx.GatherND %pc1, %at1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu1 = onnx.Unsqueeze %pr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %pu1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s1 = onnx.ScatterND %s0, %at1, %z1 {reduction = "add"} : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s1 : tensor<?x32xf32>
}

// Of two experts a token, results of a token's second would be written over those of its first.
// WHY: remark: this looks like a mixture of experts, but an expert's rows are written over those of another
// CHECK-LABEL: func.func @written_over
// CHECK-NOT: moe.
// CHECK: return
func.func @written_over(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %is = onnx.Cast %one : (tensor<?x3xi64>) -> tensor<?x3xi1>
  %rest = onnx.Where %is, %inf, %l : (tensor<?x3xi1>, tensor<f32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %next = onnx.ArgMax %rest {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %other = onnx.OneHot %next, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %m = onnx.Add %one, %other : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x0 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %x, %at0, %y0 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x1 = onnx.GatherND %x, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s1 = onnx.ScatterND %s0, %at1, %y1 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x2 = onnx.GatherND %x, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s2 = onnx.ScatterND %s1, %at2, %y2 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// The exporter left out an expert: what tokens that choose it get is what the graph gives them. There are two.
// CHECK-LABEL: func.func @left_out
// CHECK: onnx.Concat %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
// CHECK: moe.experts {{.*}} tensor<2x24x32xf32>
// CHECK: onnx.Where %{{.*}}, %{{.*}}, %arg0
func.func @left_out(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %count = onnx.CumSum %one {axis = 0 : i64} : (tensor<?x3xi64>) -> tensor<?x3xi64>
  %fits = onnx.LessOrEqual %count, %three : (tensor<?x3xi64>, tensor<i64>) -> tensor<?x3xi1>
  %fit = onnx.Cast %fits : (tensor<?x3xi1>) -> tensor<?x3xi64>
  %m = onnx.Mul %one, %fit : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x0 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %x, %at0, %y0 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x2 = onnx.GatherND %x, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s2 = onnx.ScatterND %s0, %at2, %y2 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// The rows of another expert's tokens.
// WHY: remark: this looks like a mixture of experts, but its rows are not the tokens'
// CHECK-LABEL: func.func @other_rows
// CHECK-NOT: moe.
// CHECK: return
func.func @other_rows(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %count = onnx.CumSum %one {axis = 0 : i64} : (tensor<?x3xi64>) -> tensor<?x3xi64>
  %fits = onnx.LessOrEqual %count, %three : (tensor<?x3xi64>, tensor<i64>) -> tensor<?x3xi1>
  %fit = onnx.Cast %fits : (tensor<?x3xi1>) -> tensor<?x3xi64>
  %m = onnx.Mul %one, %fit : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x0 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %x, %at0, %y0 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x1 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s1 = onnx.ScatterND %s0, %at1, %y1 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x2 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s2 = onnx.ScatterND %s1, %at2, %y2 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// Two experts of the same column: one writes over the other.
// WHY: remark: this looks like a mixture of experts, but an expert is there twice
// CHECK-LABEL: func.func @twice
// CHECK-NOT: moe.
// CHECK: return
func.func @twice(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %count = onnx.CumSum %one {axis = 0 : i64} : (tensor<?x3xi64>) -> tensor<?x3xi64>
  %fits = onnx.LessOrEqual %count, %three : (tensor<?x3xi64>, tensor<i64>) -> tensor<?x3xi1>
  %fit = onnx.Cast %fits : (tensor<?x3xi1>) -> tensor<?x3xi64>
  %m = onnx.Mul %one, %fit : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x0 = onnx.GatherND %x, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s0 = onnx.ScatterND %x, %at0, %y0 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x1 = onnx.GatherND %x, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s1 = onnx.ScatterND %s0, %at1, %y1 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %c2 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %x2 = onnx.GatherND %x, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %s2 = onnx.ScatterND %s1, %at2, %y2 : (tensor<?x32xf32>, tensor<?x1xi64>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %s2 : tensor<?x32xf32>
}

// A slab for each expert, added up at the end; experts read rows that were multiplied by the mask.
// CHECK-LABEL: func.func @slab
// CHECK: %[[W:.*]] = onnx.Mul
// CHECK: %{{.*}}, %[[I:.*]] = onnx.TopK %{{.*}} -> (tensor<?x2xf32>, tensor<?x2xi64>)
// CHECK: %[[V:.*]] = onnx.GatherElements %[[W]], %[[I]]
// CHECK: %[[KEPT:.*]] = onnx.Where %{{.*}}, %[[V]], %{{.*}} : (tensor<?x2xi1>, tensor<?x2xf32>, tensor<f32>)
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %{{.*}} weighted %[[KEPT]] {{.*}} skips
// CHECK-NOT: onnx.Einsum
// CHECK: return %[[Y]]
func.func @slab(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %is = onnx.Cast %one : (tensor<?x3xi64>) -> tensor<?x3xi1>
  %rest = onnx.Where %is, %inf, %l : (tensor<?x3xi1>, tensor<f32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %next = onnx.ArgMax %rest {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %other = onnx.OneHot %next, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %m = onnx.Add %one, %other : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %mf = onnx.Cast %m : (tensor<?x3xi64>) -> tensor<?x3xf32>
  %w = onnx.Mul %p, %mf : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %xm = onnx.Einsum %x, %mf {equation = "bm,be->ebm"} : (tensor<?x32xf32>, tensor<?x3xf32>) -> tensor<3x?x32xf32>
  %full = onnx.Shape %xm {start = 0 : i64, end = 3 : i64} : (tensor<3x?x32xf32>) -> tensor<3xi64>
  %base = onnx.ConstantOfShape %full {value = dense<0.0> : tensor<1xf32>} : (tensor<3xi64>) -> tensor<3x?x32xf32>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl0 = onnx.Gather %xm, %e0 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x0 = onnx.GatherND %sl0, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc0 = onnx.Gather %w, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr0 = onnx.GatherND %pc0, %at0 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu0 = onnx.Unsqueeze %pr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %pu0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n0 = onnx.Shape %at0 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num0 = onnx.Expand %e0, %n0 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple0 = onnx.Concat %num0, %at0 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s0 = onnx.ScatterND %base, %tuple0, %z0 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl1 = onnx.Gather %xm, %e1 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x1 = onnx.GatherND %sl1, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc1 = onnx.Gather %w, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr1 = onnx.GatherND %pc1, %at1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu1 = onnx.Unsqueeze %pr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %pu1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n1 = onnx.Shape %at1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num1 = onnx.Expand %e1, %n1 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple1 = onnx.Concat %num1, %at1 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s1 = onnx.ScatterND %s0, %tuple1, %z1 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl2 = onnx.Gather %xm, %e2 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x2 = onnx.GatherND %sl2, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc2 = onnx.Gather %w, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr2 = onnx.GatherND %pc2, %at2 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu2 = onnx.Unsqueeze %pr2 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z2 = onnx.Mul %pu2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n2 = onnx.Shape %at2 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num2 = onnx.Expand %e2, %n2 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple2 = onnx.Concat %num2, %at2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s2 = onnx.ScatterND %s1, %tuple2, %z2 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %s2 {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// In place: each expert reads the slabs to which those before it wrote.
// CHECK-LABEL: func.func @in_place
// CHECK: moe.experts %arg0
// CHECK-NOT: onnx.ScatterND
// CHECK: return
func.func @in_place(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %is = onnx.Cast %one : (tensor<?x3xi64>) -> tensor<?x3xi1>
  %rest = onnx.Where %is, %inf, %l : (tensor<?x3xi1>, tensor<f32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %next = onnx.ArgMax %rest {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %other = onnx.OneHot %next, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %m = onnx.Add %one, %other : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %mf = onnx.Cast %m : (tensor<?x3xi64>) -> tensor<?x3xf32>
  %w = onnx.Mul %p, %mf : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %xm = onnx.Einsum %x, %mf {equation = "bm,be->ebm"} : (tensor<?x32xf32>, tensor<?x3xf32>) -> tensor<3x?x32xf32>
  %full = onnx.Shape %xm {start = 0 : i64, end = 3 : i64} : (tensor<3x?x32xf32>) -> tensor<3xi64>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl0 = onnx.Gather %xm, %e0 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x0 = onnx.GatherND %sl0, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc0 = onnx.Gather %w, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr0 = onnx.GatherND %pc0, %at0 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu0 = onnx.Unsqueeze %pr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %pu0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n0 = onnx.Shape %at0 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num0 = onnx.Expand %e0, %n0 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple0 = onnx.Concat %num0, %at0 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s0 = onnx.ScatterND %xm, %tuple0, %z0 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl1 = onnx.Gather %s0, %e1 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x1 = onnx.GatherND %sl1, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc1 = onnx.Gather %w, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr1 = onnx.GatherND %pc1, %at1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu1 = onnx.Unsqueeze %pr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %pu1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n1 = onnx.Shape %at1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num1 = onnx.Expand %e1, %n1 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple1 = onnx.Concat %num1, %at1 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s1 = onnx.ScatterND %s0, %tuple1, %z1 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl2 = onnx.Gather %s1, %e2 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x2 = onnx.GatherND %sl2, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc2 = onnx.Gather %w, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr2 = onnx.GatherND %pc2, %at2 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu2 = onnx.Unsqueeze %pr2 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z2 = onnx.Mul %pu2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n2 = onnx.Shape %at2 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num2 = onnx.Expand %e2, %n2 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple2 = onnx.Concat %num2, %at2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s2 = onnx.ScatterND %s1, %tuple2, %z2 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %s2 {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// What no expert writes is no zero.
// WHY: remark: this looks like a mixture of experts, but rows that no expert writes are not proven to be zeros
// CHECK-LABEL: func.func @ones
// CHECK-NOT: moe.
// CHECK: return
func.func @ones(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %is = onnx.Cast %one : (tensor<?x3xi64>) -> tensor<?x3xi1>
  %rest = onnx.Where %is, %inf, %l : (tensor<?x3xi1>, tensor<f32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %next = onnx.ArgMax %rest {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %other = onnx.OneHot %next, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %m = onnx.Add %one, %other : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %mf = onnx.Cast %m : (tensor<?x3xi64>) -> tensor<?x3xf32>
  %w = onnx.Mul %p, %mf : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %xm = onnx.Einsum %x, %mf {equation = "bm,be->ebm"} : (tensor<?x32xf32>, tensor<?x3xf32>) -> tensor<3x?x32xf32>
  %full = onnx.Shape %xm {start = 0 : i64, end = 3 : i64} : (tensor<3x?x32xf32>) -> tensor<3xi64>
  %base = onnx.ConstantOfShape %full {value = dense<1.0> : tensor<1xf32>} : (tensor<3xi64>) -> tensor<3x?x32xf32>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl0 = onnx.Gather %xm, %e0 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x0 = onnx.GatherND %sl0, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc0 = onnx.Gather %w, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr0 = onnx.GatherND %pc0, %at0 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu0 = onnx.Unsqueeze %pr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %pu0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n0 = onnx.Shape %at0 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num0 = onnx.Expand %e0, %n0 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple0 = onnx.Concat %num0, %at0 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s0 = onnx.ScatterND %base, %tuple0, %z0 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl1 = onnx.Gather %xm, %e1 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x1 = onnx.GatherND %sl1, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc1 = onnx.Gather %w, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr1 = onnx.GatherND %pc1, %at1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu1 = onnx.Unsqueeze %pr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %pu1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n1 = onnx.Shape %at1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num1 = onnx.Expand %e1, %n1 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple1 = onnx.Concat %num1, %at1 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s1 = onnx.ScatterND %s0, %tuple1, %z1 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl2 = onnx.Gather %xm, %e2 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x2 = onnx.GatherND %sl2, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc2 = onnx.Gather %w, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr2 = onnx.GatherND %pc2, %at2 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu2 = onnx.Unsqueeze %pr2 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z2 = onnx.Mul %pu2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n2 = onnx.Shape %at2 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num2 = onnx.Expand %e2, %n2 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple2 = onnx.Concat %num2, %at2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s2 = onnx.ScatterND %s1, %tuple2, %z2 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %s2 {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Weights of the next expert's column belong to a token's other expert: they are weights all the same.
// CHECK-LABEL: func.func @other_weights
// CHECK: %[[C:.*]] = onnx.Concat {{.*}} -> tensor<?x3xf32>
// CHECK: onnx.GatherElements %[[C]]
// CHECK: moe.experts
func.func @other_weights(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %best = onnx.ArgMax %p {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %three = onnx.Constant dense<3> : tensor<i64>
  %offon = onnx.Constant dense<[0, 1]> : tensor<2xi64>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %one = onnx.OneHot %best, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %is = onnx.Cast %one : (tensor<?x3xi64>) -> tensor<?x3xi1>
  %rest = onnx.Where %is, %inf, %l : (tensor<?x3xi1>, tensor<f32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %next = onnx.ArgMax %rest {axis = 1 : i64, keepdims = false} : (tensor<?x3xf32>) -> tensor<?xi64>
  %other = onnx.OneHot %next, %three, %offon {axis = 1 : i64} : (tensor<?xi64>, tensor<i64>, tensor<2xi64>) -> tensor<?x3xi64>
  %m = onnx.Add %one, %other : (tensor<?x3xi64>, tensor<?x3xi64>) -> tensor<?x3xi64>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %e2 = onnx.Constant dense<2> : tensor<i64>
  %mf = onnx.Cast %m : (tensor<?x3xi64>) -> tensor<?x3xf32>
  %w = onnx.Mul %p, %mf : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %xm = onnx.Einsum %x, %mf {equation = "bm,be->ebm"} : (tensor<?x32xf32>, tensor<?x3xf32>) -> tensor<3x?x32xf32>
  %full = onnx.Shape %xm {start = 0 : i64, end = 3 : i64} : (tensor<3x?x32xf32>) -> tensor<3xi64>
  %base = onnx.ConstantOfShape %full {value = dense<0.0> : tensor<1xf32>} : (tensor<3xi64>) -> tensor<3x?x32xf32>
  %c0 = onnx.Gather %m, %e0 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %c0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Transpose %nz0 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl0 = onnx.Gather %xm, %e0 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x0 = onnx.GatherND %sl0, %at0 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc0 = onnx.Gather %w, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr0 = onnx.GatherND %pc0, %at0 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu0 = onnx.Unsqueeze %pr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %pu0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n0 = onnx.Shape %at0 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num0 = onnx.Expand %e0, %n0 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple0 = onnx.Concat %num0, %at0 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s0 = onnx.ScatterND %base, %tuple0, %z0 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c1 = onnx.Gather %m, %e1 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %c1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Transpose %nz1 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl1 = onnx.Gather %xm, %e1 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x1 = onnx.GatherND %sl1, %at1 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc1 = onnx.Gather %w, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr1 = onnx.GatherND %pc1, %at1 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu1 = onnx.Unsqueeze %pr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %pu1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n1 = onnx.Shape %at1 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num1 = onnx.Expand %e1, %n1 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple1 = onnx.Concat %num1, %at1 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s1 = onnx.ScatterND %s0, %tuple1, %z1 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %c2 = onnx.Gather %m, %e2 {axis = 1 : i64} : (tensor<?x3xi64>, tensor<i64>) -> tensor<?xi64>
  %nz2 = onnx.NonZero %c2 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at2 = onnx.Transpose %nz2 {perm = array<i64: 1, 0>} : (tensor<1x?xi64>) -> tensor<?x1xi64>
  %sl2 = onnx.Gather %xm, %e2 {axis = 0 : i64} : (tensor<3x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  %x2 = onnx.GatherND %sl2, %at2 {batch_dims = 0 : i64} : (tensor<?x32xf32>, tensor<?x1xi64>) -> tensor<?x32xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x2, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %pc2 = onnx.Gather %w, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<i64>) -> tensor<?xf32>
  %pr2 = onnx.GatherND %pc2, %at2 {batch_dims = 0 : i64} : (tensor<?xf32>, tensor<?x1xi64>) -> tensor<?xf32>
  %pu2 = onnx.Unsqueeze %pr2 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z2 = onnx.Mul %pu2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %n2 = onnx.Shape %at2 {start = 0 : i64, end = 2 : i64} : (tensor<?x1xi64>) -> tensor<2xi64>
  %num2 = onnx.Expand %e2, %n2 : (tensor<i64>, tensor<2xi64>) -> tensor<?x1xi64>
  %tuple2 = onnx.Concat %num2, %at2 {axis = 1 : i64} : (tensor<?x1xi64>, tensor<?x1xi64>) -> tensor<?x2xi64>
  %s2 = onnx.ScatterND %s1, %tuple2, %z2 : (tensor<3x?x32xf32>, tensor<?x2xi64>, tensor<?x32xf32>) -> tensor<3x?x32xf32>
  %r = onnx.ReduceSum %s2 {axes = array<i64: 0>, keepdims = false} : (tensor<3x?x32xf32>) -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}
