// RUN: tamis-opt %s | tamis-opt | FileCheck %s

// CHECK-LABEL: func.func @region
func.func @region(%n: index, %a: memref<?xf32>) {
  %c1 = arith.constant 1 : index
  // CHECK: rt.parallel %arg0 grain %{{.*}} "nn.linear" flops %arg0 bytes %arg0 {
  // CHECK-NEXT: ^bb0(%{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
  rt.parallel %n grain %c1 "nn.linear" flops %n bytes %n {
  ^bb0(%begin: index, %end: index, %thread: index):
    rt.yield
  }
  // CHECK: rt.threads
  %t = rt.threads
  // CHECK: rt.count 0, %{{.*}}
  rt.count 0, %t
  %ok = arith.cmpi eq, %t, %n : index
  // CHECK: rt.check %{{.*}}, "an index is out of range"
  rt.check %ok, "an index is out of range"
  return
}

// CHECK-LABEL: func.func @experts
func.func @experts(%counts: memref<8xi64>, %n: index, %w: memref<?xbf16>, %v: memref<?xi8>) {
  // CHECK: rt.experts %arg0 tokens %arg1 pairs %arg1 in %arg2 bytes %arg1 out %arg3 bytes %arg1 : memref<8xi64>, index, index, memref<?xbf16>, index, memref<?xi8>, index
  rt.experts %counts tokens %n pairs %n in %w bytes %n out %v bytes %n : memref<8xi64>, index, index, memref<?xbf16>, index, memref<?xi8>, index
  // CHECK: rt.experts %arg0 tokens %arg1 pairs %arg1 places %arg0 in
  rt.experts %counts tokens %n pairs %n places %counts in %w bytes %n out %v bytes %n : memref<8xi64>, index, index, memref<8xi64>, memref<?xbf16>, index, memref<?xi8>, index
  return
}

// CHECK-LABEL: func.func @settings
func.func @settings(%n: index, %x: memref<?x12xf32>, %p: memref<?xi64>) -> f32 {
  // CHECK: %[[S:.*]] = rt.setting 3
  %s = rt.setting 3
  // CHECK: rt.tokens %arg0 of %arg0 at %arg2 : memref<?xi64>
  rt.tokens %n of %n at %p : memref<?xi64>
  // CHECK: rt.observe_states %arg1 layer 2 : memref<?x12xf32>
  rt.observe_states %x layer 2 : memref<?x12xf32>
  // CHECK: return %[[S]] : f32
  return %s : f32
}

// CHECK-LABEL: func.func @observe
func.func @observe(%i: memref<?x2xi64>, %w: memref<?x2xf32>, %y: memref<?x12xf32>, %l: memref<?x4xf32>) {
  // CHECK: rt.observe %arg0 weighted %arg1 of %arg2 logits %arg3 {experts = 4 : i64} : memref<?x2xi64>, memref<?x2xf32>, memref<?x12xf32>, memref<?x4xf32>
  rt.observe %i weighted %w of %y logits %l {experts = 4 : i64} : memref<?x2xi64>, memref<?x2xf32>, memref<?x12xf32>, memref<?x4xf32>
  // CHECK: rt.observe %arg0 weighted %arg1 of %arg2 {experts = 4 : i64}
  rt.observe %i weighted %w of %y {experts = 4 : i64} : memref<?x2xi64>, memref<?x2xf32>, memref<?x12xf32>
  return
}

// CHECK-LABEL: func.func @launch
func.func @launch(%n: index, %a: memref<?xf32>) {
  // CHECK: rt.launch @body(%arg1 : memref<?xf32>) count %arg0 grain %arg0 "test" flops %arg0 bytes %arg0
  rt.launch @body(%a : memref<?xf32>) count %n grain %n "test" flops %n bytes %n
  return
}

// CHECK-LABEL: func.func @decoding
func.func @decoding(%n: index) {
  // CHECK: rt.cache 2 batch %arg0 rows %arg0 : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>
  %place, %kept = rt.cache 2 batch %n rows %n : memref<?x2x?x8xf32, strided<[?, ?, 8, 1]>>
  // CHECK: rt.keep 3 rows %arg0 columns %arg0 : memref<?x?xi64>
  %memory, %is = rt.keep 3 rows %n columns %n : memref<?x?xi64>
  // CHECK: rt.wanted_rows %arg0 : memref<?xi64>
  %some, %rows = rt.wanted_rows %n : memref<?xi64>
  return
}
