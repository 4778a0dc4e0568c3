// RUN: tamis-opt %s --token-observe-states --split-input-file | FileCheck %s

// In front of both layers, and behind the last; the results stay what they are.

// CHECK-LABEL: func.func @main
func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>, %v: tensor<4xf32>)
    -> (tensor<?x4xf32>, tensor<?x?x4xf32>) {
  %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // Norm and residual both go on behind the norm; in front of it, the states alone do.
  // CHECK: %[[X:.*]] = nn.embedding
  // CHECK-NEXT: token.observe %[[X]] layer 0 : tensor<?x4xf32>
  // CHECK-NEXT: nn.layer_norm
  %n = nn.layer_norm %e, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %a = nn.attention %n, %n, %n offsets %offsets
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[R:.*]] = onnx.Add
  // CHECK-NEXT: token.observe %[[R]] layer 1
  %r = onnx.Add %a, %e : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = nn.layer_norm %r, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %b = nn.attention %m, %m, %m offsets %offsets
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[LAST:.*]] = onnx.Add
  // CHECK-NEXT: token.observe %[[LAST]] layer 2
  %s = onnx.Add %b, %r : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: nn.mean_pool %[[LAST]]
  %pool = nn.mean_pool %s offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  %u = token.unpack %s, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
  return %pool, %u : tensor<?x4xf32>, tensor<?x?x4xf32>
}

// -----

// What a head makes of the states is none of them.

// CHECK-LABEL: func.func @head
func.func @head(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>, %w: tensor<4x3xf32>) -> tensor<?x?x3xf32> {
  %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: token.observe %{{.*}} layer 0
  %a = nn.attention %e, %e, %e offsets %offsets
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[S:.*]] = onnx.Add
  // CHECK-NEXT: token.observe %[[S]] layer 1
  // CHECK-NEXT: nn.linear %[[S]]
  // CHECK-NOT: token.observe
  %s = onnx.Add %a, %e : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %l = nn.linear %s, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %u = token.unpack %l, %rows, %mask : (tensor<?x3xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x3xf32>
  return %u : tensor<?x?x3xf32>
}

// -----

// Rows that are padded have no such place.

// CHECK-LABEL: func.func @padded
// CHECK-NOT: token.observe
func.func @padded(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %a = nn.attention %x, %x, %x
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %a : tensor<2x3x4xf32>
}
