// RUN: tamis-opt %s --token-prune=policy=%S/Inputs/policy.json | FileCheck %s
// RUN: tamis-opt %s --token-prune | FileCheck %s --check-prefix=NONE

// NONE-NOT: token.select

// Two groups of lengths, those of whole sequences, at the first layer and one at the second: three settings.

// CHECK: tamis.policy = {chosen = 1 : i64,
// CHECK-SAME: settings = [{dense = 1.000000e+00 : f32, max = 1.000000e+00 : f32, min = 0.000000e+00 : f32, name = "share kept in front of layer 0, up to 64 tokens"},
// CHECK-SAME: "share kept in front of layer 0, longer"}
// CHECK-SAME: "share kept in front of layer 1, all lengths"}]
// CHECK-SAME: {name = "dense", values = array<f32: 1.000000e+00, 1.000000e+00, 1.000000e+00>}
// CHECK-SAME: {name = "safe", values = array<f32: 0.899999976, 7.500000e-01, 1.000000e+00>}
// CHECK-SAME: {name = "fast", values = array<f32: 5.000000e-01, 5.000000e-01, 2.500000e-01>}
// CHECK-SAME: tokens are left out in front of 2 layers, unless the step 'dense' is chosen at run time

// CHECK-LABEL: func.func @main
func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>, %v: tensor<4xf32>, %bias: tensor<1x2x?x?xf32>)
    -> (tensor<?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>) {
  // CHECK: %[[ROWS:.*]], %[[OFFSETS:.*]] = token.index
  %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  // CHECK: %[[PLACES:.*]] = token.positions %[[ROWS]]
  %places = token.positions %rows, %mask : (tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[X:.*]] = nn.layer_norm
  %x = nn.layer_norm %e, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: %[[W:.*]] = onnx.Constant dense<[1.000000e+00, -2.000000e+00, 5.000000e-01, 0.000000e+00]>
  // CHECK: %[[S:.*]] = token.score linear %[[X]] by %[[W]] of %[[OFFSETS]]
  // CHECK: %[[KEPT:.*]], %[[O1:.*]] = token.select %[[S]] of %[[OFFSETS]] whole %[[OFFSETS]] setting 0 lengths [64] minimum 4 first 1 last 1
  // CHECK: %[[R1:.*]] = token.gather %[[ROWS]] at %[[KEPT]]
  // CHECK: %[[P1:.*]] = token.gather %[[PLACES]] at %[[KEPT]]
  // CHECK: %[[X1:.*]] = token.gather %[[X]] at %[[KEPT]]
  // CHECK: %[[A:.*]] = nn.attention %[[X1]], %[[X1]], %[[X1]] {{.*}}offsets %[[O1]] positions %[[P1]]
  %a = nn.attention %x, %x, %x bias %bias offsets %offsets positions %places
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<1x2x?x?xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?x4xf32>
  // The residual is cut down with the states.
  // CHECK: %[[R:.*]] = onnx.Add %[[A]], %[[X1]]
  %r = onnx.Add %a, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: %[[Y:.*]] = nn.layer_norm %[[R]]
  %y = nn.layer_norm %r, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: token.score stride %[[Y]] of %[[O1]]
  // CHECK: %[[KEPT2:.*]], %[[O2:.*]] = token.select {{.*}} of %[[O1]] whole %[[OFFSETS]] setting 2 lengths [] minimum 8 first 2 last 1
  // CHECK: %[[R2:.*]] = token.gather %[[R1]] at %[[KEPT2]]
  // CHECK: %[[P2:.*]] = token.gather %[[P1]] at %[[KEPT2]]
  // CHECK: %[[Y2:.*]] = token.gather %[[Y]] at %[[KEPT2]]
  // CHECK: %[[B:.*]] = nn.attention %[[Y2]], %[[Y2]], %[[Y2]] {{.*}}offsets %[[O2]] positions %[[P2]]
  %b = nn.attention %y, %y, %y bias %bias offsets %offsets positions %places
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<1x2x?x?xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: nn.mean_pool %[[B]] offsets %[[O2]]
  %pool = nn.mean_pool %b offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: token.unpack %[[B]], %[[R2]]
  %u = token.unpack %b, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
  // CHECK: token.first %[[B]], %[[R2]], %[[O2]]
  %f = token.first %b, %rows, %offsets, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x4xf32>
  return %pool, %u, %f : tensor<?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>
}
