// RUN: tamis-opt %s --token-prune=policy=%S/Inputs/attention.json --split-input-file --verify-diagnostics | FileCheck %s

// The attention of layer 0 says what goes on to layer 1: its queries, keys and values, where they lie in one product.
// A score that is kept is no share: any number may be set, and below the lowest one nothing is.

// CHECK: settings = [{dense = -3.40282347E+38 : f32, max = 3.40282347E+38 : f32, min = -3.40282347E+38 : f32, name = "least score kept in front of layer 1, all lengths"}]
// CHECK-SAME: {name = "dense", values = array<f32: -3.40282347E+38>}, {name = "half", values = array<f32: 5.000000e-01>}
// CHECK-LABEL: func.func @main
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x12xf32>, %w: tensor<4x12xf32>, %v: tensor<4xf32>) -> tensor<?x4xf32> {
    // CHECK: %{{.*}}, %[[OFFSETS:.*]] = token.index
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x12xf32>, tensor<?xi64>) -> tensor<?x12xf32>
    // CHECK: %[[A:.*]] = nn.attention %[[E:.*]], %[[E]], %[[E]] offsets
    // CHECK-NEXT: %[[S:.*]] = token.attention_score from last 4 : %[[E]], %[[E]], %[[E]] of %[[OFFSETS]]
    // CHECK-SAME: k_column = 4
    // CHECK-SAME: v_column = 8
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32, k_column = 4 : i64, v_column = 8 : i64}
         : (tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // CHECK: %[[N:.*]] = nn.layer_norm %[[A]]
    %n = nn.layer_norm %a, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    // CHECK: %[[KEPT:.*]], %[[O1:.*]] = token.select %[[S]] of %[[OFFSETS]] whole %[[OFFSETS]] setting 0 lengths [] minimum 8 first 1 last 1 by_score
    // CHECK: %[[N1:.*]] = token.gather %[[N]] at %[[KEPT]]
    // CHECK: nn.linear %[[N1]]
    %y = nn.linear %n, %w : (tensor<?x4xf32>, tensor<4x12xf32>) -> tensor<?x12xf32>
    %b = nn.attention %y, %y, %y offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32, k_column = 4 : i64, v_column = 8 : i64}
         : (tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %r = onnx.Add %b, %n : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %pool = nn.mean_pool %r offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    return %pool : tensor<?x4xf32>
  }
}

// -----

// A bias is part of what a row gives its attention by, and no score of this op has it.
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>, %w: tensor<4x4xf32>, %bias: tensor<1x2x?x?xf32>, %v: tensor<4xf32>) -> tensor<?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %places = token.positions %rows, %mask : (tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{adds a bias to its scores or masks keys inside a sequence; take the rule linear}}
    %a = nn.attention %e, %e, %e bias %bias offsets %offsets positions %places
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<1x2x?x?xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?x4xf32>
    %n = nn.layer_norm %a, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    %y = nn.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %b = nn.attention %y, %y, %y offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %pool = nn.mean_pool %b offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    return %pool : tensor<?x4xf32>
  }
}
