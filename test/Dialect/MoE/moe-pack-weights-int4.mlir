// RUN: tamis-opt %s --moe-pack-weights=precision=int4 --verify-diagnostics | FileCheck %s
// Experts that have 4 bits in the model keep their integers, through all that their form asks for: the halves of a gate
// that lie in rows in turn, transposed and interleaved.

weight.source @fused : tensor<8x80x64xui8> in "model.onnx" at 0
weight.source @fused_scales : tensor<8x80x2xf32> in "model.onnx" at 65536
weight.source @fused_zeros : tensor<8x80x2xui8> in "model.onnx" at 131072
weight.source @out : tensor<8x96x20xui8> in "model.onnx" at 196608
weight.source @out_scales : tensor<8x96x2xf32> in "model.onnx" at 262144

// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<?x128xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x96xf32> {
  %bytes = weight.load @fused : tensor<8x80x64xui8>
  %q = weight.unpack %bytes {bits = 4 : i64, is_signed = false} : (tensor<8x80x64xui8>) -> tensor<8x80x128xui8>
  %s = weight.load @fused_scales : tensor<8x80x2xf32>
  %z = weight.load @fused_zeros : tensor<8x80x2xui8>
  %w = weight.dequantize %q, %s, %z {axis = 2 : i64, block_size = 64 : i64, is_unsigned = true}
    : (tensor<8x80x128xui8>, tensor<8x80x2xf32>, tensor<8x80x2xui8>) -> tensor<8x80x128xf32>
  %pairs = weight.reshape %w : (tensor<8x80x128xf32>) -> tensor<8x40x2x128xf32>
  %g2 = weight.slice %pairs {axis = 2 : i64, begin = 0 : i64} : (tensor<8x40x2x128xf32>) -> tensor<8x40x1x128xf32>
  %u2 = weight.slice %pairs {axis = 2 : i64, begin = 1 : i64} : (tensor<8x40x2x128xf32>) -> tensor<8x40x1x128xf32>
  %g1 = weight.reshape %g2 : (tensor<8x40x1x128xf32>) -> tensor<8x40x128xf32>
  %u1 = weight.reshape %u2 : (tensor<8x40x1x128xf32>) -> tensor<8x40x128xf32>
  %g = weight.transpose %g1 {perm = array<i64: 0, 2, 1>} : (tensor<8x40x128xf32>) -> tensor<8x128x40xf32>
  %u = weight.transpose %u1 {perm = array<i64: 0, 2, 1>} : (tensor<8x40x128xf32>) -> tensor<8x128x40xf32>
  // CHECK: %[[Q:.*]] = weight.interleave_columns {{.*}} : (tensor<8x128x40xui8>, tensor<8x128x40xui8>) -> tensor<8x128x80xui8>
  // CHECK: %[[IN:.*]] = weight.pack_int4 %{{.*}}, %{{.*}}, %{{.*}} {block = 64 : i64, is_unsigned = true}
  // CHECK-SAME: (tensor<8x128x80xui8>, tensor<8x2x80xf32>, tensor<8x2x80xui8>) -> tensor<8x5x2x10x16xi32>
  %in = weight.interleave_columns %g, %u : (tensor<8x128x40xf32>, tensor<8x128x40xf32>) -> tensor<8x128x80xf32>
  %outBytes = weight.load @out : tensor<8x96x20xui8>
  %outQ = weight.unpack %outBytes {bits = 4 : i64, is_signed = false} : (tensor<8x96x20xui8>) -> tensor<8x96x40xui8>
  %outS = weight.load @out_scales : tensor<8x96x2xf32>
  %outZ = weight.load @eight : tensor<1xui8>
  %outW = weight.dequantize %outQ, %outS, %outZ {axis = 2 : i64, block_size = 32 : i64, is_unsigned = true}
    : (tensor<8x96x40xui8>, tensor<8x96x2xf32>, tensor<1xui8>) -> tensor<8x96x40xf32>
  // CHECK: %[[OUT:.*]] = weight.pack_int4 %{{.*}}, %{{.*}} {block = 32 : i64, is_unsigned = true}
  // CHECK-SAME: (tensor<8x40x96xui8>, tensor<8x2x96xf32>) -> tensor<8x6x2x5x16xi32>
  %out = weight.transpose %outW {perm = array<i64: 0, 2, 1>} : (tensor<8x96x40xf32>) -> tensor<8x40x96xf32>
  // CHECK: moe.experts %arg0 to %arg1 in %[[IN]] out %[[OUT]]
  %0 = moe.experts %x to %i in %in out %out {activation = #nn<activation silu>, gated}
    : (tensor<?x128xf32>, tensor<?x2xi64>, tensor<8x128x80xf32>, tensor<8x40x96xf32>) -> tensor<?x2x96xf32>
  return %0 : tensor<?x2x96xf32>
}
weight.source @eight : tensor<1xui8> value dense<8> : tensor<1xui8>

// Blocks along N are none that a kernel has: rounded once more.
// CHECK-LABEL: func.func @rounded
func.func @rounded(%x: tensor<?x40xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x96xf32> {
  %bytes = weight.load @out : tensor<8x96x20xui8>
  %q = weight.unpack %bytes {bits = 4 : i64, is_signed = false} : (tensor<8x96x20xui8>) -> tensor<8x96x40xui8>
  %s = weight.load @row_scales : tensor<8x3x40xf32>
  %w = weight.dequantize %q, %s {axis = 1 : i64, block_size = 32 : i64, is_unsigned = false}
    : (tensor<8x96x40xui8>, tensor<8x3x40xf32>) -> tensor<8x96x40xf32>
  %t = weight.transpose %w {perm = array<i64: 0, 2, 1>} : (tensor<8x96x40xf32>) -> tensor<8x40x96xf32>
  %square = weight.load @square : tensor<8x96x96xf32>
  // CHECK-COUNT-2: weight.quantize_int4
  // expected-warning @below {{has a weight of integers that int4 cannot keep as they are}}
  %0 = moe.experts %x to %i in %t out %square {activation = #nn<activation silu>}
    : (tensor<?x40xf32>, tensor<?x2xi64>, tensor<8x40x96xf32>, tensor<8x96x96xf32>) -> tensor<?x2x96xf32>
  return %0 : tensor<?x2x96xf32>
}
weight.source @row_scales : tensor<8x3x40xf32> in "model.onnx" at 0
weight.source @square : tensor<8x96x96xf32> in "model.onnx" at 0
