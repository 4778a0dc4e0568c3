// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v3 --split-input-file | FileCheck %s --check-prefix=V3
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v3-vnni --split-input-file | FileCheck %s --check-prefix=VNNI3
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4-bf16 --split-input-file | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4-amx --split-input-file | FileCheck %s --check-prefix=AMX

// The packed weight says the precision, the ISA level what instruction multiplies.

// Where nothing multiplies bf16, a weight becomes f32 in registers, and the rows stay as they are.
// V3-LABEL: func.func @main
// V3-NOT: "convert rows"
// V3: call @kernel_linear_bf16_
// V3: call @kernel_linear_split_
// Rows become bytes with a scale each.
// V3: rt.parallel {{.*}} "convert rows"
// V3: arith.trunci {{.*}} : vector<8xi32> to vector<8xi8>
// V3: call @kernel_linear_int8_
// V3-LABEL: func.func private @kernel_linear_bf16_
// V3: arith.shli {{.*}} : vector<8xi32>
// V3: vector.fma
// Pairs of 16 bits, which cannot overflow.
// V3-LABEL: func.func private @kernel_linear_int8_
// V3: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"

// VNNI3-LABEL: func.func private @kernel_linear_int8_
// VNNI3: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"

// BF16-LABEL: func.func @main
// BF16: rt.parallel {{.*}} "convert rows"
// BF16: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtneps2bf16.512"
// BF16-LABEL: func.func private @kernel_linear_bf16_
// BF16: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// Two bf16 a weight are added up to an f32, which costs less than three products in registers.
// BF16-LABEL: func.func private @kernel_linear_split_
// BF16: vector.fma
// BF16-LABEL: func.func private @kernel_linear_int8_
// BF16: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"

// Tiles: four sums, of 32 rows by 2 panels.
// AMX-LABEL: func.func private @kernel_linear_bf16_
// AMX-COUNT-4: amx.tile_mulf
// AMX-LABEL: func.func private @kernel_linear_split_
// AMX-COUNT-12: amx.tile_mulf
// AMX-LABEL: func.func private @kernel_linear_int8_
// AMX-COUNT-4: amx.tile_muli {{.*}} zext
func.func @main(%x: memref<?x64xf32>, %b: memref<4x32x16x2xbf16>, %s: memref<4x2x32x16x2xbf16>,
                %i: memref<4x16x16x4xi8>, %scale: memref<64xf32>, %sums: memref<64xi32>, %y: memref<?x64xf32>) {
  kernel.linear %x, %b, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x64xf32>, memref<4x32x16x2xbf16>, memref<?x64xf32>
  kernel.linear %x, %s, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x64xf32>, memref<4x2x32x16x2xbf16>, memref<?x64xf32>
  kernel.linear %x, %i, %scale, %sums, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 1, 1, 1>}
    : memref<?x64xf32>, memref<4x16x16x4xi8>, memref<64xf32>, memref<64xi32>, memref<?x64xf32>
  return
}

// -----

// A layer writes its result in the form of the product that reads it, and not at all when nothing else does.
// AMX-LABEL: func.func @chain
// AMX: rt.parallel {{.*}} "convert rows"
// AMX: call @kernel_linear_bf16_gelu_to_bf16_only_
// AMX-NOT: "convert rows"
// AMX: call @kernel_linear_bf16_none_
func.func @chain(%x: memref<?x64xf32>, %w: memref<4x32x16x2xbf16>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x64xf32>
  %h = memref.alloc(%t) : memref<?x64xf32>
  kernel.linear %x, %w, %h {activation = #nn<activation gelu>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x64xf32>, memref<4x32x16x2xbf16>, memref<?x64xf32>
  kernel.linear %h, %w, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x64xf32>, memref<4x32x16x2xbf16>, memref<?x64xf32>
  return
}

// -----

// A layer norm has whole rows, and with them their scales: no pass rounds them to bytes.
// AMX-LABEL: func.func @norm
// AMX: rt.parallel {{.*}} "nn.layer_norm"
// AMX: arith.trunci {{.*}} : vector<16xi32> to vector<16xi8>
// AMX-NOT: "convert rows"
// AMX: call @kernel_linear_int8_
func.func @norm(%x: memref<?x64xf32>, %g: memref<64xf32>, %w: memref<4x16x16x4xi8>, %scale: memref<64xf32>,
                %sums: memref<64xi32>, %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x64xf32>
  %h = memref.alloc(%t) : memref<?x64xf32>
  kernel.layer_norm %x, %g, %g, %h {epsilon = 1.0e-5 : f32} : memref<?x64xf32>, memref<64xf32>, memref<64xf32>, memref<?x64xf32>
  kernel.linear %h, %w, %scale, %sums, %y {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 1, 1, 1>}
    : memref<?x64xf32>, memref<4x16x16x4xi8>, memref<64xf32>, memref<64xi32>, memref<?x64xf32>
  return
}
