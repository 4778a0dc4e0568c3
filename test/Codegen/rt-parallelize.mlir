// RUN: tamis-opt %s --rt-parallelize="min-work=1000" | FileCheck %s

// The last dimension stays a serial loop; the others become units, of at least 1000 elements a chunk.
// CHECK-LABEL: func.func @rows
func.func @rows(%a: memref<?x?xf32>, %n: index, %m: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: rt.parallel %{{.*}} grain %{{.*}} "elementwise"
  // CHECK-NEXT: ^bb0(%[[BEGIN:.*]]: index, %[[END:.*]]: index, %{{.*}}: index):
  // CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]]
  // CHECK: scf.for %[[J:.*]] = %{{.*}} to %arg2
  // CHECK: memref.store %{{.*}}, %arg0[%[[I]], %[[J]]]
  scf.parallel (%i, %j) = (%c0, %c0) to (%n, %m) step (%c1, %c1) {
    %v = memref.load %a[%i, %j] : memref<?x?xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %a[%i, %j] : memref<?x?xf32>
    scf.reduce
  }
  return
}

// Too little work by its static sizes.
// CHECK-LABEL: func.func @small
// CHECK-NOT: rt.parallel
// CHECK: scf.for
func.func @small(%a: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %z = arith.constant 0.0 : f32
  scf.parallel (%i, %j) = (%c0, %c0) to (%c8, %c8) step (%c1, %c1) {
    memref.store %z, %a[%i, %j] : memref<8x8xf32>
    scf.reduce
  }
  return
}
