// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4

// Layers of equal K share one function, in which N is an argument and K a constant.
// CHECK-LABEL: func.func @main
// CHECK: rt.parallel {{.*}} "nn.linear"
// CHECK-NEXT: ^bb0(%[[BEGIN:.*]]: index, %[[END:.*]]: index, %{{.*}}: index):
// CHECK: call @kernel_linear_none_bias_k384(%{{.*}}, %[[BEGIN]], %[[END]])
// CHECK: rt.parallel {{.*}} "nn.linear"
// CHECK: call @kernel_linear_none_bias_k1536(
// CHECK: rt.parallel {{.*}} "nn.linear"
// CHECK: call @kernel_linear_none_bias_k384(
// CHECK-LABEL: func.func private @kernel_linear_none_bias_k384(

// The body for 6 rows that are all: 12 accumulators of 8 lanes, or 24 of 16. A line of each panel is asked for, for
// the second-level cache (2).
// V3: default {
// V3: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// V3-COUNT-1: "llvm.intr.prefetch"({{.*}}) <{cache = 1 : i32, hint = 2 : i32
// V3-NOT: llvm.intr.prefetch
// V3-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// V3-NEXT: scf.yield
// V4: default {
// V4: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// V4-COUNT-4: "llvm.intr.prefetch"({{.*}}) <{cache = 1 : i32, hint = 2 : i32
// V4-NOT: llvm.intr.prefetch
// V4-COUNT-24: vector.fma {{.*}} : vector<16xf32>
// V4-NEXT: scf.yield

// The body for 6 rows of more: a line of each panel is asked for, for the nearest cache (3), and two of what is read
// next, for the second one (2).
// V3: default {
// V3: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// V3-COUNT-2: "llvm.intr.prefetch"({{.*}}) <{cache = 1 : i32, hint = 2 : i32
// V3: "llvm.intr.prefetch"({{.*}}) <{cache = 1 : i32, hint = 3 : i32
// V3-NOT: llvm.intr.prefetch
// V3-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// V3-NEXT: scf.yield
// V4: default {
// V4: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>) {
// V4-COUNT-2: "llvm.intr.prefetch"({{.*}}) <{cache = 1 : i32, hint = 2 : i32
// V4-COUNT-4: "llvm.intr.prefetch"({{.*}}) <{cache = 1 : i32, hint = 3 : i32
// V4-NOT: llvm.intr.prefetch
// V4-COUNT-24: vector.fma {{.*}} : vector<16xf32>
// V4-NEXT: scf.yield
func.func @main(%x: memref<?x384xf32>, %w: memref<96x384x16xf32>, %b: memref<1536xf32>, %h: memref<?x1536xf32>,
                %v: memref<24x1536x16xf32>, %c: memref<384xf32>, %y: memref<?x384xf32>,
                %u: memref<24x384x16xf32>, %z: memref<?x384xf32>) {
  kernel.linear %x, %w, %b, %h {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x384xf32>, memref<96x384x16xf32>, memref<1536xf32>, memref<?x1536xf32>
  kernel.linear %h, %v, %c, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x1536xf32>, memref<24x1536x16xf32>, memref<384xf32>, memref<?x384xf32>
  kernel.linear %y, %u, %c, %z {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x384xf32>, memref<24x384x16xf32>, memref<384xf32>, memref<?x384xf32>
  return
}
