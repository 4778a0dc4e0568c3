// RUN: tamis-opt %s | tamis-opt | FileCheck %s

// CHECK-LABEL: func.func @route
func.func @route(%logits: tensor<?x?x8xf32>, %bias: tensor<8xf32>) {
  // CHECK: moe.route %arg0 {k = 2 : i64, normalize, score = #moe<score softmax>}
  %i, %w = moe.route %logits {k = 2 : i64, score = #moe<score softmax>, normalize}
    : (tensor<?x?x8xf32>) -> (tensor<?x?x2xi64>, tensor<?x?x2xf32>)
  // CHECK: moe.route %arg0 bias %arg1 {group_top = 2 : i64, groups = 4 : i64, k = 2 : i64, kept_groups = 2 : i64, scale = 2.500000e+00 : f32, score = #moe<score sigmoid>, ties = #moe<ties high>}
  %j, %v = moe.route %logits bias %bias {k = 2 : i64, score = #moe<score sigmoid>, ties = #moe<ties high>, groups = 4 : i64,
      kept_groups = 2 : i64, group_top = 2 : i64, scale = 2.5 : f32}
    : (tensor<?x?x8xf32>, tensor<8xf32>) -> (tensor<?x?x2xi64>, tensor<?x?x2xf32>)
  // CHECK: moe.route %arg0 {groups = 4 : i64, k = 2 : i64, kept_groups = 2 : i64, limits_weights}
  %g, %u = moe.route %logits {k = 2 : i64, groups = 4 : i64, kept_groups = 2 : i64, limits_weights}
    : (tensor<?x?x8xf32>) -> (tensor<?x?x2xi64>, tensor<?x?x2xf32>)
  // CHECK: moe.route %arg0 {k = 2 : i64, mixer_threshold = 2.500000e-01 : f32}
  %h, %t = moe.route %logits {k = 2 : i64, mixer_threshold = 0.25 : f32}
    : (tensor<?x?x8xf32>) -> (tensor<?x?x2xi64>, tensor<?x?x2xf32>)
  return
}

// CHECK-LABEL: func.func @experts
func.func @experts(%x: tensor<?x?x12xf32>, %i: tensor<?x?x2xi64>, %w: tensor<?x?x2xf32>, %w1: tensor<8x12x20xf32>,
                   %b1: tensor<8x20xf32>, %w2: tensor<8x20x12xf32>, %b2: tensor<8x12xf32>, %g: tensor<8x12x48xf32>) {
  // CHECK: moe.experts %arg0 to %arg1 in %arg3 bias %arg4 out %arg5 bias %arg6 {activation = #nn<activation relu>}
  %y = moe.experts %x to %i in %w1 bias %b1 out %w2 bias %b2 {activation = #nn<activation relu>}
    : (tensor<?x?x12xf32>, tensor<?x?x2xi64>, tensor<8x12x20xf32>, tensor<8x20xf32>, tensor<8x20x12xf32>, tensor<8x12xf32>)
    -> tensor<?x?x2x12xf32>
  // CHECK: moe.combine %{{.*}}, %arg2
  %z = moe.combine %y, %w : (tensor<?x?x2x12xf32>, tensor<?x?x2xf32>) -> tensor<?x?x12xf32>
  // CHECK: moe.observe %arg1 weighted %arg2 of %{{.*}} {experts = 8 : i64}
  moe.observe %i weighted %w of %y {experts = 8 : i64} : tensor<?x?x2xi64>, tensor<?x?x2xf32>, tensor<?x?x2x12xf32>
  // 20 columns of a gate are rounded up to 24.
  // CHECK: moe.experts %arg0 to %arg1 weighted %arg2 in %arg7 out %arg5 {activation = #nn<activation silu>, gated}
  %s = moe.experts %x to %i weighted %w in %g out %w2 {activation = #nn<activation silu>, gated}
    : (tensor<?x?x12xf32>, tensor<?x?x2xi64>, tensor<?x?x2xf32>, tensor<8x12x48xf32>, tensor<8x20x12xf32>)
    -> tensor<?x?x12xf32>
  return
}

// CHECK-LABEL: func.func @packed
func.func @packed(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w1: tensor<8x2x12x16xf32>, %w2: tensor<8x1x16x16x4xi8>,
                  %s: tensor<8x12xf32>, %t: tensor<8x12xi32>) {
  // CHECK: moe.experts %arg0 to %arg1 in %arg2 out %arg3 scale %arg4 sums %arg5 :
  %y = moe.experts %x to %i in %w1 out %w2 scale %s sums %t
    : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x2x12x16xf32>, tensor<8x1x16x16x4xi8>, tensor<8x12xf32>, tensor<8x12xi32>)
    -> tensor<?x2x12xf32>
  return
}
