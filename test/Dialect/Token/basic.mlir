// RUN: tamis-opt %s | tamis-opt | FileCheck %s

// CHECK-LABEL: func.func @padding
func.func @padding(%mask: tensor<?x?xi64>, %x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  // CHECK: token.index %arg0 binary :
  %rows, %offsets = token.index %mask binary : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  // CHECK: token.pack %arg1, %{{.*}}, %arg0 :
  %p = token.pack %x, %rows, %mask : (tensor<?x?x8xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x8xf32>
  // CHECK: token.unpack
  %y = token.unpack %p, %rows, %mask : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// CHECK-LABEL: func.func @prune
func.func @prune(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %offsets: tensor<?xi64>) -> tensor<?x8xf32> {
  // CHECK: %[[S:.*]] = token.score linear %arg0 by %arg1 of %arg2 : (tensor<?x8xf32>, tensor<8xf32>, tensor<?xi64>) -> tensor<?xf32>
  %s = token.score linear %x by %w of %offsets : (tensor<?x8xf32>, tensor<8xf32>, tensor<?xi64>) -> tensor<?xf32>
  // CHECK: token.score stride %arg0 of %arg2 :
  %t = token.score stride %x of %offsets : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  // CHECK: token.score random %arg0 of %arg2 {seed = 7 : i64} :
  %r = token.score random %x of %offsets {seed = 7 : i64} : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  // CHECK: %[[KEPT:.*]], %{{.*}} = token.select %[[S]] of %arg2 whole %arg2 setting 2 lengths [64, 128] minimum 4 first 1 last 1 :
  %kept, %o = token.select %s of %offsets whole %offsets setting 2 lengths [64, 128] minimum 4 first 1 last 1 : (tensor<?xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  // CHECK: token.select {{.*}} minimum 1 first 0 last 0 by_score :
  %kept2, %o2 = token.select %s of %offsets whole %offsets setting 0 lengths [] minimum 1 first 0 last 0 by_score : (tensor<?xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  // CHECK: token.gather %arg0 at %[[KEPT]] : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %y = token.gather %x at %kept : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @attention_score
func.func @attention_score(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %offsets: tensor<?xi64>) -> tensor<?xf32> {
  // CHECK: token.attention_score from last 16 : %arg0, %arg1 of %arg2 {head_dim = 4 : i64
  %s = token.attention_score from last 16 : %q, %k of %offsets {heads = 2 : i64, kv_heads = 1 : i64, head_dim = 4 : i64, value_dim = 4 : i64, scale = 0.5 : f32, k_column = 4 : i64}
      : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  // CHECK: token.attention_score from first 1 : %arg0, %arg0, %arg0 of %arg2 {
  %t = token.attention_score from first 1 : %q, %q, %q of %offsets {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64, scale = 0.5 : f32, k_column = 8 : i64, v_column = 16 : i64}
      : (tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xf32>, tensor<?xi64>) -> tensor<?xf32>
  return %t : tensor<?xf32>
}

// CHECK-LABEL: func.func @restore
func.func @restore(%y: tensor<?x8xf32>, %kept: tensor<?xi64>, %m: tensor<?x8xf32>, %rows: tensor<?xi64>) -> tensor<?x8xf32> {
  // CHECK: %[[DROPPED:.*]] = token.dropped %arg1 of %arg3 : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  %dropped = token.dropped %kept of %rows : (tensor<?xi64>, tensor<?xi64>) -> tensor<?xi64>
  // CHECK: token.restore %arg0 at %arg1, %arg2 at %[[DROPPED]] : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  %all = token.restore %y at %kept, %m at %dropped : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return %all : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @merge
func.func @merge(%x: tensor<?x8xf32>, %k: tensor<?x24xf32>, %sizes: tensor<?xf32>, %ids: tensor<?xi32>, %offsets: tensor<?xi64>) -> tensor<?x8xf32> {
  // CHECK: %[[F:.*]] = token.protect %arg3 of [101, 102] : (tensor<?xi32>) -> tensor<?xi1>
  %f = token.protect %ids of [101, 102] : (tensor<?xi32>) -> tensor<?xi1>
  // CHECK: %[[S:.*]], %[[P:.*]], %[[STAYS:.*]] = token.match %arg1 of %arg4 whole %arg4 fixed %[[F]] setting 1 lengths [64] first 1 last 1 {head_dim = 4 : i64, k_column = 8 : i64, kv_heads = 2 : i64} :
  %s, %p, %stays = token.match %k of %offsets whole %offsets fixed %f setting 1 lengths [64] first 1 last 1 {kv_heads = 2 : i64, head_dim = 4 : i64, k_column = 8 : i64}
      : (tensor<?x24xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi1>) -> (tensor<?xf32>, tensor<?xi64>, tensor<?xi1>)
  // CHECK: token.match %arg1 of %arg4 whole %arg4 setting 0 lengths [] first 0 last 0 {
  %s1, %p1, %stays1 = token.match %k of %offsets whole %offsets setting 0 lengths [] first 0 last 0 {kv_heads = 2 : i64, head_dim = 4 : i64}
      : (tensor<?x24xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xf32>, tensor<?xi64>, tensor<?xi1>)
  // CHECK: %[[KEPT:.*]], %[[O:.*]] = token.select %[[S]] of %arg4 whole %arg4 fixed %[[STAYS]] setting 1 lengths [64] minimum 8 first 1 last 1 :
  %kept, %o = token.select %s of %offsets whole %offsets fixed %stays setting 1 lengths [64] minimum 8 first 1 last 1
      : (tensor<?xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi1>) -> (tensor<?xi64>, tensor<?xi64>)
  // CHECK: %[[Y:.*]], %[[N:.*]], %[[INTO:.*]] = token.merge %arg0 sizes %arg2 of %arg4 at %[[KEPT]] of %[[O]] into %[[P]] :
  %y, %n, %into = token.merge %x sizes %sizes of %offsets at %kept of %o into %p
      : (tensor<?x8xf32>, tensor<?xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?x8xf32>, tensor<?xf32>, tensor<?xi64>)
  // CHECK: token.merge %arg0 of %arg4 at
  %y1, %n1, %into1 = token.merge %x of %offsets at %kept of %o into %p
      : (tensor<?x8xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?x8xf32>, tensor<?xf32>, tensor<?xi64>)
  // CHECK: token.gather %[[Y]] at %[[INTO]]
  %all = token.gather %y at %into : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return %all : tensor<?x8xf32>
}


// CHECK-LABEL: func.func @caches
func.func @caches(%q: tensor<?x?x32xf32>, %k: tensor<?x2x?x8xf32>, %m: tensor<?x?xi64>, %s: tensor<?x1xi64>) {
  // CHECK: token.cache_window %arg0, %arg1 mask %arg2 setting 0 sinks 4 : (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>, tensor<?x?xi64>) -> tensor<?x1x?xi64>
  %w = token.cache_window %q, %k mask %m setting 0 sinks 4 : (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>, tensor<?x?xi64>) -> tensor<?x1x?xi64>
  // CHECK: token.cache_pages %arg0, %arg1 starts %arg3 setting 1 memory 2 page 16 sinks 0 window 1 {heads = 4 : i64} :
  %p = token.cache_pages %q, %k starts %s setting 1 memory 2 page 16 sinks 0 window 1 {heads = 4 : i64}
      : (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>, tensor<?x1xi64>) -> tensor<?x2x?xi64>
  // CHECK: token.cache_snap %arg0, %arg1 setting 1 memory 2 window 32 pool 5 {heads = 2 : i64, q_column = 16 : i64, scale = 5.000000e-01 : f32} :
  %n = token.cache_snap %q, %k setting 1 memory 2 window 32 pool 5 {heads = 2 : i64, scale = 0.5 : f32, q_column = 16 : i64}
      : (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?xi64>
  return
}
