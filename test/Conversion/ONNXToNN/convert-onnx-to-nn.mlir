// RUN: tamis-opt %s --convert-onnx-to-nn --split-input-file | FileCheck %s
// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --split-input-file --verify-diagnostics -o /dev/null

// Shapes as the TorchScript exporter computes them, the mask as 1 - mask times the lowest float: columns of x, no
// data movement, and a mask that is proven for 0 and 1 only.

// CHECK-LABEL: func.func @attention
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x32xf32>
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<?x?xi64> {{.*}}tamis.binary_mask
func.func @attention(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"]})
    -> tensor<?x?x?xf32> {
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %root = onnx.Constant dense<2.0> : tensor<f32>
  %heads = onnx.Constant dense<4> : tensor<1xi64>
  %rest = onnx.Constant dense<-1> : tensor<1xi64>
  %m1 = onnx.Unsqueeze %mask {axes = array<i64: 1, 2>} : (tensor<?x?xi64>) -> tensor<?x1x1x?xi64>
  %m2 = onnx.Cast %m1 : (tensor<?x1x1x?xi64>) -> tensor<?x1x1x?xf32>
  %m3 = onnx.Sub %one, %m2 : (tensor<f32>, tensor<?x1x1x?xf32>) -> tensor<?x1x1x?xf32>
  %m4 = onnx.Mul %m3, %lowest : (tensor<?x1x1x?xf32>, tensor<f32>) -> tensor<?x1x1x?xf32>
  %b = onnx.Shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x?x32xf32>) -> tensor<1xi64>
  %s = onnx.Shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x?x32xf32>) -> tensor<1xi64>
  %shape = onnx.Concat %b, %s, %heads, %rest {axis = 0 : i64}
      : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %split = onnx.Reshape %x, %shape : (tensor<?x?x32xf32>, tensor<4xi64>) -> tensor<?x?x4x?xf32>
  %q = onnx.Transpose %split {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x4x?xf32>) -> tensor<?x4x?x?xf32>
  %k = onnx.Transpose %split {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x?x4x?xf32>) -> tensor<?x4x?x?xf32>
  %scores = onnx.MatMul %q, %k : (tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %scaled = onnx.Div %scores, %root : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %masked = onnx.Add %scaled, %m4 : (tensor<?x4x?x?xf32>, tensor<?x1x1x?xf32>) -> tensor<?x4x?x?xf32>
  %p = onnx.Softmax %masked {axis = 3 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = onnx.MatMul %p, %q : (tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %t = onnx.Transpose %y {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x4x?x?xf32>) -> tensor<?x?x4x?xf32>
  %flat = onnx.Concat %b, %s, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xi64>
  %r = onnx.Reshape %t, %flat : (tensor<?x?x4x?xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  // What the mask adds is kept for rows without keys.
  // CHECK: %[[BIAS:.*]] = onnx.Mul {{.*}} -> tensor<?x1x1x?xf32>
  // CHECK-NEXT: %[[Y:.*]] = nn.attention %[[X]], %[[X]], %[[X]] key_mask %[[MASK]] empty_row_bias %[[BIAS]]
  // CHECK-SAME: head_dim = 8 : i64, heads = 4 : i64, kv_heads = 4 : i64, scale = 5.000000e-01 : f32, value_dim = 8 : i64
  // CHECK-NEXT: return %[[Y]] : tensor<?x?x32xf32>
  return %r : tensor<?x?x?xf32>
}

// -----

// A boolean mask gathered by ranges, with a window, where what is masked and NaN is guarded: the dynamo exporter.

// CHECK-LABEL: func.func @window
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<?x?xi64> {onnx.dims = ["b", "s"]}
func.func @window(%q: tensor<?x2x?x8xf32> {onnx.dims = ["b", "", "s", ""]}, %k: tensor<?x2x8x?xf32> {onnx.dims = ["b", "", "", "s"]},
                  %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"]}) -> tensor<?x2x?x8xf32> {
  %zero = onnx.Constant dense<0> : tensor<i64>
  %step = onnx.Constant dense<1> : tensor<i64>
  %reach = onnx.Constant dense<4> : tensor<i64>
  %zerof = onnx.Constant dense<0.0> : tensor<f32>
  %inf = onnx.Constant dense<0xFF800000> : tensor<f32>
  %b1 = onnx.Shape %mask {start = 0 : i64, end = 1 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %b = onnx.Squeeze %b1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %s1 = onnx.Shape %mask {start = 1 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<1xi64>
  %s = onnx.Squeeze %s1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %bs = onnx.Range %zero, %b, %step : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ss = onnx.Range %zero, %s, %step : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ib = onnx.Unsqueeze %bs {axes = array<i64: 1, 2, 3>} : (tensor<?xi64>) -> tensor<?x1x1x1xi64>
  %ik = onnx.Unsqueeze %ss {axes = array<i64: 0, 1, 2>} : (tensor<?xi64>) -> tensor<1x1x1x?xi64>
  %iq = onnx.Unsqueeze %ss {axes = array<i64: 0, 1, 3>} : (tensor<?xi64>) -> tensor<1x1x?x1xi64>
  %both = onnx.Max %ib, %ik : (tensor<?x1x1x1xi64>, tensor<1x1x1x?xi64>) -> tensor<?x1x1x?xi64>
  %shape = onnx.Shape %both {start = 0 : i64, end = 4 : i64} : (tensor<?x1x1x?xi64>) -> tensor<4xi64>
  %eb = onnx.Expand %ib, %shape : (tensor<?x1x1x1xi64>, tensor<4xi64>) -> tensor<?x1x1x?xi64>
  %ek = onnx.Expand %ik, %shape : (tensor<1x1x1x?xi64>, tensor<4xi64>) -> tensor<?x1x1x?xi64>
  %ub = onnx.Unsqueeze %eb {axes = array<i64: 4>} : (tensor<?x1x1x?xi64>) -> tensor<?x1x1x?x1xi64>
  %uk = onnx.Unsqueeze %ek {axes = array<i64: 4>} : (tensor<?x1x1x?xi64>) -> tensor<?x1x1x?x1xi64>
  %at = onnx.Concat %ub, %uk {axis = 4 : i64} : (tensor<?x1x1x?x1xi64>, tensor<?x1x1x?x1xi64>) -> tensor<?x1x1x?x2xi64>
  %bool = onnx.Cast %mask : (tensor<?x?xi64>) -> tensor<?x?xi1>
  %read = onnx.GatherND %bool, %at {batch_dims = 0 : i64} : (tensor<?x?xi1>, tensor<?x1x1x?x2xi64>) -> tensor<?x1x1x?xi1>
  %d = onnx.Sub %iq, %ik : (tensor<1x1x?x1xi64>, tensor<1x1x1x?xi64>) -> tensor<1x1x?x?xi64>
  %abs = onnx.Abs %d : (tensor<1x1x?x?xi64>) -> tensor<1x1x?x?xi64>
  %near = onnx.LessOrEqual %abs, %reach : (tensor<1x1x?x?xi64>, tensor<i64>) -> tensor<1x1x?x?xi1>
  %any = onnx.GreaterOrEqual %iq, %zero : (tensor<1x1x?x1xi64>, tensor<i64>) -> tensor<1x1x?x1xi1>
  %c = onnx.And %near, %any : (tensor<1x1x?x?xi1>, tensor<1x1x?x1xi1>) -> tensor<1x1x?x?xi1>
  %all = onnx.And %c, %read : (tensor<1x1x?x?xi1>, tensor<?x1x1x?xi1>) -> tensor<?x1x?x?xi1>
  %bias = onnx.Where %all, %zerof, %inf : (tensor<?x1x?x?xi1>, tensor<f32>, tensor<f32>) -> tensor<?x1x?x?xf32>
  %scores = onnx.MatMul %q, %k : (tensor<?x2x?x8xf32>, tensor<?x2x8x?xf32>) -> tensor<?x2x?x?xf32>
  %masked = onnx.Add %scores, %bias : (tensor<?x2x?x?xf32>, tensor<?x1x?x?xf32>) -> tensor<?x2x?x?xf32>
  %p = onnx.Softmax %masked {axis = 3 : i64} : (tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  %nan = onnx.IsNaN %p : (tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xi1>
  %safe = onnx.Where %nan, %zerof, %p : (tensor<?x2x?x?xi1>, tensor<f32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  // CHECK: nn.attention {{.*}} key_mask %[[MASK]]
  // CHECK-NOT: {{ }}bias
  // CHECK-SAME: window = 8
  %y = onnx.MatMul %safe, %q : (tensor<?x2x?x?xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
  return %y : tensor<?x2x?x8xf32>
}

// -----

// With sizes that the exporter fixed, the ranges that a mask is gathered by are constants.
// CHECK-LABEL: func.func @constant_indices
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<2x3xi64>
func.func @constant_indices(%q: tensor<2x2x3x8xf32>, %k: tensor<2x2x8x3xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x8xf32> {
  %at = onnx.Constant dense<[[[[[0, 0], [0, 1], [0, 2]]]], [[[[1, 0], [1, 1], [1, 2]]]]]> : tensor<2x1x1x3x2xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %bool = onnx.Cast %mask : (tensor<2x3xi64>) -> tensor<2x3xi1>
  %read = onnx.GatherND %bool, %at {batch_dims = 0 : i64} : (tensor<2x3xi1>, tensor<2x1x1x3x2xi64>) -> tensor<2x1x1x3xi1>
  %bias = onnx.Where %read, %zero, %lowest : (tensor<2x1x1x3xi1>, tensor<f32>, tensor<f32>) -> tensor<2x1x1x3xf32>
  %scores = onnx.MatMul %q, %k : (tensor<2x2x3x8xf32>, tensor<2x2x8x3xf32>) -> tensor<2x2x3x3xf32>
  %masked = onnx.Add %scores, %bias : (tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32>) -> tensor<2x2x3x3xf32>
  %p = onnx.Softmax %masked {axis = 3 : i64} : (tensor<2x2x3x3xf32>) -> tensor<2x2x3x3xf32>
  // CHECK: nn.attention {{.*}} key_mask %[[MASK]]
  // CHECK-NOT: {{ }}bias
  // CHECK: return
  %y = onnx.MatMul %p, %q : (tensor<2x2x3x3xf32>, tensor<2x2x3x8xf32>) -> tensor<2x2x3x8xf32>
  return %y : tensor<2x2x3x8xf32>
}

// -----

// The same with indices in another order: two keys of sequence 1 have each other's mask.
// CHECK-LABEL: func.func @constant_indices_astray
func.func @constant_indices_astray(%q: tensor<2x2x3x8xf32>, %k: tensor<2x2x8x3xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x8xf32> {
  %at = onnx.Constant dense<[[[[[0, 0], [0, 1], [0, 2]]]], [[[[1, 0], [1, 2], [1, 1]]]]]> : tensor<2x1x1x3x2xi64>
  %zero = onnx.Constant dense<0.0> : tensor<f32>
  %lowest = onnx.Constant dense<-3.40282347E+38> : tensor<f32>
  %bool = onnx.Cast %mask : (tensor<2x3xi64>) -> tensor<2x3xi1>
  %read = onnx.GatherND %bool, %at {batch_dims = 0 : i64} : (tensor<2x3xi1>, tensor<2x1x1x3x2xi64>) -> tensor<2x1x1x3xi1>
  %bias = onnx.Where %read, %zero, %lowest : (tensor<2x1x1x3xi1>, tensor<f32>, tensor<f32>) -> tensor<2x1x1x3xf32>
  %scores = onnx.MatMul %q, %k : (tensor<2x2x3x8xf32>, tensor<2x2x8x3xf32>) -> tensor<2x2x3x3xf32>
  %masked = onnx.Add %scores, %bias : (tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32>) -> tensor<2x2x3x3xf32>
  %p = onnx.Softmax %masked {axis = 3 : i64} : (tensor<2x2x3x3xf32>) -> tensor<2x2x3x3xf32>
  // CHECK: nn.attention
  // CHECK-NOT: key_mask
  // CHECK-SAME: bias
  %y = onnx.MatMul %p, %q : (tensor<2x2x3x3xf32>, tensor<2x2x3x8xf32>) -> tensor<2x2x3x8xf32>
  return %y : tensor<2x2x3x8xf32>
}

// -----

// What is not proven stays a bias: -1 excludes nothing.

// CHECK-LABEL: func.func @weak_mask
// CHECK: nn.attention
// CHECK-NOT: key_mask
// CHECK-SAME: bias
func.func @weak_mask(%q: tensor<2x2x4x8xf32>, %k: tensor<2x2x8x4xf32>, %mask: tensor<2x4xf32>) -> tensor<2x2x4x8xf32> {
  %weak = onnx.Constant dense<-1.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %m1 = onnx.Unsqueeze %mask {axes = array<i64: 1, 2>} : (tensor<2x4xf32>) -> tensor<2x1x1x4xf32>
  %m2 = onnx.Sub %one, %m1 : (tensor<f32>, tensor<2x1x1x4xf32>) -> tensor<2x1x1x4xf32>
  %m3 = onnx.Mul %m2, %weak : (tensor<2x1x1x4xf32>, tensor<f32>) -> tensor<2x1x1x4xf32>
  %scores = onnx.MatMul %q, %k : (tensor<2x2x4x8xf32>, tensor<2x2x8x4xf32>) -> tensor<2x2x4x4xf32>
  %masked = onnx.Add %scores, %m3 : (tensor<2x2x4x4xf32>, tensor<2x1x1x4xf32>) -> tensor<2x2x4x4xf32>
  %p = onnx.Softmax %masked {axis = 3 : i64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %y = onnx.MatMul %p, %q : (tensor<2x2x4x4xf32>, tensor<2x2x4x8xf32>) -> tensor<2x2x4x8xf32>
  return %y : tensor<2x2x4x8xf32>
}

// -----

// A softmax whose weights are also an output is no attention, and the pass says so.

// CHECK-LABEL: func.func @weights_escape
// CHECK-NOT: nn.attention
func.func @weights_escape(%q: tensor<2x2x4x8xf32>, %k: tensor<2x2x8x4xf32>) -> (tensor<2x2x4x8xf32>, tensor<2x2x4x4xf32>) {
  %scores = onnx.MatMul %q, %k : (tensor<2x2x4x8xf32>, tensor<2x2x8x4xf32>) -> tensor<2x2x4x4xf32>
  // expected-remark @+1 {{the weights of this softmax are used by more than the product with the values}}
  %p = onnx.Softmax %scores {axis = 3 : i64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  %y = onnx.MatMul %p, %q : (tensor<2x2x4x4xf32>, tensor<2x2x4x8xf32>) -> tensor<2x2x4x8xf32>
  return %y, %p : tensor<2x2x4x8xf32>, tensor<2x2x4x4xf32>
}

// -----

// One product for q, k and v, told apart by slices of a dimension of 3: columns of one value.

// CHECK-LABEL: func.func @fused_qkv
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x4x96xf32>
func.func @fused_qkv(%x: tensor<2x4x96xf32>) -> tensor<2x4x32xf32> {
  %shape = onnx.Constant dense<[2, 4, 3, 4, 8]> : tensor<5xi64>
  %flat = onnx.Constant dense<[2, 4, 32]> : tensor<3xi64>
  %0 = onnx.Constant dense<0> : tensor<1xi64>
  %1 = onnx.Constant dense<1> : tensor<1xi64>
  %2 = onnx.Constant dense<2> : tensor<1xi64>
  %3 = onnx.Constant dense<3> : tensor<1xi64>
  %split = onnx.Reshape %x, %shape : (tensor<2x4x96xf32>, tensor<5xi64>) -> tensor<2x4x3x4x8xf32>
  %q0 = onnx.Slice %split, %0, %1 {axes = array<i64: 2>, steps = array<i64: 1>} : (tensor<2x4x3x4x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x4x1x4x8xf32>
  %k0 = onnx.Slice %split, %1, %2 {axes = array<i64: 2>, steps = array<i64: 1>} : (tensor<2x4x3x4x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x4x1x4x8xf32>
  %v0 = onnx.Slice %split, %2, %3 {axes = array<i64: 2>, steps = array<i64: 1>} : (tensor<2x4x3x4x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x4x1x4x8xf32>
  %q1 = onnx.Squeeze %q0 {axes = array<i64: 2>} : (tensor<2x4x1x4x8xf32>) -> tensor<2x4x4x8xf32>
  %k1 = onnx.Squeeze %k0 {axes = array<i64: 2>} : (tensor<2x4x1x4x8xf32>) -> tensor<2x4x4x8xf32>
  %v1 = onnx.Squeeze %v0 {axes = array<i64: 2>} : (tensor<2x4x1x4x8xf32>) -> tensor<2x4x4x8xf32>
  %q = onnx.Transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32>
  %k = onnx.Transpose %k1 {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x4x4x8xf32>) -> tensor<2x4x8x4xf32>
  %v = onnx.Transpose %v1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32>
  %scores = onnx.MatMul %q, %k : (tensor<2x4x4x8xf32>, tensor<2x4x8x4xf32>) -> tensor<2x4x4x4xf32>
  %p = onnx.Softmax %scores {axis = 3 : i64} : (tensor<2x4x4x4xf32>) -> tensor<2x4x4x4xf32>
  %y = onnx.MatMul %p, %v : (tensor<2x4x4x4xf32>, tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32>
  %t = onnx.Transpose %y {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32>
  %r = onnx.Reshape %t, %flat : (tensor<2x4x4x8xf32>, tensor<3xi64>) -> tensor<2x4x32xf32>
  // CHECK-NEXT: nn.attention %[[X]], %[[X]], %[[X]] {
  // CHECK-SAME: k_column = 32
  // CHECK-SAME: v_column = 64
  // CHECK-NEXT: return
  return %r : tensor<2x4x32xf32>
}

// -----

// Two heads of keys and values for four of queries, repeated by Expand.

// CHECK-LABEL: func.func @grouped
// CHECK: nn.attention %{{.*}}, %[[K:.*]], %[[K]] {
// CHECK-SAME: heads = 4 : i64, kv_heads = 2
func.func @grouped(%x: tensor<2x3x32xf32>, %kv: tensor<2x3x16xf32>) -> tensor<2x4x3x8xf32> {
  %shape = onnx.Constant dense<[2, 3, 4, 8]> : tensor<4xi64>
  %kvshape = onnx.Constant dense<[2, 3, 2, 8]> : tensor<4xi64>
  %more = onnx.Constant dense<[2, 2, 2, 3, 8]> : tensor<5xi64>
  %all = onnx.Constant dense<[2, 4, 3, 8]> : tensor<4xi64>
  %q0 = onnx.Reshape %x, %shape : (tensor<2x3x32xf32>, tensor<4xi64>) -> tensor<2x3x4x8xf32>
  %q = onnx.Transpose %q0 {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x3x4x8xf32>) -> tensor<2x4x3x8xf32>
  %k0 = onnx.Reshape %kv, %kvshape : (tensor<2x3x16xf32>, tensor<4xi64>) -> tensor<2x3x2x8xf32>
  %k1 = onnx.Transpose %k0 {perm = array<i64: 0, 2, 1, 3>} : (tensor<2x3x2x8xf32>) -> tensor<2x2x3x8xf32>
  %k2 = onnx.Unsqueeze %k1 {axes = array<i64: 2>} : (tensor<2x2x3x8xf32>) -> tensor<2x2x1x3x8xf32>
  %k3 = onnx.Expand %k2, %more : (tensor<2x2x1x3x8xf32>, tensor<5xi64>) -> tensor<2x2x2x3x8xf32>
  %k = onnx.Reshape %k3, %all : (tensor<2x2x2x3x8xf32>, tensor<4xi64>) -> tensor<2x4x3x8xf32>
  %kt = onnx.Transpose %k {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x4x3x8xf32>) -> tensor<2x4x8x3xf32>
  %scores = onnx.MatMul %q, %kt : (tensor<2x4x3x8xf32>, tensor<2x4x8x3xf32>) -> tensor<2x4x3x3xf32>
  %p = onnx.Softmax %scores {axis = 3 : i64} : (tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %y = onnx.MatMul %p, %k : (tensor<2x4x3x3xf32>, tensor<2x4x3x8xf32>) -> tensor<2x4x3x8xf32>
  return %y : tensor<2x4x3x8xf32>
}

// -----

// CHECK-LABEL: func.func @layers
weight.source @w : tensor<32x48xf32> in "model.onnx" at 0
weight.source @v : tensor<32xf32> in "model.onnx" at 6144
weight.source @bias : tensor<48xf32> in "model.onnx" at 6272
func.func @layers(%x: tensor<2x4x32xf32>) -> tensor<2x4x48xf32> {
  %w = weight.load @w : tensor<32x48xf32>
  %scale = weight.load @v : tensor<32xf32>
  %bias = weight.load @bias : tensor<48xf32>
  %eps = onnx.Constant dense<1.0e-5> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %root = onnx.Constant dense<1.41421354> : tensor<f32>
  // CHECK: nn.layer_norm
  %mean = onnx.ReduceMean %x {axes = array<i64: 2>, keepdims = true} : (tensor<2x4x32xf32>) -> tensor<2x4x1xf32>
  %d = onnx.Sub %x, %mean : (tensor<2x4x32xf32>, tensor<2x4x1xf32>) -> tensor<2x4x32xf32>
  %sq = onnx.Pow %d, %two : (tensor<2x4x32xf32>, tensor<f32>) -> tensor<2x4x32xf32>
  %var = onnx.ReduceMean %sq {axes = array<i64: 2>, keepdims = true} : (tensor<2x4x32xf32>) -> tensor<2x4x1xf32>
  %eps1 = onnx.Add %var, %eps : (tensor<2x4x1xf32>, tensor<f32>) -> tensor<2x4x1xf32>
  %sd = onnx.Sqrt %eps1 : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %n = onnx.Div %d, %sd : (tensor<2x4x32xf32>, tensor<2x4x1xf32>) -> tensor<2x4x32xf32>
  %s = onnx.Mul %n, %scale : (tensor<2x4x32xf32>, tensor<32xf32>) -> tensor<2x4x32xf32>
  %l = onnx.Add %s, %scale : (tensor<2x4x32xf32>, tensor<32xf32>) -> tensor<2x4x32xf32>
  // CHECK: nn.rms_norm
  %sq2 = onnx.Mul %l, %l : (tensor<2x4x32xf32>, tensor<2x4x32xf32>) -> tensor<2x4x32xf32>
  %ms = onnx.ReduceMean %sq2 {axes = array<i64: 2>, keepdims = true} : (tensor<2x4x32xf32>) -> tensor<2x4x1xf32>
  %eps2 = onnx.Add %eps, %ms : (tensor<f32>, tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %rms = onnx.Sqrt %eps2 : (tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %inv = onnx.Div %one, %rms : (tensor<f32>, tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %r = onnx.Mul %l, %inv : (tensor<2x4x32xf32>, tensor<2x4x1xf32>) -> tensor<2x4x32xf32>
  %r2 = onnx.Mul %scale, %r : (tensor<32xf32>, tensor<2x4x32xf32>) -> tensor<2x4x32xf32>
  // CHECK: nn.linear %{{.*}}, %{{.*}} bias
  %mm = onnx.MatMul %r2, %w : (tensor<2x4x32xf32>, tensor<32x48xf32>) -> tensor<2x4x48xf32>
  %h = onnx.Add %bias, %mm : (tensor<48xf32>, tensor<2x4x48xf32>) -> tensor<2x4x48xf32>
  // CHECK-NEXT: onnx.Gelu
  %g0 = onnx.Div %h, %root : (tensor<2x4x48xf32>, tensor<f32>) -> tensor<2x4x48xf32>
  %g1 = onnx.Erf %g0 : (tensor<2x4x48xf32>) -> tensor<2x4x48xf32>
  %g2 = onnx.Add %g1, %one : (tensor<2x4x48xf32>, tensor<f32>) -> tensor<2x4x48xf32>
  %g3 = onnx.Mul %h, %g2 : (tensor<2x4x48xf32>, tensor<2x4x48xf32>) -> tensor<2x4x48xf32>
  %g4 = onnx.Mul %g3, %half : (tensor<2x4x48xf32>, tensor<f32>) -> tensor<2x4x48xf32>
  // CHECK-NEXT: onnx.Swish
  %sg = onnx.Sigmoid %g4 : (tensor<2x4x48xf32>) -> tensor<2x4x48xf32>
  %sw = onnx.Mul %g4, %sg : (tensor<2x4x48xf32>, tensor<2x4x48xf32>) -> tensor<2x4x48xf32>
  // CHECK-NEXT: return
  return %sw : tensor<2x4x48xf32>
}

// -----

// transformers 3 joins the heads in the product itself; a weight with two dimensions of outputs makes heads.
weight.source @w : tensor<4x8x24xf32> in "model.onnx" at 0
weight.source @v : tensor<24x3x8xf32> in "model.onnx" at 3072
weight.source @bias : tensor<24xf32> in "model.onnx" at 5376
// CHECK-LABEL: func.func @einsum
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<2x?x4x8xf32>
func.func @einsum(%x: tensor<2x?x4x8xf32>) -> tensor<2x?x3x8xf32> {
  %w = weight.load @w : tensor<4x8x24xf32>
  %v = weight.load @v : tensor<24x3x8xf32>
  %bias = weight.load @bias : tensor<24xf32>
  // CHECK-DAG: %[[W:.*]] = weight.reshape %{{.*}} : (tensor<4x8x24xf32>) -> tensor<32x24xf32>
  // CHECK-DAG: %[[ROWS:.*]] = onnx.Reshape %[[X]], %{{.*}} -> tensor<2x?x32xf32>
  // CHECK: %[[Y:.*]] = nn.linear %[[ROWS]], %[[W]] bias
  // CHECK: %[[V:.*]] = weight.reshape %{{.*}} : (tensor<24x3x8xf32>) -> tensor<24x24xf32>
  // CHECK: %[[H:.*]] = nn.linear %[[Y]], %[[V]] :
  // CHECK: onnx.Reshape %[[H]], %{{.*}} -> tensor<2x?x3x8xf32>
  %0 = onnx.Einsum %x, %w {equation = "bfnd,ndh->bfh"} : (tensor<2x?x4x8xf32>, tensor<4x8x24xf32>) -> tensor<2x?x24xf32>
  %1 = onnx.Add %0, %bias : (tensor<2x?x24xf32>, tensor<24xf32>) -> tensor<2x?x24xf32>
  %2 = onnx.Einsum %1, %v {equation = "bsk,kij->bsij"} : (tensor<2x?x24xf32>, tensor<24x3x8xf32>) -> tensor<2x?x3x8xf32>
  return %2 : tensor<2x?x3x8xf32>
}

// -----

// The letters of the weight are in another order.
weight.source @w : tensor<8x4x24xf32> in "model.onnx" at 0
// CHECK-LABEL: func.func @einsum_crossed
func.func @einsum_crossed(%x: tensor<2x3x4x8xf32>) -> tensor<2x3x24xf32> {
  %w = weight.load @w : tensor<8x4x24xf32>
  // CHECK: onnx.Einsum
  %0 = onnx.Einsum %x, %w {equation = "bfnd,dnh->bfh"} : (tensor<2x3x4x8xf32>, tensor<8x4x24xf32>) -> tensor<2x3x24xf32>
  return %0 : tensor<2x3x24xf32>
}

// -----

// CHECK-LABEL: func.func @gelu_tanh
// CHECK-NEXT: onnx.Gelu %{{.*}} {tanh = true}
// CHECK-NEXT: return
func.func @gelu_tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %three = onnx.Constant dense<3.0> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %a = onnx.Constant dense<0.0447149985> : tensor<f32>
  %b = onnx.Constant dense<0.797884583> : tensor<f32>
  %0 = onnx.Mul %x, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = onnx.Pow %x, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = onnx.Mul %1, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = onnx.Add %x, %2 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %4 = onnx.Mul %3, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = onnx.Tanh %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = onnx.Add %5, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %7 = onnx.Mul %0, %6 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %7 : tensor<4xf32>
}

// -----

// Another factor than 1 / sqrt 2 is no GELU.

// CHECK-LABEL: func.func @no_gelu
// CHECK-NOT: onnx.Gelu
func.func @no_gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = onnx.Constant dense<0.5> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %0 = onnx.Erf %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = onnx.Add %0, %one : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = onnx.Mul %x, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = onnx.Mul %2, %half : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

weight.source @words : tensor<120x32xf32> in "model.onnx" at 0
weight.source @places : tensor<64x32xf32> in "model.onnx" at 15360
// CHECK-LABEL: func.func @embed_and_pool
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi64>
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<?x?xi64>
func.func @embed_and_pool(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                          %at: tensor<1x?xi64> {onnx.dims = ["", "s"]}) -> tensor<?x32xf32> {
  %words = weight.load @words : tensor<120x32xf32>
  %places = weight.load @places : tensor<64x32xf32>
  %eps = onnx.Constant dense<1.0e-9> : tensor<f32>
  %a = onnx.Gather %words, %ids {axis = 0 : i64} : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %b = onnx.Gather %places, %at {axis = 0 : i64} : (tensor<64x32xf32>, tensor<1x?xi64>) -> tensor<1x?x32xf32>
  // CHECK: %[[X:.*]] = nn.embedding %{{.*}}, %{{.*}} at %[[IDS]], %{{.*}}
  %x = onnx.Add %a, %b : (tensor<?x?x32xf32>, tensor<1x?x32xf32>) -> tensor<?x?x32xf32>
  %shape = onnx.Shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x?x32xf32>) -> tensor<3xi64>
  %u = onnx.Unsqueeze %mask {axes = array<i64: 2>} : (tensor<?x?xi64>) -> tensor<?x?x1xi64>
  %e = onnx.Expand %u, %shape : (tensor<?x?x1xi64>, tensor<3xi64>) -> tensor<?x?x32xi64>
  %f = onnx.Cast %e : (tensor<?x?x32xi64>) -> tensor<?x?x32xf32>
  %m = onnx.Mul %x, %f : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  %s = onnx.ReduceSum %m {axes = array<i64: 1>, keepdims = false} : (tensor<?x?x32xf32>) -> tensor<?x32xf32>
  %n = onnx.ReduceSum %f {axes = array<i64: 1>, keepdims = false} : (tensor<?x?x32xf32>) -> tensor<?x32xf32>
  %c = "onnx.Clip"(%n, %eps) {operandSegmentSizes = array<i32: 1, 1, 0>} : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  // CHECK-NEXT: nn.mean_pool %[[X]] mask %[[MASK]]
  // CHECK-NEXT: return
  %y = onnx.Div %s, %c : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
