// RUN: tamis-opt %s --token-prune=policy=%S/Inputs/restore.json --token-restore=policy=%S/Inputs/restore.json | FileCheck %s --check-prefixes=CHECK,KEPT
// RUN: tamis-opt %s --token-prune=policy=%S/Inputs/restore-pool.json --token-restore=policy=%S/Inputs/restore-pool.json \
// RUN:   | FileCheck %s --check-prefixes=CHECK,POOL
// RUN: tamis-opt %s --token-prune=policy=%S/Inputs/policy.json --token-restore=policy=%S/Inputs/policy.json \
// RUN:   | FileCheck %s --check-prefix=ZEROS

// Zeros need nothing of it.
// ZEROS-NOT: token.restore
// ZEROS-NOT: token.dropped

// CHECK: the rows of tokens that are left out are put back
// CHECK-DAG: weight.source @[[W0:token_restore.weight.*]] : tensor<4x4xf16> value dense<{{\[\[}}1.000000e+00, 0.000000e+00,
// CHECK-DAG: weight.source @[[B0:token_restore.bias.*]] : tensor<4xf32> value dense<[2.500000e-01,
// CHECK-DAG: weight.source @[[W1:token_restore.weight.*]] : tensor<4x4xf16> value dense<{{\[\[}}-5.000000e-01,
// CHECK-DAG: weight.source @[[B1:token_restore.bias.*]] : tensor<4xf32> value dense<[0.000000e+00, 0.000000e+00, 0.000000e+00, -1.000000e+00]>

// CHECK-LABEL: func.func @main
func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>, %w: tensor<4x3xf32>, %z: tensor<3x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x?x3xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>) {
  // CHECK: %[[ROWS:.*]], %[[OFFSETS:.*]] = token.index
  %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  // CHECK: %[[IDS:.*]] = token.pack
  %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  // CHECK: %[[X:.*]] = nn.embedding %{{.*}} at %[[IDS]]
  %x = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>

  // The rows that go are mapped where they go.
  // CHECK: %[[KEPT0:.*]], %[[O0:.*]] = token.select
  // CHECK: %[[L0:.*]] = weight.load @[[W0]]
  // CHECK: %[[M0:.*]] = weight.cast %[[L0]] : (tensor<4x4xf16>) -> tensor<4x4xf32>
  // CHECK: %[[V0:.*]] = weight.load @[[B0]]
  // CHECK: %[[GONE0:.*]] = token.dropped %[[KEPT0]] of %[[ROWS]]
  // CHECK: %[[D0:.*]] = token.gather %[[X]] at %[[GONE0]]
  // CHECK: %[[S0:.*]] = nn.linear %[[D0]], %[[M0]] bias %[[V0]]
  // CHECK: %[[R0:.*]] = token.gather %[[ROWS]] at %[[KEPT0]]
  // CHECK: nn.attention
  %a = nn.attention %x, %x, %x offsets %offsets
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[Y:.*]] = onnx.Add
  %y = onnx.Add %a, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>

  // CHECK: %[[KEPT1:.*]], %[[O1:.*]] = token.select
  // CHECK: %[[L1:.*]] = weight.load @[[W1]]
  // CHECK: %[[M1:.*]] = weight.cast %[[L1]]
  // CHECK: %[[V1:.*]] = weight.load @[[B1]]
  // CHECK: %[[GONE1:.*]] = token.dropped %[[KEPT1]] of %[[R0]]
  // CHECK: %[[D1:.*]] = token.gather %[[Y]] at %[[GONE1]]
  // CHECK: %[[S1:.*]] = nn.linear %[[D1]], %[[M1]] bias %[[V1]]
  // CHECK: nn.attention
  %b = nn.attention %y, %y, %y offsets %offsets
       {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
       : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>

  // What went last comes back first.
  // CHECK: %[[LAST:.*]] = onnx.Add
  // CHECK: %[[ALL1:.*]] = token.restore %[[LAST]] at %[[KEPT1]], %[[S1]] at %[[GONE1]]
  // CHECK: %[[ALL0:.*]] = token.restore %[[ALL1]] at %[[KEPT0]], %[[S0]] at %[[GONE0]]
  %s = onnx.Add %b, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>

  // A head computes all rows; what its ids were packed for, too.
  // CHECK: %[[LOGITS:.*]] = nn.linear %[[ALL0]]
  // CHECK-NOT: nn.linear %[[LAST]]
  %l = nn.linear %s, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  // CHECK: %[[AGAIN:.*]] = nn.embedding %{{.*}} at %[[IDS]]
  %again = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: %[[TIED:.*]] = onnx.Mul %[[ALL0]], %[[AGAIN]]
  %tied = onnx.Mul %s, %again : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // KEPT: nn.mean_pool %[[LAST]] offsets %[[O1]]
  // POOL: nn.mean_pool %[[ALL0]] offsets %[[OFFSETS]]
  %pool = nn.mean_pool %s offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  // CHECK: token.unpack %[[LOGITS]], %[[ROWS]]
  %u = token.unpack %l, %rows, %mask : (tensor<?x3xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x3xf32>
  // CHECK: token.unpack %[[TIED]], %[[ROWS]]
  %v = token.unpack %tied, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
  // CHECK: token.first %[[LAST]], %{{.*}}, %[[O1]]
  %f = token.first %s, %rows, %offsets, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x4xf32>
  return %pool, %u, %v, %f : tensor<?x4xf32>, tensor<?x?x3xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>
}
