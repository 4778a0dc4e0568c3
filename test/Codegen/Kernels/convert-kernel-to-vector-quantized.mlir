// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4

// The range needs all of x before any of it is quantised: two regions. Products are exact in i32.
// CHECK-LABEL: func.func @quantized
// CHECK: rt.parallel {{.*}} "nn.quantize"
// CHECK: rt.parallel {{.*}} "nn.quantize"
// CHECK: math.roundeven
// CHECK: rt.parallel {{.*}} "nn.quantized_linear"
// V3: arith.extsi %{{.*}} : vector<8xi8> to vector<8xi32>
// V4: arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.muli
// CHECK: arith.sitofp
func.func @quantized(%x: memref<?x8xf32>, %q: memref<?x8xi8>, %p: memref<2xf32>, %w: memref<8x24xi8>, %s: memref<24xf32>,
                     %c: memref<24xi32>, %y: memref<?x24xf32>) {
  kernel.dynamic_quantize %x, %q, %p : memref<?x8xf32>, memref<?x8xi8>, memref<2xf32>
  kernel.quantized_linear %q, %p, %w, %s, %c, %y
    {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x8xi8>, memref<2xf32>, memref<8x24xi8>, memref<24xf32>, memref<24xi32>, memref<?x24xf32>
  return
}
