// RUN: tamis-opt %s --token-evict=policy=%S/Inputs/cache-window.json | FileCheck %s

// A mask of f32 says where tokens are if the attention takes it as its mask of keys.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[MASK:[^:]*]]: tensor<?x?xf32>
// CHECK: token.cache_window %{{.*}}, %{{.*}} mask %[[MASK]] setting 0 sinks 2
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64,
                                    padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xf32>, %past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %q: tensor<?x?x16xf32>)
      -> (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) {
    %present, %rows = nn.kv_append %past, %new {cache = 0 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
    %0 = nn.attention %q, %rows, %rows key_mask %mask {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x?xf32>) -> tensor<?x?x16xf32>
    return %0, %present : tensor<?x?x16xf32>, tensor<?x2x?x8xf32>
  }
}
