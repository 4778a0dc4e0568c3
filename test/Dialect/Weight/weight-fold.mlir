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
