// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize | FileCheck %s

// Loops over experts that a script wrote: rows are added by a matrix of zeros and ones, where there are rows.

weight.source @in0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @in1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @out0 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @out1 : tensor<24x32xf32> in "model.onnx" at 0

// CHECK-LABEL: func.func @scripted
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 1 : i64, score = #moe<score softmax>}
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]]
// CHECK-NOT: onnx.NonZero
// CHECK-NOT: onnx.Where
// CHECK: return %[[Y]]
func.func @scripted(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x2xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %two = onnx.Constant dense<2> : tensor<i64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %tokens = onnx.Shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x32xf32>) -> tensor<1xi64>
  %s = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x32xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any0 = onnx.ReduceSum %n0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %any0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Squeeze %nz0 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count0 = onnx.Shape %at0 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c0 = onnx.Squeeze %count0 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has0 = onnx.Greater %c0, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf0 = onnx.Mul %w, %f0 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws0 = onnx.ReduceSum %wf0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x0 = onnx.Gather %x, %at0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr0 = onnx.Gather %ws0, %at0 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu0 = onnx.Unsqueeze %wr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %y0, %wu0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square0 = onnx.Concat %tokens, %count0 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros0 = onnx.ConstantOfShape %square0 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place0 = onnx.Unsqueeze %at0 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps0 = onnx.Shape %place0 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones0 = onnx.Expand %one, %ps0 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m0 = onnx.ScatterElements %zeros0, %place0, %ones0 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d0 = onnx.MatMul %m0, %z0 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer0 = onnx.Add %s, %d0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r0 = onnx.Where %has0, %longer0, %s : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any1 = onnx.ReduceSum %n1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %any1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Squeeze %nz1 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count1 = onnx.Shape %at1 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c1 = onnx.Squeeze %count1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has1 = onnx.Greater %c1, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf1 = onnx.Mul %w, %f1 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws1 = onnx.ReduceSum %wf1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x1 = onnx.Gather %x, %at1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr1 = onnx.Gather %ws1, %at1 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu1 = onnx.Unsqueeze %wr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %y1, %wu1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square1 = onnx.Concat %tokens, %count1 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros1 = onnx.ConstantOfShape %square1 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place1 = onnx.Unsqueeze %at1 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps1 = onnx.Shape %place1 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones1 = onnx.Expand %one, %ps1 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m1 = onnx.ScatterElements %zeros1, %place1, %ones1 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d1 = onnx.MatMul %m1, %z1 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer1 = onnx.Add %r0, %d1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r1 = onnx.Where %has1, %longer1, %r0 : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %r1 : tensor<?x32xf32>
}

// Rows are added where there are more than two of them: what one or two tokens chose is nothing.
// CHECK-LABEL: func.func @more_than_two
// CHECK-NOT: moe.
// CHECK: return
func.func @more_than_two(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x2xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %two = onnx.Constant dense<2> : tensor<i64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %tokens = onnx.Shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x32xf32>) -> tensor<1xi64>
  %s = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x32xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any0 = onnx.ReduceSum %n0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %any0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Squeeze %nz0 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count0 = onnx.Shape %at0 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c0 = onnx.Squeeze %count0 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has0 = onnx.Greater %c0, %two : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf0 = onnx.Mul %w, %f0 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws0 = onnx.ReduceSum %wf0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x0 = onnx.Gather %x, %at0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr0 = onnx.Gather %ws0, %at0 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu0 = onnx.Unsqueeze %wr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %y0, %wu0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square0 = onnx.Concat %tokens, %count0 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros0 = onnx.ConstantOfShape %square0 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place0 = onnx.Unsqueeze %at0 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps0 = onnx.Shape %place0 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones0 = onnx.Expand %one, %ps0 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m0 = onnx.ScatterElements %zeros0, %place0, %ones0 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d0 = onnx.MatMul %m0, %z0 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer0 = onnx.Add %s, %d0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r0 = onnx.Where %has0, %longer0, %s : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any1 = onnx.ReduceSum %n1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %any1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Squeeze %nz1 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count1 = onnx.Shape %at1 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c1 = onnx.Squeeze %count1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has1 = onnx.Greater %c1, %two : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf1 = onnx.Mul %w, %f1 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws1 = onnx.ReduceSum %wf1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x1 = onnx.Gather %x, %at1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr1 = onnx.Gather %ws1, %at1 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu1 = onnx.Unsqueeze %wr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %y1, %wu1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square1 = onnx.Concat %tokens, %count1 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros1 = onnx.ConstantOfShape %square1 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place1 = onnx.Unsqueeze %at1 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps1 = onnx.Shape %place1 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones1 = onnx.Expand %one, %ps1 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m1 = onnx.ScatterElements %zeros1, %place1, %ones1 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d1 = onnx.MatMul %m1, %z1 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer1 = onnx.Add %r0, %d1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r1 = onnx.Where %has1, %longer1, %r0 : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %r1 : tensor<?x32xf32>
}

// The second expert's rows are added where the first has some.
// CHECK-LABEL: func.func @other_count
// CHECK: onnx.Where
// CHECK: return
func.func @other_count(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x2xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %two = onnx.Constant dense<2> : tensor<i64>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %tokens = onnx.Shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x32xf32>) -> tensor<1xi64>
  %s = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x32xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any0 = onnx.ReduceSum %n0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %any0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Squeeze %nz0 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count0 = onnx.Shape %at0 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c0 = onnx.Squeeze %count0 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has0 = onnx.Greater %c0, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf0 = onnx.Mul %w, %f0 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws0 = onnx.ReduceSum %wf0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x0 = onnx.Gather %x, %at0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr0 = onnx.Gather %ws0, %at0 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu0 = onnx.Unsqueeze %wr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %y0, %wu0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square0 = onnx.Concat %tokens, %count0 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros0 = onnx.ConstantOfShape %square0 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place0 = onnx.Unsqueeze %at0 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps0 = onnx.Shape %place0 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones0 = onnx.Expand %one, %ps0 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m0 = onnx.ScatterElements %zeros0, %place0, %ones0 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d0 = onnx.MatMul %m0, %z0 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer0 = onnx.Add %s, %d0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r0 = onnx.Where %has0, %longer0, %s : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any1 = onnx.ReduceSum %n1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %any1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Squeeze %nz1 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count1 = onnx.Shape %at1 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c1 = onnx.Squeeze %count1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has1 = onnx.Greater %c0, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf1 = onnx.Mul %w, %f1 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws1 = onnx.ReduceSum %wf1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x1 = onnx.Gather %x, %at1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr1 = onnx.Gather %ws1, %at1 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu1 = onnx.Unsqueeze %wr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %y1, %wu1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square1 = onnx.Concat %tokens, %count1 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros1 = onnx.ConstantOfShape %square1 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place1 = onnx.Unsqueeze %at1 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps1 = onnx.Shape %place1 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones1 = onnx.Expand %one, %ps1 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m1 = onnx.ScatterElements %zeros1, %place1, %ones1 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d1 = onnx.MatMul %m1, %z1 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer1 = onnx.Add %r0, %d1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r1 = onnx.Where %has1, %longer1, %r0 : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %r1 : tensor<?x32xf32>
}

// The matrix has twos.
// CHECK-LABEL: func.func @twos
// CHECK-NOT: moe.
// CHECK: return
func.func @twos(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x2xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<1> : tensor<1xi64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %two = onnx.Constant dense<2> : tensor<i64>
  %one = onnx.Constant dense<2.0> : tensor<f32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x2xf32>, tensor<1xi64>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
  %size = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x32xf32>) -> tensor<2xi64>
  %tokens = onnx.Shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x32xf32>) -> tensor<1xi64>
  %s = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x32xf32>
  %e0 = onnx.Constant dense<0> : tensor<i64>
  %is0 = onnx.Equal %i, %e0 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any0 = onnx.ReduceSum %n0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz0 = onnx.NonZero %any0 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at0 = onnx.Squeeze %nz0 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count0 = onnx.Shape %at0 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c0 = onnx.Squeeze %count0 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has0 = onnx.Greater %c0, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f0 = onnx.Cast %is0 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf0 = onnx.Mul %w, %f0 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws0 = onnx.ReduceSum %wf0 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x0 = onnx.Gather %x, %at0 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x0, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr0 = onnx.Gather %ws0, %at0 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu0 = onnx.Unsqueeze %wr0 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z0 = onnx.Mul %y0, %wu0 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square0 = onnx.Concat %tokens, %count0 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros0 = onnx.ConstantOfShape %square0 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place0 = onnx.Unsqueeze %at0 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps0 = onnx.Shape %place0 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones0 = onnx.Expand %one, %ps0 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m0 = onnx.ScatterElements %zeros0, %place0, %ones0 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d0 = onnx.MatMul %m0, %z0 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer0 = onnx.Add %s, %d0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r0 = onnx.Where %has0, %longer0, %s : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<i64>
  %is1 = onnx.Equal %i, %e1 : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi1>
  %n1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xi64>
  %any1 = onnx.ReduceSum %n1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xi64>) -> tensor<?xi64>
  %nz1 = onnx.NonZero %any1 : (tensor<?xi64>) -> tensor<1x?xi64>
  %at1 = onnx.Squeeze %nz1 {axes = array<i64: 0>} : (tensor<1x?xi64>) -> tensor<?xi64>
  %count1 = onnx.Shape %at1 {start = 0 : i64, end = 1 : i64} : (tensor<?xi64>) -> tensor<1xi64>
  %c1 = onnx.Squeeze %count1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %has1 = onnx.Greater %c1, %zero : (tensor<i64>, tensor<i64>) -> tensor<i1>
  %f1 = onnx.Cast %is1 : (tensor<?x1xi1>) -> tensor<?x1xf32>
  %wf1 = onnx.Mul %w, %f1 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
  %ws1 = onnx.ReduceSum %wf1 {axes = array<i64: 1>, keepdims = false} : (tensor<?x1xf32>) -> tensor<?xf32>
  %x1 = onnx.Gather %x, %at1 {axis = 0 : i64} : (tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x1, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %wr1 = onnx.Gather %ws1, %at1 {axis = 0 : i64} : (tensor<?xf32>, tensor<?xi64>) -> tensor<?xf32>
  %wu1 = onnx.Unsqueeze %wr1 {axes = array<i64: 1>} : (tensor<?xf32>) -> tensor<?x1xf32>
  %z1 = onnx.Mul %y1, %wu1 : (tensor<?x32xf32>, tensor<?x1xf32>) -> tensor<?x32xf32>
  %square1 = onnx.Concat %tokens, %count1 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %zeros1 = onnx.ConstantOfShape %square1 {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  %place1 = onnx.Unsqueeze %at1 {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
  %ps1 = onnx.Shape %place1 {start = 0 : i64, end = 2 : i64} : (tensor<1x?xi64>) -> tensor<2xi64>
  %ones1 = onnx.Expand %one, %ps1 : (tensor<f32>, tensor<2xi64>) -> tensor<1x?xf32>
  %m1 = onnx.ScatterElements %zeros1, %place1, %ones1 {axis = 0 : i64} : (tensor<?x?xf32>, tensor<1x?xi64>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %d1 = onnx.MatMul %m1, %z1 : (tensor<?x?xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %longer1 = onnx.Add %r0, %d1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %r1 = onnx.Where %has1, %longer1, %r0 : (tensor<i1>, tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %r1 : tensor<?x32xf32>
}
