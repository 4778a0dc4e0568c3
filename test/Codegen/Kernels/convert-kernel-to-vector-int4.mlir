// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4-vnni | FileCheck %s --check-prefixes=CHECK,VNNI
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4-amx | FileCheck %s --check-prefixes=CHECK,AMX

// Weights of 4 bits: rows become bytes and sums of groups, and the integers of a group become f32 by its scale.
// CHECK-LABEL: func.func @main
// Many rows go through the tiles, for which panels become bf16.
// AMX: scf.if
// CHECK: rt.parallel {{.*}} "convert rows"
// CHECK: call @kernel_linear_int4_g32_zeros_
// AMX: rt.parallel {{.*}} "unpack weights"
// AMX: call @kernel_unpack_int4_g32_zeros
// AMX: call @kernel_linear_int4_tiles_
// CHECK-LABEL: func.func private @kernel_linear_int4_g32_zeros_
// CHECK: arith.andi
// CHECK: arith.shrui
// V3: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// V3: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// VNNI: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: arith.sitofp
// The zero points, times the sum of the group's bytes, then the scales.
// CHECK: vector.fma
// CHECK: vector.fma
// AMX-LABEL: func.func private @kernel_linear_int4_tiles_
// AMX-COUNT-4: amx.tile_mulf
func.func @main(%x: memref<?x64xf32>, %w: memref<4x2x6x16xi32>, %y: memref<?x64xf32>) {
  kernel.linear %x, %w, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x64xf32>, memref<4x2x6x16xi32>, memref<?x64xf32>
  return
}
