// RUN: tamis-opt %s --rt-bufferize --split-input-file | FileCheck %s

// New rows go behind the past, which is copied unless the host keeps it. What returns is contiguous, or not looked at.

// CHECK-LABEL: func.func @append
// CHECK-SAME: %[[PAST:[^:]*]]: memref<?x2x?x8xf32>, %[[NEW:[^:]*]]: memref<?x2x?x8xf32>
// CHECK: %[[PLACE:.*]], %[[KEPT:.*]] = rt.cache 1 batch %{{.*}} rows %{{.*}} : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>
// CHECK: scf.if
// CHECK:   %[[FRONT:.*]] = memref.subview %[[PLACE]][0, 0, 0, 0]
// CHECK:   memref.copy %[[PAST]], %[[FRONT]]
// CHECK: %[[BACK:.*]] = memref.subview %[[PLACE]][0, 0, %{{.*}}, 0]
// CHECK: memref.copy %[[NEW]], %[[BACK]]
// CHECK: %[[PRESENT:.*]] = memref.reinterpret_cast %[[PLACE]]
// CHECK: kernel.attention %{{.*}}, %[[PLACE]], %[[PLACE]], %{{.*}} {
// CHECK-NOT: memref.copy
func.func @append(%past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %q: tensor<?x?x16xf32>)
    -> (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) {
  %present, %rows = nn.kv_append %past, %new {cache = 1 : i64}
    : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
  %0 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x?x16xf32>
  return %0, %present : tensor<?x?x16xf32>, tensor<?x2x?x8xf32>
}

// -----

// CHECK-LABEL: func.func @wanted
// CHECK: %[[SOME:.*]], %[[ROWS:.*]] = rt.wanted_rows
// CHECK: %[[COUNT:.*]] = arith.select %[[SOME]], %{{.*}}, %{{.*}} : index
// CHECK: %[[OUT:.*]] = memref.alloc(%{{.*}}, %[[COUNT]])
// CHECK: scf.parallel
// CHECK:   scf.if %[[SOME]]
// CHECK:     memref.load %[[ROWS]]
// CHECK:   memref.store %{{.*}}, %[[OUT]]
func.func @wanted(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %y = nn.wanted_rows %x : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %y : tensor<?x?x16xf32>
}
