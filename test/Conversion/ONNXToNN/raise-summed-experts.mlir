// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --canonicalize 2>%t.err | FileCheck %s
// RUN: FileCheck %s --check-prefix=WHY --input-file=%t.err

// Experts that an Einsum adds up, and those of layers of their own times columns of a matrix.

weight.source @in : tensor<3x32x24xf32> in "model.onnx" at 0
weight.source @out : tensor<3x24x32xf32> in "model.onnx" at 0
weight.source @in0 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @in1 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @in2 : tensor<32x24xf32> in "model.onnx" at 0
weight.source @out0 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @out1 : tensor<24x32xf32> in "model.onnx" at 0
weight.source @out2 : tensor<24x32xf32> in "model.onnx" at 0

// Every expert for every token, by the shares of a softmax.
// CHECK-LABEL: func.func @soft
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 3 : i64, score = #moe<score softmax>}
// CHECK: %[[Y:.*]] = moe.experts %arg0 to %[[I]] weighted %[[W]]
// CHECK-NOT: onnx.Einsum
// CHECK: return %[[Y]]
func.func @soft(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x?x3xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x?x32xf32> {
  %r = onnx.Softmax %l {axis = 2 : i64} : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %in = weight.load @in : tensor<3x32x24xf32>
  %out = weight.load @out : tensor<3x24x32xf32>
  %a = onnx.Einsum %x, %in {equation = "bsd,edf->ebsf"} : (tensor<?x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x?x24xf32>
  %h = onnx.Relu %a : (tensor<3x?x?x24xf32>) -> tensor<3x?x?x24xf32>
  %y = onnx.Einsum %h, %out, %r {equation = "ebsf,efd,bse->bsd"} : (tensor<3x?x?x24xf32>, tensor<3x24x32xf32>, tensor<?x?x3xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// Two experts for each token: zeros were left for the others.
// CHECK-LABEL: func.func @chosen
// CHECK: moe.route %arg1 {k = 2 : i64, score = #moe<score softmax>}
// CHECK: moe.experts %arg0
// CHECK-NOT: onnx.Einsum
// CHECK: return
func.func @chosen(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x?x3xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %size = onnx.Shape %l {start = 0 : i64, end = 3 : i64} : (tensor<?x?x3xf32>) -> tensor<3xi64>
  %rest = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<3xi64>) -> tensor<?x?x3xf32>
  %p = onnx.Softmax %l {axis = 2 : i64} : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 2 : i64} : (tensor<?x?x3xf32>, tensor<1xi64>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi64>)
  %r = onnx.ScatterElements %rest, %i, %w {axis = 2 : i64} : (tensor<?x?x3xf32>, tensor<?x?x2xi64>, tensor<?x?x2xf32>) -> tensor<?x?x3xf32>
  %in = weight.load @in : tensor<3x32x24xf32>
  %out = weight.load @out : tensor<3x24x32xf32>
  %a = onnx.Einsum %x, %in {equation = "bsd,edf->ebsf"} : (tensor<?x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x?x24xf32>
  %h = onnx.Relu %a : (tensor<3x?x?x24xf32>) -> tensor<3x?x?x24xf32>
  %y = onnx.Einsum %h, %out, %r {equation = "ebsf,efd,bse->bsd"} : (tensor<3x?x?x24xf32>, tensor<3x24x32xf32>, tensor<?x?x3xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// The others have small shares, not zeros.
// WHY: remark: this looks like a mixture of experts, but nothing makes the experts that a token did not choose zero
// CHECK-LABEL: func.func @small
// CHECK-NOT: moe.
// CHECK: return
func.func @small(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x?x3xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %size = onnx.Shape %l {start = 0 : i64, end = 3 : i64} : (tensor<?x?x3xf32>) -> tensor<3xi64>
  %rest = onnx.ConstantOfShape %size {value = dense<1.0e-6> : tensor<1xf32>} : (tensor<3xi64>) -> tensor<?x?x3xf32>
  %p = onnx.Softmax %l {axis = 2 : i64} : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 2 : i64} : (tensor<?x?x3xf32>, tensor<1xi64>) -> (tensor<?x?x2xf32>, tensor<?x?x2xi64>)
  %r = onnx.ScatterElements %rest, %i, %w {axis = 2 : i64} : (tensor<?x?x3xf32>, tensor<?x?x2xi64>, tensor<?x?x2xf32>) -> tensor<?x?x3xf32>
  %in = weight.load @in : tensor<3x32x24xf32>
  %out = weight.load @out : tensor<3x24x32xf32>
  %a = onnx.Einsum %x, %in {equation = "bsd,edf->ebsf"} : (tensor<?x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x?x24xf32>
  %h = onnx.Relu %a : (tensor<3x?x?x24xf32>) -> tensor<3x?x?x24xf32>
  %y = onnx.Einsum %h, %out, %r {equation = "ebsf,efd,bse->bsd"} : (tensor<3x?x?x24xf32>, tensor<3x24x32xf32>, tensor<?x?x3xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// Shares among tokens are no router's.
// WHY: remark: this looks like a mixture of experts, but nothing makes the experts that a token did not choose zero
// CHECK-LABEL: func.func @among_tokens
// CHECK-NOT: moe.
// CHECK: return
func.func @among_tokens(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x?x3xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x?x32xf32> {
  %r = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %in = weight.load @in : tensor<3x32x24xf32>
  %out = weight.load @out : tensor<3x24x32xf32>
  %a = onnx.Einsum %x, %in {equation = "bsd,edf->ebsf"} : (tensor<?x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x?x24xf32>
  %h = onnx.Relu %a : (tensor<3x?x?x24xf32>) -> tensor<3x?x?x24xf32>
  %y = onnx.Einsum %h, %out, %r {equation = "ebsf,efd,bse->bsd"} : (tensor<3x?x?x24xf32>, tensor<3x24x32xf32>, tensor<?x?x3xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// The hidden rows are another token's: b and s are exchanged.
// CHECK-LABEL: func.func @exchanged
// CHECK-NOT: moe.
// CHECK: return
func.func @exchanged(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %l: tensor<?x?x3xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x?x32xf32> {
  %r = onnx.Softmax %l {axis = 2 : i64} : (tensor<?x?x3xf32>) -> tensor<?x?x3xf32>
  %in = weight.load @in : tensor<3x32x24xf32>
  %out = weight.load @out : tensor<3x24x32xf32>
  %a = onnx.Einsum %x, %in {equation = "bsd,edf->esbf"} : (tensor<?x?x32xf32>, tensor<3x32x24xf32>) -> tensor<3x?x?x24xf32>
  %h = onnx.Relu %a : (tensor<3x?x?x24xf32>) -> tensor<3x?x?x24xf32>
  %y = onnx.Einsum %h, %out, %r {equation = "ebsf,efd,bse->bsd"} : (tensor<3x?x?x24xf32>, tensor<3x24x32xf32>, tensor<?x?x3xf32>) -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// CHECK-LABEL: func.func @columns
// CHECK: moe.route %arg1 {k = 2 : i64, score = #moe<score softmax>}
// CHECK: %[[Y:.*]] = moe.experts %arg0
// CHECK-NOT: nn.linear
// CHECK: return %[[Y]]
func.func @columns(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %rest = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x3xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %r = onnx.ScatterElements %rest, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %e0 = onnx.Constant dense<0> : tensor<1xi64>
  %c0 = onnx.Gather %r, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z0 = onnx.Mul %c0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<1xi64>
  %c1 = onnx.Gather %r, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z1 = onnx.Mul %c1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<2> : tensor<1xi64>
  %c2 = onnx.Gather %r, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z2 = onnx.Mul %c2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s = onnx.Add %z0, %z1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %t = onnx.Add %s, %z2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %t : tensor<?x32xf32>
}

// All of them: three layers that are products already.
// CHECK-LABEL: func.func @all_columns
// CHECK-NOT: moe.
// CHECK-COUNT-6: nn.linear
// CHECK: return
func.func @all_columns(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %r = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %e0 = onnx.Constant dense<0> : tensor<1xi64>
  %c0 = onnx.Gather %r, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z0 = onnx.Mul %c0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<1xi64>
  %c1 = onnx.Gather %r, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z1 = onnx.Mul %c1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<2> : tensor<1xi64>
  %c2 = onnx.Gather %r, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z2 = onnx.Mul %c2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s = onnx.Add %z0, %z1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %t = onnx.Add %s, %z2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %t : tensor<?x32xf32>
}

// WHY: remark: this looks like a mixture of experts, but an expert is there twice
// CHECK-LABEL: func.func @column_twice
// CHECK-NOT: moe.
// CHECK: return
func.func @column_twice(%x: tensor<?x32xf32> {onnx.dims = ["t", ""]}, %l: tensor<?x3xf32> {onnx.dims = ["t", ""]}) -> tensor<?x32xf32> {
  %k = onnx.Constant dense<2> : tensor<1xi64>
  %size = onnx.Shape %l {start = 0 : i64, end = 2 : i64} : (tensor<?x3xf32>) -> tensor<2xi64>
  %rest = onnx.ConstantOfShape %size {value = dense<0.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x3xf32>
  %p = onnx.Softmax %l {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w, %i = onnx.TopK %p, %k {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %r = onnx.ScatterElements %rest, %i, %w {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x3xf32>
  %e0 = onnx.Constant dense<0> : tensor<1xi64>
  %c0 = onnx.Gather %r, %e0 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi0 = weight.load @in0 : tensor<32x24xf32>
  %wo0 = weight.load @out0 : tensor<24x32xf32>
  %a0 = onnx.MatMul %x, %wi0 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h0 = onnx.Relu %a0 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y0 = onnx.MatMul %h0, %wo0 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z0 = onnx.Mul %c0, %y0 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e1 = onnx.Constant dense<1> : tensor<1xi64>
  %c1 = onnx.Gather %r, %e1 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi1 = weight.load @in1 : tensor<32x24xf32>
  %wo1 = weight.load @out1 : tensor<24x32xf32>
  %a1 = onnx.MatMul %x, %wi1 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h1 = onnx.Relu %a1 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y1 = onnx.MatMul %h1, %wo1 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z1 = onnx.Mul %c1, %y1 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %e2 = onnx.Constant dense<0> : tensor<1xi64>
  %c2 = onnx.Gather %r, %e2 {axis = 1 : i64} : (tensor<?x3xf32>, tensor<1xi64>) -> tensor<?x1xf32>
  %wi2 = weight.load @in2 : tensor<32x24xf32>
  %wo2 = weight.load @out2 : tensor<24x32xf32>
  %a2 = onnx.MatMul %x, %wi2 : (tensor<?x32xf32>, tensor<32x24xf32>) -> tensor<?x24xf32>
  %h2 = onnx.Relu %a2 : (tensor<?x24xf32>) -> tensor<?x24xf32>
  %y2 = onnx.MatMul %h2, %wo2 : (tensor<?x24xf32>, tensor<24x32xf32>) -> tensor<?x32xf32>
  %z2 = onnx.Mul %c2, %y2 : (tensor<?x1xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s = onnx.Add %z0, %z1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %t = onnx.Add %s, %z2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %t : tensor<?x32xf32>
}
