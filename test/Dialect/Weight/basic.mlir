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
