// RUN: tamis-opt %s --weight-fold --canonicalize | FileCheck %s

weight.source @w : tensor<32x40xf32> in "model.onnx" at 0

// CHECK-LABEL: func.func @fold
// CHECK: weight.transpose {{.*}} -> tensor<40x32xf32>
// CHECK: weight.slice {{.*}}axis = 0 : i64, begin = 8 : i64{{.*}} -> tensor<32x32xf32>
// CHECK: weight.reshape {{.*}} -> tensor<1024xf32>
// CHECK-NOT: onnx.
func.func @fold() -> tensor<1024xf32> {
  %w = weight.load @w : tensor<32x40xf32>
  %from = onnx.Constant dense<8> : tensor<1xi64>
  %to = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %shape = onnx.Constant dense<-1> : tensor<1xi64>
  %0 = onnx.Transpose %w {perm = array<i64: 1, 0>} : (tensor<32x40xf32>) -> tensor<40x32xf32>
  %1 = onnx.Slice %0, %from, %to {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<40x32xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<32x32xf32>
  %2 = onnx.Reshape %1, %shape : (tensor<32x32xf32>, tensor<1xi64>) -> tensor<1024xf32>
  return %2 : tensor<1024xf32>
}

// Twice transposed is the weight itself; an input stays an op of the model.

// CHECK-LABEL: func.func @twice
// CHECK: %[[W:.*]] = weight.load
// CHECK: %[[X:.*]] = onnx.Transpose %arg0
// CHECK: return %[[W]], %[[X]]
func.func @twice(%x: tensor<2x3xf32>) -> (tensor<32x40xf32>, tensor<3x2xf32>) {
  %w = weight.load @w : tensor<32x40xf32>
  %0 = onnx.Transpose %w {perm = array<i64: 1, 0>} : (tensor<32x40xf32>) -> tensor<40x32xf32>
  %1 = onnx.Transpose %0 {perm = array<i64: 1, 0>} : (tensor<40x32xf32>) -> tensor<32x40xf32>
  %2 = onnx.Transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return %1, %2 : tensor<32x40xf32>, tensor<3x2xf32>
}

weight.source @q : tensor<64x48xi8> in "model.onnx" at 0
weight.source @n : tensor<48x32xui8> in "model.onnx" at 0
weight.source @s : tensor<48xf32> in "model.onnx" at 0

// Integers of a file, their scales and zero points stay operands of the dequantisation.

// CHECK-LABEL: func.func @dequantize
// CHECK: %[[Q:.*]] = weight.load @q
// CHECK: %[[S:.*]] = weight.load @s
// CHECK: %[[D:.*]] = weight.dequantize %[[Q]], %[[S]] {axis = 1 : i64, is_unsigned = false}
// CHECK: %[[N:.*]] = weight.unpack
// CHECK: %[[Z:.*]] = weight.load @constant
// CHECK: %[[B:.*]] = weight.dequantize %[[N]], %{{.*}}, %[[Z]] {axis = 1 : i64, block_size = 32 : i64, is_unsigned = true}
// CHECK: %[[T:.*]] = weight.transpose %[[B]]
// CHECK: return %[[D]], %[[T]]
func.func @dequantize() -> (tensor<64x48xf32>, tensor<64x48xf32>) {
  %q = weight.load @q : tensor<64x48xi8>
  %n = weight.load @n : tensor<48x32xui8>
  %s = weight.load @s : tensor<48xf32>
  %0 = onnx.DequantizeLinear %q, %s {axis = 1 : i64} : (tensor<64x48xi8>, tensor<48xf32>) -> tensor<64x48xf32>
  %1 = onnx.UnpackBits %n {bits = 4 : i64} : (tensor<48x32xui8>) -> tensor<48x64xui8>
  %z = onnx.Constant dense<8> : tensor<ui8>
  %b = onnx.Constant dense<0.5> : tensor<48x2xf32>
  %2 = onnx.DequantizeLinear %1, %b, %z {axis = 1 : i64, block_size = 32 : i64}
      : (tensor<48x64xui8>, tensor<48x2xf32>, tensor<ui8>) -> tensor<48x64xf32>
  %3 = onnx.Transpose %2 {perm = array<i64: 1, 0>} : (tensor<48x64xf32>) -> tensor<64x48xf32>
  return %0, %3 : tensor<64x48xf32>, tensor<64x48xf32>
}

// Quantisers of weights alone write a cast and a product.

// CHECK-LABEL: func.func @scaled_cast
// CHECK: %[[R:.*]] = weight.reshape %{{.*}} : (tensor<1x48xf32>) -> tensor<48xf32>
// CHECK: weight.dequantize %{{.*}}, %[[R]] {axis = 1 : i64, is_unsigned = false}
// CHECK: onnx.Cast
func.func @scaled_cast(%x: tensor<64x48xi8>) -> (tensor<64x48xf32>, tensor<64x48xf32>) {
  %q = weight.load @q : tensor<64x48xi8>
  %s = onnx.Constant dense<0.5> : tensor<1x48xf32>
  %0 = onnx.Cast %q : (tensor<64x48xi8>) -> tensor<64x48xf32>
  %1 = onnx.Mul %0, %s : (tensor<64x48xf32>, tensor<1x48xf32>) -> tensor<64x48xf32>
  %2 = onnx.Cast %x : (tensor<64x48xi8>) -> tensor<64x48xf32>
  %3 = onnx.Mul %2, %s : (tensor<64x48xf32>, tensor<1x48xf32>) -> tensor<64x48xf32>
  return %1, %3 : tensor<64x48xf32>, tensor<64x48xf32>
}
