// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4 --split-input-file | FileCheck %s --check-prefix=F32
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4-bf16 --split-input-file | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --convert-kernel-to-vector=isa=x86-64-v4-amx --split-input-file | FileCheck %s --check-prefix=AMX

// The attribute says what products may be rounded to, the ISA level whether it gains by that.

// F32-LABEL: func.func @bf16
// F32: memref.alloc{{.*}} : memref<?xf32>
// F32-NOT: bf16
// F32-LABEL: func.func @split

// BF16-LABEL: func.func @bf16
// BF16: memref.alloc{{.*}} : memref<?xbf16>
// BF16: call @kernel_attention_0
// Two terms a factor gain nothing without tiles.
// BF16-LABEL: func.func @split
// BF16-NOT: xbf16>
// BF16: call @kernel_attention_1
// BF16-LABEL: func.func private @kernel_attention_0
// Weights go straight into the second product's rows.
// BF16: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// BF16: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// BF16-LABEL: func.func private @kernel_product_packed_bf16
// BF16: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// BF16-LABEL: func.func private @kernel_attention_1
// BF16-NOT: bf16

// Tiles are multiplied where they are packed, and stored as they are.
// AMX-LABEL: func.func private @kernel_attention_0
// AMX-COUNT-4: amx.tile_mulf
// AMX-COUNT-4: amx.tile_store
// AMX: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// AMX: amx.tile_mulf
// AMX-LABEL: func.func private @kernel_attention_1
// AMX-COUNT-12: amx.tile_mulf
func.func @bf16(%x: memref<?x192xf32>, %offsets: memref<?xi64>, %y: memref<?x64xf32>) {
  kernel.attention %x, %x, %x, %offsets, %y {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 32 : i64,
      value_dim = 32 : i64, scale = 0.5 : f32, q_column = 0 : i64, k_column = 64 : i64, v_column = 128 : i64,
      causal = false, window = 0 : i64, softcap = 0.0 : f32, precision = #nn<product_precision bf16>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 0, 0, 1>}
    : memref<?x192xf32>, memref<?x192xf32>, memref<?x192xf32>, memref<?xi64>, memref<?x64xf32>
  return
}
func.func @split(%x: memref<?x192xf32>, %offsets: memref<?xi64>, %y: memref<?x64xf32>) {
  kernel.attention %x, %x, %x, %offsets, %y {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 32 : i64,
      value_dim = 32 : i64, scale = 0.5 : f32, q_column = 0 : i64, k_column = 64 : i64, v_column = 128 : i64,
      causal = false, window = 0 : i64, softcap = 0.0 : f32, precision = #nn<product_precision split_f32>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 0, 0, 1>}
    : memref<?x192xf32>, memref<?x192xf32>, memref<?x192xf32>, memref<?xi64>, memref<?x64xf32>
  return
}

// -----

// A layer in front of the attention writes rows of bf16, of which queries are multiplied where they lie.
// BF16-LABEL: func.func @behind
// BF16: call @kernel_linear_bf16_none_to_bf16_rows_only
// BF16: call @kernel_attention_0_bf16_bf16_bf16
// AMX-LABEL: func.func @behind
// AMX: call @kernel_linear_bf16_none_to_bf16_rows_only
// AMX: call @kernel_attention_0_bf16_bf16_bf16
// AMX-LABEL: func.func private @kernel_attention_0_bf16_bf16_bf16
// AMX-NOT: cvtneps2bf16
// AMX: amx.tile_mulf
func.func @behind(%x: memref<?x64xf32>, %w: memref<12x32x16x2xbf16>, %offsets: memref<?xi64>,
                  %y: memref<?x64xf32>) {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x64xf32>
  %h = memref.alloc(%t) : memref<?x192xf32>
  kernel.linear %x, %w, %h {activation = #nn<activation none>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0, 1>}
    : memref<?x64xf32>, memref<12x32x16x2xbf16>, memref<?x192xf32>
  kernel.attention %h, %h, %h, %offsets, %y {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 32 : i64,
      value_dim = 32 : i64, scale = 0.5 : f32, q_column = 0 : i64, k_column = 64 : i64, v_column = 128 : i64,
      causal = false, window = 0 : i64, softcap = 0.0 : f32, precision = #nn<product_precision bf16>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 0, 0, 1>}
    : memref<?x192xf32>, memref<?x192xf32>, memref<?x192xf32>, memref<?xi64>, memref<?x64xf32>
  return
}
