// RUN: tamis-opt %s --nn-pack-weights=precision=int4 --verify-diagnostics | FileCheck %s
// RUN: tamis-opt %s --nn-pack-weights="precision=int4 int4-group=128" | FileCheck %s

// Weights that have 4 bits in the model keep their integers, scales and zero points, whatever the group.

weight.source @packed : tensor<40x32xui8> in "model.onnx" at 0
weight.source @scales : tensor<40x2xf32> in "model.onnx" at 0
weight.source @points : tensor<40x1xui8> in "model.onnx" at 0
weight.source @eight : tensor<ui8> value dense<8> : tensor<ui8>
weight.source @bytes : tensor<40x64xui8> in "model.onnx" at 0
weight.source @halves : tensor<40x1xf32> in "model.onnx" at 0

// K = 60 of two blocks of 32, transposed.
// CHECK-LABEL: func.func @kept
// CHECK: %[[Q:.*]] = weight.transpose %{{.*}} {perm = array<i64: 1, 0>} : (tensor<40x60xui8>) -> tensor<60x40xui8>
// CHECK: %[[W:.*]] = weight.pack_int4 %[[Q]], %{{.*}} {block = 32 : i64, is_unsigned = true} : (tensor<60x40xui8>, tensor<2x40xf32>) -> tensor<3x2x5x16xi32>
// CHECK: nn.linear %{{.*}}, %[[W]]
func.func @kept(%x: tensor<?x60xf32>) -> tensor<?x40xf32> {
  %p = weight.load @packed : tensor<40x32xui8>
  %u = weight.unpack %p {bits = 4 : i64, is_signed = false} : (tensor<40x32xui8>) -> tensor<40x64xui8>
  %s = weight.load @scales : tensor<40x2xf32>
  %z = weight.load @eight : tensor<ui8>
  %d = weight.dequantize %u, %s, %z {axis = 1 : i64, block_size = 32 : i64, is_unsigned = true}
    : (tensor<40x64xui8>, tensor<40x2xf32>, tensor<ui8>) -> tensor<40x64xf32>
  %c = weight.slice %d {axis = 1 : i64, begin = 0 : i64} : (tensor<40x64xf32>) -> tensor<40x60xf32>
  %w = weight.transpose %c {perm = array<i64: 1, 0>} : (tensor<40x60xf32>) -> tensor<60x40xf32>
  %y = nn.linear %x, %w : (tensor<?x60xf32>, tensor<60x40xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// Zero points take a row of each block; two layers became one.
// CHECK-LABEL: func.func @zeros
// CHECK: weight.concat {{.*}} : (tensor<64x40xui8>, tensor<64x40xui8>) -> tensor<64x80xui8>
// CHECK: weight.pack_int4 {{.*}} {block = 32 : i64, is_unsigned = true} : (tensor<64x80xui8>, tensor<2x80xf32>, tensor<2x80xui8>) -> tensor<5x2x6x16xi32>
func.func @zeros(%x: tensor<?x64xf32>) -> tensor<?x80xf32> {
  %p = weight.load @packed : tensor<40x32xui8>
  %u = weight.unpack %p {bits = 4 : i64, is_signed = false} : (tensor<40x32xui8>) -> tensor<40x64xui8>
  %s = weight.load @scales : tensor<40x2xf32>
  %b = weight.load @points : tensor<40x1xui8>
  %z = weight.unpack %b {bits = 4 : i64, is_signed = false} : (tensor<40x1xui8>) -> tensor<40x2xui8>
  %d = weight.dequantize %u, %s, %z {axis = 1 : i64, block_size = 32 : i64, is_unsigned = true}
    : (tensor<40x64xui8>, tensor<40x2xf32>, tensor<40x2xui8>) -> tensor<40x64xf32>
  %t = weight.transpose %d {perm = array<i64: 1, 0>} : (tensor<40x64xf32>) -> tensor<64x40xf32>
  %w = weight.concat %t, %t {axis = 1 : i64} : (tensor<64x40xf32>, tensor<64x40xf32>) -> tensor<64x80xf32>
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<64x80xf32>) -> tensor<?x80xf32>
  return %y : tensor<?x80xf32>
}

// A block of 256 is two groups of 128.
// CHECK-LABEL: func.func @large
// CHECK: weight.pack_int4 {{.*}} {block = 256 : i64, is_unsigned = true} : (tensor<64x40xui8>, tensor<1x40xf32>) -> tensor<3x1x17x16xi32>
func.func @large(%x: tensor<?x64xf32>) -> tensor<?x40xf32> {
  %p = weight.load @packed : tensor<40x32xui8>
  %u = weight.unpack %p {bits = 4 : i64, is_signed = false} : (tensor<40x32xui8>) -> tensor<40x64xui8>
  %s = weight.load @halves : tensor<40x1xf32>
  %z = weight.load @eight : tensor<ui8>
  %d = weight.dequantize %u, %s, %z {axis = 1 : i64, block_size = 256 : i64, is_unsigned = true}
    : (tensor<40x64xui8>, tensor<40x1xf32>, tensor<ui8>) -> tensor<40x64xf32>
  %w = weight.transpose %d {perm = array<i64: 1, 0>} : (tensor<40x64xf32>) -> tensor<64x40xf32>
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<64x40xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// What int4 cannot keep is rounded again, and that is said.
// CHECK-LABEL: func.func @again
// CHECK: weight.quantize_int4
func.func @again(%x: tensor<?x64xf32>) -> tensor<?x40xf32> {
  %q = weight.load @bytes : tensor<40x64xui8>
  %s = weight.load @scales : tensor<40x2xf32>
  %z = weight.load @eight : tensor<ui8>
  %d = weight.dequantize %q, %s, %z {axis = 1 : i64, block_size = 32 : i64, is_unsigned = true}
    : (tensor<40x64xui8>, tensor<40x2xf32>, tensor<ui8>) -> tensor<40x64xf32>
  %w = weight.transpose %d {perm = array<i64: 1, 0>} : (tensor<40x64xf32>) -> tensor<64x40xf32>
  // expected-warning @below {{has a weight of integers that int4 cannot keep as they are}}
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<64x40xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}
