// RUN: tamis-opt %s --rt-plan-memory | FileCheck %s

func.func private @use(memref<?xf32>)

// The last use may be through a view, and inside a loop: the buffer is freed behind the loop.
// CHECK-LABEL: func.func @freed
func.func @freed(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: %[[A:.*]] = memref.alloc
  %a = memref.alloc(%n) : memref<?xf32>
  %view = memref.cast %a : memref<?xf32> to memref<?xf32, strided<[1]>>
  // CHECK: scf.for
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.load %view[%i] : memref<?xf32, strided<[1]>>
    memref.store %v, %view[%i] : memref<?xf32, strided<[1]>>
  }
  // CHECK: }
  // CHECK-NEXT: memref.dealloc %[[A]]
  // CHECK: %[[B:.*]] = memref.alloc
  %b = memref.alloc(%n) : memref<?xf32>
  call @use(%b) : (memref<?xf32>) -> ()
  // CHECK: call @use
  // CHECK-NEXT: memref.dealloc %[[B]]
  return
}

// What the function returns lives on.
// CHECK-LABEL: func.func @returned
// CHECK-NOT: memref.dealloc
func.func @returned(%n: index) -> memref<?xf32> {
  %a = memref.alloc(%n) : memref<?xf32>
  return %a : memref<?xf32>
}
