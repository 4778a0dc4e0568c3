// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4

// The range needs all of x before any of it is quantised: three regions. Products are exact in i32.
// CHECK-LABEL: func.func @quantized
// CHECK: rt.parallel {{.*}} "nn.quantize"
// CHECK: rt.parallel {{.*}} "convert rows"
// CHECK: math.roundeven
// CHECK-NOT: vector.reduction
// CHECK: rt.parallel {{.*}} "nn.quantized_linear"
// CHECK: call @kernel_quantized_linear_none_tail_k16(

// Sums of rows, where the weight has zero points.
// CHECK-LABEL: func.func @zero_points
// CHECK: math.roundeven
// CHECK: vector.reduction <add>
// CHECK: call @kernel_quantized_linear_none_zeros_tail_k16(

// CHECK-LABEL: func.func private @kernel_quantized_linear_none_tail_k16(
// V3: llvm.x86.avx2.pmadd.wd
// V4: llvm.x86.avx512.pmaddw.d.512
// CHECK: arith.subi
// CHECK: arith.sitofp
func.func @quantized(%x: memref<?x8xf32>, %p: memref<2xf32>, %w: memref<2x16x16x4xi8>, %s: memref<24xf32>,
                     %c: memref<24xi32>, %y: memref<?x24xf32>) {
  kernel.dynamic_range %x, %p : memref<?x8xf32>, memref<2xf32>
  kernel.quantized_linear %x, %p, %w, %s, %c, %y
    {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 0, 0, 1>}
    : memref<?x8xf32>, memref<2xf32>, memref<2x16x16x4xi8>, memref<24xf32>, memref<24xi32>, memref<?x24xf32>
  return
}

func.func @zero_points(%x: memref<?x8xf32>, %p: memref<2xf32>, %w: memref<2x16x16x4xi8>, %s: memref<24xf32>,
                       %c: memref<24xi32>, %z: memref<24xi8>, %y: memref<?x24xf32>) {
  kernel.quantized_linear %x, %p, %w, %s, %c, %z, %y
    {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 1>}
    : memref<?x8xf32>, memref<2xf32>, memref<2x16x16x4xi8>, memref<24xf32>, memref<24xi32>, memref<24xi8>, memref<?x24xf32>
  return
}
