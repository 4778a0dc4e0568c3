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

// -----

// So are vectors; the instructions of bf16 keep their own types.

// CHECK-LABEL: llvm.func internal @vectors(
// CHECK: %[[ZERO:.*]] = llvm.mlir.constant(dense<0> : vector<16xi16>) : vector<16xi16>
// CHECK: %[[V:.*]] = llvm.intr.masked.load {{.*}}, %[[ZERO]] {{.*}} -> vector<16xi16>
// CHECK: llvm.zext %{{.*}} : vector<16xi16> to vector<16xi32>
// CHECK: %[[R:.*]] = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtneps2bf16.512"({{.*}}) : (vector<16xf32>) -> vector<16xbf16>
// CHECK: %[[BITS:.*]] = llvm.bitcast %[[R]] : vector<16xbf16> to vector<16xi16>
// CHECK: llvm.intr.masked.store %[[BITS]]
// CHECK: %[[OPERAND:.*]] = llvm.bitcast %{{.*}} : vector<32xi16> to vector<32xbf16>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%{{.*}}, %[[OPERAND]], %[[OPERAND]])
func.func @vectors(%a: memref<?xbf16>, %at: index, %mask: vector<16xi1>) -> vector<16xf32> {
  %zero = arith.constant dense<0.0> : vector<16xbf16>
  %v = vector.maskedload %a[%at], %mask, %zero : memref<?xbf16>, vector<16xi1>, vector<16xbf16> into vector<16xbf16>
  %bits = vector.bitcast %v : vector<16xbf16> to vector<16xi16>
  %wide = arith.extui %bits : vector<16xi16> to vector<16xi32>
  %x = vector.bitcast %wide : vector<16xi32> to vector<16xf32>
  %r = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtneps2bf16.512"(%x) : (vector<16xf32>) -> vector<16xbf16>
  vector.maskedstore %a[%at], %mask, %r : memref<?xbf16>, vector<16xi1>, vector<16xbf16>
  %pairs = vector.load %a[%at] : memref<?xbf16>, vector<32xbf16>
  %y = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%x, %pairs, %pairs) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
  return %y : vector<16xf32>
}

// -----

// A tile that is not read again soon is loaded past the first-level cache; any other is not.

// CHECK-LABEL: llvm.func internal @streams(
// CHECK: llvm.call_intrinsic "llvm.x86.tileloaddt164.internal"({{.*}}) : (i16, i16, !llvm.ptr, i64) -> !llvm.x86_amx
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"({{.*}}) : (i16, i16, !llvm.ptr, i64) -> !llvm.x86_amx
func.func @streams(%a: memref<?xbf16>, %at: index, %stride: index, %out: memref<?xbf16>) {
  %rows = amx.tile_load %a[%at], %stride {tamis.streaming} : memref<?xbf16> into !amx.tile<16x32xbf16>
  %panel = amx.tile_load %a[%at], %stride : memref<?xbf16> into !amx.tile<16x32xbf16>
  amx.tile_store %out[%at], %rows, %stride : memref<?xbf16>, !amx.tile<16x32xbf16>
  amx.tile_store %out[%at], %panel, %stride : memref<?xbf16>, !amx.tile<16x32xbf16>
  return
}

// -----

// CHECK: tamis.operations = {{\[}}["layer/experts", "moe.experts"]]
// CHECK-LABEL: llvm.func internal @main(
// CHECK-SAME: %[[HOST:[^:]*]]: !llvm.ptr
// CHECK-DAG: %[[NONE:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK-DAG: %[[EXPERTS:.*]] = llvm.getelementptr %[[HOST]][112] {{.*}} i8
// CHECK: %[[CALLEE:.*]] = llvm.load %[[EXPERTS]]
// CHECK: llvm.call %[[CALLEE]](%[[HOST]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[NONE]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {{.*}}: !llvm.ptr, (!llvm.ptr, i64, !llvm.ptr, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, !llvm.ptr, i64) -> ()
func.func @main(%counts: memref<4xi64>, %a: memref<?xf32>, %w: memref<?xi8>) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %a, %c0 : memref<?xf32>
  rt.experts %counts tokens %n pairs %n in %w bytes %n out %w bytes %n : memref<4xi64>, index, index, memref<?xi8>, index, memref<?xi8>, index loc("layer/experts")
  return %a : memref<?xf32>
}

// -----

// CHECK: tamis.operations = {{\[}}["layer/attention", "token.select"]]
// CHECK-LABEL: llvm.func internal @main(
// CHECK-SAME: %[[HOST:[^:]*]]: !llvm.ptr
// CHECK: %[[SETTINGS:.*]] = llvm.getelementptr %[[HOST]][144] {{.*}} i8
// CHECK: %[[VALUES:.*]] = llvm.load %[[SETTINGS]]
// CHECK: %[[VALUE:.*]] = llvm.getelementptr %[[VALUES]][3] : (!llvm.ptr) -> !llvm.ptr, f32
// CHECK: llvm.load %[[VALUE]] : !llvm.ptr -> f32
// CHECK: llvm.getelementptr %[[HOST]][152] {{.*}} i8
// CHECK: llvm.call %{{.*}}(%[[HOST]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {{.*}}: !llvm.ptr, (!llvm.ptr, i64, i64, i64, !llvm.ptr) -> ()
// CHECK: llvm.getelementptr %[[HOST]][160] {{.*}} i8
// CHECK: llvm.call %{{.*}}(%[[HOST]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {{.*}}: !llvm.ptr, (!llvm.ptr, i64, i64, i64, i64, !llvm.ptr) -> ()
func.func @main(%x: memref<?x12xf32>, %p: memref<?xi64>) -> memref<?x12xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x12xf32>
  %s = rt.setting 3
  memref.store %s, %x[%c0, %c0] : memref<?x12xf32>
  rt.tokens %n of %n at %p : memref<?xi64> loc("layer/attention")
  rt.observe_states %x layer 2 : memref<?x12xf32> loc("layer/attention")
  return %x : memref<?x12xf32>
}

// -----

// CHECK: tamis.operations = {{\[}}["layer/seen", "moe.experts"]]
// CHECK-LABEL: llvm.func internal @main(
// CHECK-SAME: %[[HOST:[^:]*]]: !llvm.ptr
// CHECK-DAG: %[[NONE:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK-DAG: %[[OBSERVE:.*]] = llvm.getelementptr %[[HOST]][120] {{.*}} i8
// CHECK: %[[CALLEE:.*]] = llvm.load %[[OBSERVE]]
// CHECK: llvm.call %[[CALLEE]](%[[HOST]], %{{.*}}, %[[NONE]]) {{.*}}: !llvm.ptr, (!llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
func.func @main(%i: memref<?x2xi64>, %w: memref<?x2xf32>, %y: memref<?x12xf32>) -> memref<?x12xf32> {
  rt.observe %i weighted %w of %y {experts = 4 : i64} : memref<?x2xi64>, memref<?x2xf32>, memref<?x12xf32> loc("layer/seen")
  return %y : memref<?x12xf32>
}

// -----

// The host fills a record on the stack: data, rows from one head to the next, whether the past is there. Rows that are
// wanted are a member of the host, null for all.

// CHECK-LABEL: llvm.func internal @decoding(
// CHECK-SAME: %[[HOST:[^:]*]]: !llvm.ptr
// CHECK: %[[RECORD:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr, i64, i64)>
// CHECK: %[[HEADS:.*]] = llvm.mul %{{.*}}, %{{.*}} : i64
// CHECK: llvm.getelementptr %[[HOST]][128]
// CHECK: llvm.call %{{.*}}(%[[HOST]], %{{.*}}, %[[HEADS]], %{{.*}}, %{{.*}}, %[[RECORD]]) : !llvm.ptr, (!llvm.ptr, i64, i64, i64, i64, !llvm.ptr) -> ()
// CHECK: llvm.getelementptr %[[RECORD]][0, 1]
// CHECK: llvm.getelementptr %[[HOST]][136]
// CHECK: llvm.icmp "ne"
func.func @decoding(%n: index) -> (memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>, i1, memref<?xi64>) {
  %place, %kept = rt.cache 2 batch %n rows %n : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>
  %some, %rows = rt.wanted_rows %n : memref<?xi64>
  %both = arith.andi %kept, %some : i1
  return %place, %both, %rows : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>, i1, memref<?xi64>
}

// -----

// Memory beside the caches comes in the same record.

// CHECK-LABEL: llvm.func internal @beside(
// CHECK-SAME: %[[HOST:[^:]*]]: !llvm.ptr
// CHECK: %[[RECORD:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr, i64, i64)>
// CHECK: %[[BYTES:.*]] = llvm.mul %{{.*}}, %{{.*}} : i64
// CHECK: llvm.getelementptr %[[HOST]][168]
// CHECK: llvm.call %{{.*}}(%[[HOST]], %{{.*}}, %{{.*}}, %[[BYTES]], %[[RECORD]]) : !llvm.ptr, (!llvm.ptr, i64, i64, i64, !llvm.ptr) -> ()
// CHECK: llvm.getelementptr %[[RECORD]][0, 2]
func.func @beside(%n: index) -> (memref<?x?xf32>, i1) {
  %memory, %kept = rt.keep 3 rows %n columns %n : memref<?x?xf32>
  return %memory, %kept : memref<?x?xf32>, i1
}
