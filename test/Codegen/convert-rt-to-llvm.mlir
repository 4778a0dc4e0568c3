// RUN: tamis-opt %s --split-input-file --rt-outline --convert-scf-to-cf --convert-rt-to-llvm | FileCheck %s

// Everything goes through the host, whose functions lie at fixed offsets. The operation table takes names from locations.

// CHECK: tamis.operations = {{\[}}["layer/check", "check"], ["layer/work", "test"]]
// CHECK: llvm.mlir.global internal constant @[[REASON:.*]]("the size is 0\00")

// CHECK-LABEL: llvm.func internal @main(
// CHECK-SAME: %[[HOST:[^:]*]]: !llvm.ptr
// CHECK-DAG: llvm.getelementptr %[[HOST]][24] {{.*}} i8
// CHECK-DAG: llvm.mlir.addressof @[[REASON]]
// CHECK: llvm.unreachable
// CHECK: llvm.getelementptr %[[HOST]][16]
// CHECK: llvm.call

// CHECK-LABEL: llvm.func internal @main_body_thunk(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.call @main_body
// CHECK-LABEL: llvm.func @tamis_entry(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: llvm.call @main
func.func @main(%a: memref<?xf32>) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  %some = arith.cmpi ne, %n, %c0 : index
  rt.check %some, "the size is 0" loc("layer/check")
  %b = memref.alloc(%n) : memref<?xf32>
  rt.parallel %n grain %c1 "test" flops %n bytes %n {
  ^bb0(%begin: index, %end: index, %thread: index):
    %v = memref.load %a[%begin] : memref<?xf32>
    memref.store %v, %b[%begin] : memref<?xf32>
    rt.yield
  } loc("layer/work")
  return %b : memref<?xf32>
}

// -----

// bf16 is its bits: LLVM would move some of it by arithmetic that needs a library.

// CHECK-LABEL: llvm.func internal @bits(
// CHECK-NOT: bf16
// CHECK: llvm.mlir.constant(16256 : i16) : i16
// CHECK: llvm.load {{.*}} -> i16
// CHECK: llvm.select {{.*}} : i1, i16
// CHECK: llvm.store {{.*}} : i16, !llvm.ptr
func.func @bits(%a: memref<?xbf16>, %some: i1) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : bf16
  %v = memref.load %a[%c0] : memref<?xbf16>
  %w = arith.select %some, %v, %one : bf16
  memref.store %w, %a[%c0] : memref<?xbf16>
  return
}
