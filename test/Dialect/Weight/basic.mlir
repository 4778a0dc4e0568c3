// RUN: tamis-opt %s | tamis-opt | FileCheck %s

// CHECK: weight.source @w : tensor<2x3xf32> in "model.onnx" at 16
// CHECK: weight.source @small : tensor<2xf32> value dense<1.000000e+00>
weight.source @w : tensor<2x3xf32> in "model.onnx" at 16
weight.source @small : tensor<2xf32> value dense<1.0> : tensor<2xf32>

// CHECK: weight.recipe @packed : tensor<1x3x16xf32> at 64 {
// CHECK:   weight.yield
weight.recipe @packed : tensor<1x3x16xf32> at 64 {
  %w = weight.load @w : tensor<2x3xf32>
  %t = weight.transpose %w {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %p = weight.pack_panels %t : (tensor<3x2xf32>) -> tensor<1x3x16xf32>
  weight.yield %p : tensor<1x3x16xf32>
}

// CHECK-LABEL: func.func @transforms
func.func @transforms() -> (tensor<4x3xf32>, tensor<6xf32>, tensor<2x1xf32>, memref<1x3x16xf32>) {
  %w = weight.load @w : tensor<2x3xf32>
  // CHECK: weight.concat %{{.*}}, %{{.*}} {axis = 0 : i64}
  %c = weight.concat %w, %w {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  // CHECK: weight.reshape
  %r = weight.reshape %w : (tensor<2x3xf32>) -> tensor<6xf32>
  // CHECK: weight.slice %{{.*}} {axis = 1 : i64, begin = 2 : i64}
  %s = weight.slice %w {axis = 1 : i64, begin = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  // CHECK: weight.get @packed : memref<1x3x16xf32>
  %g = weight.get @packed : memref<1x3x16xf32>
  return %c, %r, %s, %g : tensor<4x3xf32>, tensor<6xf32>, tensor<2x1xf32>, memref<1x3x16xf32>
}

// CHECK-LABEL: func.func @quantized
func.func @quantized(%q: tensor<8x16xui8>, %s: tensor<2x32xf32>, %w: tensor<32x8xi8>, %z: tensor<8xi8>, %i: tensor<4xi32>,
                     %one: tensor<f32>, %e: tensor<4x20xf32>, %m: tensor<3x4x20xf32>) {
  // CHECK: weight.unpack %{{.*}} {bits = 4 : i64, is_signed = false}
  %0 = weight.unpack %q {bits = 4 : i64, is_signed = false} : (tensor<8x16xui8>) -> tensor<8x32xui8>
  // CHECK: weight.dequantize %{{.*}}, %{{.*}} {axis = 0 : i64, block_size = 4 : i64, is_unsigned = true}
  %1 = weight.dequantize %0, %s {axis = 0 : i64, block_size = 4 : i64, is_unsigned = true}
      : (tensor<8x32xui8>, tensor<2x32xf32>) -> tensor<8x32xf32>
  // CHECK: weight.to_signed
  %2 = weight.to_signed %0 : (tensor<8x32xui8>) -> tensor<8x32xi8>
  // CHECK: weight.column_sums
  %3 = weight.column_sums %w, %z : (tensor<32x8xi8>, tensor<8xi8>) -> tensor<8xi32>
  // CHECK: weight.gather %{{.*}}, %{{.*}} {axis = 1 : i64}
  %4 = weight.gather %s, %i {axis = 1 : i64} : (tensor<2x32xf32>, tensor<4xi32>) -> tensor<2x4xf32>
  // 20 columns are rounded up to 24.
  // CHECK: weight.interleave_columns %{{.*}}, %{{.*}} : (tensor<4x20xf32>, tensor<4x20xf32>) -> tensor<4x48xf32>
  %6 = weight.interleave_columns %e, %e : (tensor<4x20xf32>, tensor<4x20xf32>) -> tensor<4x48xf32>
  // Matrices of several experts are packed one behind the other.
  // CHECK: weight.pack_panels %{{.*}} : (tensor<3x4x20xf32>) -> tensor<3x2x4x16xf32>
  %7 = weight.pack_panels %m : (tensor<3x4x20xf32>) -> tensor<3x2x4x16xf32>
  // CHECK: weight.expand
  %5 = weight.expand %one : (tensor<f32>) -> tensor<8xf32>
  return
}

weight.source @matrix : tensor<70x20xf32> in "model.onnx" at 64

// CHECK-LABEL: func.func @precisions
func.func @precisions() -> (tensor<2x48x16x2xbf16>, tensor<2x3x32x16x2xbf16>, tensor<2x32x16x4xi8>, tensor<20xf32>) {
  %w = weight.load @matrix : tensor<70x20xf32>
  // K is padded to whole blocks of 16 words.
  // CHECK: weight.pack_panels %{{.*}} : (tensor<70x20xf32>) -> tensor<2x48x16x2xbf16>
  %b = weight.pack_panels %w : (tensor<70x20xf32>) -> tensor<2x48x16x2xbf16>
  // CHECK: weight.pack_panels %{{.*}} : (tensor<70x20xf32>) -> tensor<2x3x32x16x2xbf16>
  %p = weight.pack_panels %w : (tensor<70x20xf32>) -> tensor<2x3x32x16x2xbf16>
  // CHECK: weight.quantize_columns %{{.*}} : (tensor<70x20xf32>) -> tensor<70x20xi8>
  %q = weight.quantize_columns %w : (tensor<70x20xf32>) -> tensor<70x20xi8>
  %i = weight.pack_panels %q : (tensor<70x20xi8>) -> tensor<2x32x16x4xi8>
  // CHECK: weight.column_scales
  %s = weight.column_scales %w : (tensor<70x20xf32>) -> tensor<20xf32>
  return %b, %p, %i, %s : tensor<2x48x16x2xbf16>, tensor<2x3x32x16x2xbf16>, tensor<2x32x16x4xi8>, tensor<20xf32>
}

// CHECK-LABEL: func.func @int4
func.func @int4(%w: tensor<70x20xf32>, %q: tensor<70x20xui8>, %s: tensor<2x20xf32>, %z: tensor<2x20xui8>) {
  // Groups of 32: 4 rows of 8 elements and one of scales.
  // CHECK: weight.quantize_int4 %{{.*}} {group = 32 : i64} : (tensor<70x20xf32>) -> tensor<2x3x5x16xi32>
  %0 = weight.quantize_int4 %w {group = 32 : i64} : (tensor<70x20xf32>) -> tensor<2x3x5x16xi32>
  // Groups of 64 that share the blocks of 64, and a row of zero points.
  // CHECK: weight.pack_int4 %{{.*}}, %{{.*}}, %{{.*}} {block = 64 : i64, is_unsigned = true}
  %1 = weight.pack_int4 %q, %s, %z {block = 64 : i64, is_unsigned = true}
      : (tensor<70x20xui8>, tensor<2x20xf32>, tensor<2x20xui8>) -> tensor<2x2x10x16xi32>
  // CHECK: weight.pack_int4 %{{.*}}, %{{.*}} {block = 64 : i64, is_unsigned = true}
  %2 = weight.pack_int4 %q, %s {block = 64 : i64, is_unsigned = true}
      : (tensor<70x20xui8>, tensor<2x20xf32>) -> tensor<2x2x9x16xi32>
  return
}
