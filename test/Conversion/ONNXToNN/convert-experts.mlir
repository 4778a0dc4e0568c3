// RUN: tamis-opt %s --weight-fold --convert-onnx-to-nn --canonicalize | FileCheck %s

weight.source @fc1 : tensor<4x10x32xf32> in "model.onnx" at 0
weight.source @fc2 : tensor<4x32x10xf32> in "model.onnx" at 0
weight.source @fc3 : tensor<4x10x32xf32> in "model.onnx" at 0
weight.source @b1 : tensor<4x10xf32> in "model.onnx" at 0
weight.source @b2 : tensor<4x32xf32> in "model.onnx" at 0

// MoE: softmax over all experts, ties to the higher one, gelu in its tanh form.
// CHECK-LABEL: func.func @moe
// CHECK: %[[IN:.*]] = weight.transpose %{{.*}} {perm = array<i64: 0, 2, 1>} : (tensor<4x10x32xf32>) -> tensor<4x32x10xf32>
// CHECK: %[[ROWS:.*]] = onnx.Reshape %arg0, %{{.*}} -> tensor<?x32xf32>
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %arg1 {k = 2 : i64, normalize, score = #moe<score softmax>, ties = #moe<ties high>}
// CHECK: %[[Y:.*]] = moe.experts %[[ROWS]] to %[[I]] weighted %[[W]] in %[[IN]] bias %{{.*}} out %{{.*}} bias %{{.*}} {activation = #nn<activation gelu_tanh>}
// CHECK-SAME: -> tensor<?x32xf32>
// CHECK: onnx.Reshape %[[Y]], %{{.*}} -> tensor<?x?x32xf32>
func.func @moe(%x: tensor<?x?x32xf32>, %r: tensor<?x4xf32>) -> tensor<?x?x32xf32> {
  %w1 = weight.load @fc1 : tensor<4x10x32xf32>
  %b1 = weight.load @b1 : tensor<4x10xf32>
  %w2 = weight.load @fc2 : tensor<4x32x10xf32>
  %b2 = weight.load @b2 : tensor<4x32xf32>
  %y = "onnx.MoE"(%x, %r, %w1, %b1, %w2, %b2) {k = 2 : i64, activation = "gelu", normalize = true, softmax_chosen = false,
      alpha = 1.0 : f32, beta = 0.0 : f32, limit = 0x7F800000 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0>}
    : (tensor<?x?x32xf32>, tensor<?x4xf32>, tensor<4x10x32xf32>, tensor<4x10xf32>, tensor<4x32x10xf32>, tensor<4x32xf32>)
    -> tensor<?x?x32xf32>
  return %y : tensor<?x?x32xf32>
}

// QMoE: softmax over the chosen. Columns of gate and up alternate; a bias that only one has meets zeros.
// CHECK-LABEL: func.func @gated
// CHECK: moe.route %arg1 {k = 1 : i64, softmax_chosen, ties = #moe<ties high>}
// CHECK: %[[W:.*]] = weight.interleave_columns %{{.*}}, %{{.*}} : (tensor<4x32x10xf32>, tensor<4x32x10xf32>) -> tensor<4x32x32xf32>
// CHECK: %[[Z:.*]] = weight.expand
// CHECK: %[[B:.*]] = weight.interleave_columns %{{.*}}, %[[Z]] : (tensor<4x10xf32>, tensor<4x10xf32>) -> tensor<4x32xf32>
// CHECK: moe.experts %arg0 to %{{.*}} weighted %{{.*}} in %[[W]] bias %[[B]] out %{{.*}} {activation = #nn<activation silu>, alpha = 1.702000e+00 : f32, beta = 1.000000e+00 : f32, gated, limit = 7.000000e+00 : f32}
func.func @gated(%x: tensor<?x32xf32>, %r: tensor<?x4xf32>) -> tensor<?x32xf32> {
  %w1 = weight.load @fc1 : tensor<4x10x32xf32>
  %b1 = weight.load @b1 : tensor<4x10xf32>
  %w2 = weight.load @fc2 : tensor<4x32x10xf32>
  %w3 = weight.load @fc3 : tensor<4x10x32xf32>
  %y = "onnx.MoE"(%x, %r, %w1, %b1, %w2, %w3) {k = 1 : i64, activation = "swiglu", normalize = true, softmax_chosen = true,
      alpha = 1.702 : f32, beta = 1.0 : f32, limit = 7.0 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 0, 1, 0>}
    : (tensor<?x32xf32>, tensor<?x4xf32>, tensor<4x10x32xf32>, tensor<4x10xf32>, tensor<4x32x10xf32>, tensor<4x10x32xf32>)
    -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
