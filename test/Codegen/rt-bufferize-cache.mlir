// RUN: tamis-opt %s --rt-bufferize --split-input-file | FileCheck %s

// The list of rows has room for the setting's and the sinks where a step reads less than there is, and for none elsewhere. The
// cache is read where it lies, by that list.

// CHECK-LABEL: func.func @window
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x?x16xf32>, %{{.*}}, %[[MASK:[^:]*]]: memref<?x?xi64>
// CHECK: %[[PLACE:.*]], %{{.*}} = rt.cache
// CHECK: rt.check %{{.*}}, "the mask is not of the size of the keys"
// CHECK: %[[SPANS:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x3xi64>
// CHECK: kernel.cache_spans %[[PLACE]], %[[MASK]], %{{.*}}, %[[SPANS]]
// CHECK: rt.setting 2
// CHECK: %[[ROOM:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : index
// CHECK: %[[SIZE:.*]] = arith.addi %[[ROOM]]
// CHECK: %[[KEPT:.*]] = memref.alloc(%{{.*}}, %[[SIZE]]) {{.*}} : memref<?x1x?xi64>
// CHECK: kernel.cache_window %[[SPANS]], %[[KEPT]] {sinks = 4 : i64}
// CHECK-NOT: memref.copy
// CHECK: kernel.attention %[[Q]], %[[PLACE]], %[[PLACE]], %[[KEPT]], %{{.*}} {
func.func @window(%q: tensor<?x?x16xf32>, %past: tensor<?x2x?x8xf32>, %mask: tensor<?x?xi64>, %new: tensor<?x2x?x8xf32>)
    -> (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) {
  %present, %rows = nn.kv_append %past, %new {cache = 0 : i64}
    : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
  %kept = token.cache_window %q, %rows mask %mask setting 2 sinks 4 : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x?xi64>) -> tensor<?x1x?xi64>
  %0 = nn.attention %q, %rows, %rows kept %kept {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x1x?xi64>) -> tensor<?x?x16xf32>
  return %0, %present : tensor<?x?x16xf32>, tensor<?x2x?x8xf32>
}

// -----

// Bounds have room for all pages that the cache has room for, and a row that says where sequences begin.

// CHECK-LABEL: func.func @pages
// CHECK: %{{.*}}, %{{.*}}, %{{.*}}:4, %[[STRIDES:.*]]:4 = memref.extract_strided_metadata %[[K:.*]] :
// CHECK: arith.divui %[[STRIDES]]#1
// CHECK: %[[BOUNDS:.*]], %[[IS:.*]] = rt.keep 1 rows %{{.*}} columns %{{.*}} : memref<?x?xf32>
// CHECK: kernel.cache_bounds %[[K]], %[[SPANS:.*]], %[[BOUNDS]], %[[IS]] {page = 16 : i64}
// CHECK: kernel.cache_pages %{{.*}}, %[[BOUNDS]], %[[SPANS]], %{{.*}}, %{{.*}} {
func.func @pages(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>, %starts: tensor<?x1xi64>) -> tensor<?x2x?xi64> {
  %kept = token.cache_pages %q, %k starts %starts setting 0 memory 1 page 16 sinks 4 window 8 {heads = 2 : i64}
      : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x1xi64>) -> tensor<?x2x?xi64>
  return %kept : tensor<?x2x?xi64>
}

// -----

// What was decided is read before there is room for what is.

// CHECK-LABEL: func.func @snap
// CHECK: %[[KNOWN:.*]], %[[IS:.*]] = rt.keep 1 rows %{{.*}} columns %{{.*}} : memref<?x?xi64>
// CHECK: memref.load %[[KNOWN]]
// CHECK: rt.setting 0
// CHECK: %[[MEMORY:.*]], %{{.*}} = rt.keep 1 rows
// CHECK: memref.store %{{.*}}, %[[MEMORY]]
// CHECK: kernel.cache_snap %{{.*}}, %{{.*}}, %{{.*}}, %[[ROOM:.*]], %{{.*}}, %[[MEMORY]] {
// CHECK: kernel.cache_snap_rows %[[MEMORY]], %{{.*}}, %[[ROOM]], %{{.*}}, %{{.*}} :
func.func @snap(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>, %mask: tensor<?x?xi64>) -> tensor<?x2x?xi64> {
  %kept = token.cache_snap %q, %k mask %mask setting 0 memory 1 window 32 pool 5 {heads = 2 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x?xi64>) -> tensor<?x2x?xi64>
  return %kept : tensor<?x2x?xi64>
}
