// RUN: not tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v2 2>&1 | FileCheck %s --check-prefix=ISA
// RUN: not tamis-opt %s --convert-kernel-to-vector 2>&1 | FileCheck %s

// ISA: there are no kernels for the ISA level 'x86-64-v2'; there are x86-64-v4-amx, {{.*}}x86-64-v3

// All faults are told at once.
// CHECK: needs a packed weight, [ceil(N / 16), K, 16] of f32
// CHECK: needs either a mask or offsets
func.func @main(%x: memref<?x8xf32>, %w: memref<8x8xf32>, %y: memref<?x8xf32>) {
  kernel.linear %x, %w, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x8xf32>, memref<8x8xf32>, memref<?x8xf32>
  kernel.mean_pool %x, %y {epsilon = 1.0e-09 : f32, operandSegmentSizes = array<i32: 1, 0, 0, 0, 1>}
    : memref<?x8xf32>, memref<?x8xf32>
  return
}
