// RUN: tamis-opt %s --rt-outline | FileCheck %s

// Constants are made again in the body; everything else is a capture. The entry gets the host.

// CHECK: func.func @main(%{{.*}}: !llvm.ptr, %[[A:.*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK: rt.launch @main_body(%[[A]] : memref<?xf32>) count %[[N]] grain %{{.*}} "test" flops %[[N]] bytes %[[N]]
// CHECK: func.func private @main_body(%{{.*}}: !llvm.ptr, %[[BEGIN:.*]]: index, %[[END:.*]]: index, %{{.*}}: index, %[[CAPTURE:.*]]: memref<?xf32>)
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]] step %[[ONE]]
// CHECK: memref.store %{{.*}}, %[[CAPTURE]][%[[I]]]
// CHECK: return
func.func @main(%a: memref<?xf32>, %n: index) {
  %c1 = arith.constant 1 : index
  %z = arith.constant 0.0 : f32
  rt.parallel %n grain %c1 "test" flops %n bytes %n {
  ^bb0(%begin: index, %end: index, %thread: index):
    scf.for %i = %begin to %end step %c1 {
      memref.store %z, %a[%i] : memref<?xf32>
    }
    rt.yield
  }
  return
}
