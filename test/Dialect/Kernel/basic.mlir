// RUN: tamis-opt %s | tamis-opt | FileCheck %s

// CHECK-LABEL: func.func @kernels
func.func @kernels(%x: memref<?x8xf32>, %w: memref<2x8x16xf32>, %b: memref<24xf32>, %y: memref<?x24xf32>,
                   %s: memref<8xf32>, %z: memref<?x8xf32>) {
  // CHECK: kernel.linear %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {activation = {{.*}}gelu
  kernel.linear %x, %w, %b, %y {activation = #nn<activation gelu>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x8xf32>, memref<2x8x16xf32>, memref<24xf32>, memref<?x24xf32>
  // CHECK: kernel.layer_norm
  kernel.layer_norm %x, %s, %s, %z {epsilon = 1.0e-5 : f32}
    : memref<?x8xf32>, memref<8xf32>, memref<8xf32>, memref<?x8xf32>
  return
}

// CHECK-LABEL: func.func @quantized
func.func @quantized(%x: memref<?x8xf32>, %p: memref<2xf32>, %w: memref<2x16x16x4xi8>, %s: memref<24xf32>,
                     %c: memref<24xi32>, %y: memref<?x24xf32>) {
  // CHECK: kernel.dynamic_range
  kernel.dynamic_range %x, %p : memref<?x8xf32>, memref<2xf32>
  // CHECK: kernel.quantized_linear
  kernel.quantized_linear %x, %p, %w, %s, %c, %y
    {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x8xf32>, memref<2xf32>, memref<2x16x16x4xi8>, memref<24xf32>, memref<24xi32>, memref<?x24xf32>
  return
}

// CHECK-LABEL: func.func @prune
func.func @prune(%x: memref<?x8xf32>, %w: memref<8xf32>, %o: memref<?xi64>, %s: memref<?xf32>, %k: memref<?xi64>, %y: memref<?x8xf32>) {
  // CHECK: kernel.token_score %arg0, %arg1, %arg2, %arg3 {rule = #token<rule linear>, seed = 0 : i64}
  kernel.token_score %x, %w, %o, %s {rule = #token<rule linear>, seed = 0 : i64}
    : memref<?x8xf32>, memref<8xf32>, memref<?xi64>, memref<?xf32>
  // CHECK: kernel.token_attention_score %arg0, %arg0, %arg2, %arg3 {{.*}}queries = #token<queries spread>
  kernel.token_attention_score %x, %x, %o, %s {queries = #token<queries spread>, count = 4 : i64, heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64,
      value_dim = 4 : i64, scale = 0.5 : f32, q_column = 0 : i64, k_column = 0 : i64, v_column = 0 : i64}
    : memref<?x8xf32>, memref<?x8xf32>, memref<?xi64>, memref<?xf32>
  // CHECK: kernel.token_select %arg3, %arg2, %arg2, %arg4, %arg2
  kernel.token_select %s, %o, %o, %k, %o {setting = 0 : i64, lengths = array<i64: 64>, minimum = 8 : i64, first = 1 : i64, last = 1 : i64}
    : memref<?xf32>, memref<?xi64>, memref<?xi64>, memref<?xi64>, memref<?xi64>
  // CHECK: kernel.token_gather %arg0, %arg4, %arg5
  kernel.token_gather %x, %k, %y : memref<?x8xf32>, memref<?xi64>, memref<?x8xf32>
  // CHECK: kernel.token_dropped %arg4, %arg2
  kernel.token_dropped %k, %o : memref<?xi64>, memref<?xi64>
  // CHECK: kernel.token_restore %arg5, %arg4, %arg5, %arg2, %arg0
  kernel.token_restore %y, %k, %y, %o, %x : memref<?x8xf32>, memref<?xi64>, memref<?x8xf32>, memref<?xi64>, memref<?x8xf32>
  return
}

// CHECK-LABEL: func.func @merge
func.func @merge(%x: memref<?x8xf32>, %i: memref<?xi64>, %f: memref<?xi1>, %s: memref<?xf32>, %y: memref<?x8xf32>) {
  // CHECK: kernel.token_protect %arg1, %arg2 {values = array<i64: 3>}
  kernel.token_protect %i, %f {values = array<i64: 3>} : memref<?xi64>, memref<?xi1>
  // CHECK: kernel.token_match %arg0, %arg1, %arg1, %arg3, %arg1, %arg2
  kernel.token_match %x, %i, %i, %s, %i, %f {setting = 0 : i64, lengths = array<i64>, first = 1 : i64, last = 1 : i64,
      kv_heads = 2 : i64, head_dim = 4 : i64, k_column = 0 : i64}
    : memref<?x8xf32>, memref<?xi64>, memref<?xi64>, memref<?xf32>, memref<?xi64>, memref<?xi1>
  // CHECK: kernel.token_select %arg3, %arg1, %arg1, %arg2, %arg1, %arg1
  kernel.token_select %s, %i, %i, %f, %i, %i {setting = 0 : i64, lengths = array<i64>, minimum = 8 : i64, first = 1 : i64, last = 1 : i64}
    : memref<?xf32>, memref<?xi64>, memref<?xi64>, memref<?xi1>, memref<?xi64>, memref<?xi64>
  // CHECK: kernel.token_merge %arg0, %arg3, %arg1, %arg1, %arg1, %arg1, %arg4, %arg3, %arg1
  kernel.token_merge %x, %s, %i, %i, %i, %i, %y, %s, %i
    : memref<?x8xf32>, memref<?xf32>, memref<?xi64>, memref<?xi64>, memref<?xi64>, memref<?xi64>, memref<?x8xf32>, memref<?xf32>, memref<?xi64>
  return
}


// CHECK-LABEL: func.func @caches
func.func @caches(%q: memref<?x?x16xf32>, %k: memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>, %m: memref<?x?xi32>, %s: memref<?x3xi64>, %l: memref<?x1x?xi64>,
                  %p: memref<?x2x?xi64>, %n: index, %b: memref<?x?xf32>, %is: i1, %d: memref<?x?xi64>) {
  // CHECK: kernel.cache_spans %arg1, %arg2, %arg6, %arg3
  kernel.cache_spans %k, %m, %n, %s {operandSegmentSizes = array<i32: 1, 1, 0, 1, 1>}
    : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>, memref<?x?xi32>, index, memref<?x3xi64>
  // CHECK: kernel.cache_window %arg3, %arg4 {sinks = 4 : i64}
  kernel.cache_window %s, %l {sinks = 4 : i64} : memref<?x3xi64>, memref<?x1x?xi64>
  // CHECK: kernel.cache_bounds %arg1, %arg3, %arg7, %arg8 {page = 16 : i64}
  kernel.cache_bounds %k, %s, %b, %is {page = 16 : i64} : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>, memref<?x3xi64>, memref<?x?xf32>, i1
  // CHECK: kernel.cache_pages %arg0, %arg7, %arg3, %arg6, %arg5
  kernel.cache_pages %q, %b, %s, %n, %p {page = 16 : i64, sinks = 4 : i64, window = 1 : i64, heads = 2 : i64, head_dim = 8 : i64, q_column = 0 : i64}
    : memref<?x?x16xf32>, memref<?x?xf32>, memref<?x3xi64>, index, memref<?x2x?xi64>
  // CHECK: kernel.cache_snap %arg0, %arg1, %arg3, %arg6, %arg8, %arg9
  kernel.cache_snap %q, %k, %s, %n, %is, %d {window = 32 : i64, pool = 5 : i64, heads = 2 : i64, scale = 0.5 : f32, q_column = 0 : i64}
    : memref<?x?x16xf32>, memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>, memref<?x3xi64>, index, i1, memref<?x?xi64>
  // CHECK: kernel.cache_snap_rows %arg9, %arg3, %arg6, %arg6, %arg5
  kernel.cache_snap_rows %d, %s, %n, %n, %p : memref<?x?xi64>, memref<?x3xi64>, index, index, memref<?x2x?xi64>
  return
}
