// RUN: tamis-opt %s --token-merge=policy=%S/Inputs/merge.json | FileCheck %s
// RUN: tamis-opt %s --token-merge=policy=%S/Inputs/merge-prune.json --token-prune=policy=%S/Inputs/merge-prune.json | FileCheck %s --check-prefix=BOTH
// RUN: tamis-opt %s --token-merge | FileCheck %s --check-prefix=NONE

// NONE-NOT: token.match

// Two groups of lengths in the first layer and one in the second: three settings.

// CHECK: tamis.policy = {chosen = 1 : i64,
// CHECK-SAME: name = "share that merging leaves in layer 0, up to 64 tokens"}
// CHECK-SAME: name = "share that merging leaves in layer 0, longer"}
// CHECK-SAME: name = "share that merging leaves in layer 1, all lengths"}]
// CHECK-SAME: {name = "half", values = array<f32: 7.500000e-01, 5.000000e-01, 6.000000e-01>}
// CHECK-SAME: tokens are merged in 2 layers, unless the step 'dense' is chosen at run time

// Settings of what is left out come first.

// BOTH: name = "share kept in front of layer 1, all lengths"}
// BOTH-SAME: name = "share that merging leaves in layer 0, all lengths"}
// BOTH-SAME: {name = "fast", values = array<f32: 2.500000e-01, 5.000000e-01>}

// CHECK-LABEL: func.func @main
// BOTH-LABEL: func.func @main
func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>, %v: tensor<4xf32>, %bias: tensor<1x2x?x?xf32>)
    -> (tensor<?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>) {
  // CHECK: %[[ROWS:.*]], %[[OFFSETS:.*]] = token.index
  // BOTH: %[[ROWS:.*]], %[[OFFSETS:.*]] = token.index
  %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  // CHECK: %[[IDS:.*]] = token.pack %arg0
  %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  // CHECK: %[[SPECIAL:.*]] = token.protect %[[IDS]] of [5, 7]
  // CHECK: %[[PLACES:.*]] = token.positions %[[ROWS]]
  %places = token.positions %rows, %mask : (tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  // CHECK: %[[X:.*]] = nn.embedding
  %x = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[A:.*]] = nn.attention %[[X]], %[[X]], %[[X]] bias %arg4 offsets %[[OFFSETS]] positions %[[PLACES]] {
  %a = nn.attention %x, %x, %x bias %bias offsets %offsets positions %places
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<1x2x?x?xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK-NEXT: %[[SCORES:.*]], %[[PARTNERS:.*]], %[[STAYS:.*]] = token.match %[[X]] of %[[OFFSETS]] whole %[[OFFSETS]] fixed %[[SPECIAL]] setting 0 lengths [64] first 1 last 1 {head_dim = 2 : i64, kv_heads = 2 : i64}
  // CHECK-NEXT: %[[R:.*]] = onnx.Add %[[A]], %[[X]]
  // CHECK-NEXT: %[[KEPT:.*]], %[[O1:.*]] = token.select %[[SCORES]] of %[[OFFSETS]] whole %[[OFFSETS]] fixed %[[STAYS]] setting 0 lengths [64] minimum 4 first 1 last 1
  // What is protected of the rows that are left.
  // CHECK-NEXT: %[[SPECIAL2:.*]] = token.gather %[[SPECIAL]] at %[[KEPT]]
  // CHECK-NEXT: %[[M:.*]], %[[SIZES:.*]], %[[INTO:.*]] = token.merge %[[R]] of %[[OFFSETS]] at %[[KEPT]] of %[[O1]] into %[[PARTNERS]]
  // CHECK: %[[P1:.*]] = token.gather %[[PLACES]] at %[[KEPT]]
  // In front of the norm, where the MLP begins.
  // CHECK: %[[Y:.*]] = nn.layer_norm %[[M]]
  // BOTH: %[[M:.*]], %[[SIZES:.*]], %{{.*}} = token.merge
  // BOTH: nn.layer_norm %[[M]]
  // BOTH: token.score stride
  // BOTH: %[[KEPT:.*]], %[[O2:.*]] = token.select {{.*}} whole %[[OFFSETS]] setting 0
  // BOTH: %[[S2:.*]] = token.gather %[[SIZES]] at %[[KEPT]]
  // BOTH: %[[LOG:.*]] = onnx.Log %[[S2]]
  // BOTH: nn.attention {{.*}} offsets %[[O2]] {{.*}} key_bias %[[LOG]]
  %r = onnx.Add %a, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = nn.layer_norm %r, %v {epsilon = 1.0e-5 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  // CHECK: %[[LOG:.*]] = onnx.Log %[[SIZES]]
  // CHECK: %[[B:.*]] = nn.attention %[[Y]], %[[Y]], %[[Y]] bias %arg4 offsets %[[O1]] positions %[[P1]] key_bias %[[LOG]] {
  %b = nn.attention %y, %y, %y bias %bias offsets %offsets positions %places
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<1x2x?x?xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?x4xf32>
  // Groups of lengths are those of whole sequences.
  // CHECK-NEXT: token.match %[[Y]] of %[[O1]] whole %[[OFFSETS]] fixed %[[SPECIAL2]] setting 2 lengths [] first 2 last 0
  // CHECK: %[[KEPT2:.*]], %[[O2:.*]] = token.select
  // CHECK: %[[M2:.*]], %[[SIZES2:.*]], %[[INTO2:.*]] = token.merge %[[B]] sizes %[[SIZES]] of %[[O1]] at %[[KEPT2]] of %[[O2]]
  // CHECK: %[[R2:.*]] = token.gather %{{.*}} at %[[KEPT2]]
  // CHECK: nn.mean_pool %[[M2]] offsets %[[O2]] weights %[[SIZES2]]
  // BOTH: nn.mean_pool %{{.*}} offsets %[[O2]] {
  %pool = nn.mean_pool %b offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // Each token has the row that it was merged into.
  // CHECK: %[[ALL1:.*]] = token.gather %[[M2]] at %[[INTO2]]
  // CHECK: %[[ALL0:.*]] = token.gather %[[ALL1]] at %[[INTO]]
  // CHECK: token.unpack %[[ALL0]], %[[ROWS]]
  %u = token.unpack %b, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
  // CHECK: token.first %[[M2]], %[[R2]], %[[O2]]
  %f = token.first %b, %rows, %offsets, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x4xf32>
  return %pool, %u, %f : tensor<?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>
}
