// RUN: tamis-opt %s --moe-observe-experts --split-input-file | FileCheck %s

// The sum that was folded into the experts comes out again, so that each expert's row can be seen, and stays out.

// CHECK-LABEL: func.func @weighted
// CHECK: %[[I:.*]], %[[W:.*]] = moe.route %[[L:.*]] {k = 2
// CHECK: %[[Y:.*]] = moe.experts %{{.*}} to %[[I]] in %{{.*}} out %{{.*}} -> tensor<?x2x12xf32>
// CHECK: moe.observe %[[I]] weighted %[[W]] of %[[Y]] logits %[[L]] {experts = 4 : i64}
// CHECK: %[[Z:.*]] = moe.combine %[[Y]], %[[W]]
// CHECK: return %[[Z]]
func.func @weighted(%x: tensor<?x8xf32>, %l: tensor<?x4xf32>, %a: tensor<4x8x16xf32>, %b: tensor<4x16x12xf32>) -> tensor<?x12xf32> {
  %i, %w = moe.route %l {k = 2 : i64, score = #moe<score softmax>} : (tensor<?x4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  %y = moe.experts %x to %i weighted %w in %a out %b {activation = #nn<activation relu>}
    : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<4x8x16xf32>, tensor<4x16x12xf32>) -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}

// -----

// A router that is not known has no logits to show; rows that nobody weights are no mixture.

// CHECK-LABEL: func.func @unrouted
// CHECK: %[[Y:.*]] = moe.experts %{{.*}} to %[[I:.*]] in
// CHECK: moe.observe %[[I]] weighted %[[W:.*]] of %[[Y]] {experts = 4 : i64}
// CHECK-NEXT: moe.combine %[[Y]], %[[W]]
// CHECK: moe.experts
// CHECK-NOT: moe.observe
func.func @unrouted(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<4x8x16xf32>,
                    %b: tensor<4x16x12xf32>) -> (tensor<?x12xf32>, tensor<?x2x12xf32>) {
  %y = moe.experts %x to %i in %a out %b {activation = #nn<activation relu>}
    : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<4x8x16xf32>, tensor<4x16x12xf32>) -> tensor<?x2x12xf32>
  %z = moe.combine %y, %w : (tensor<?x2x12xf32>, tensor<?x2xf32>) -> tensor<?x12xf32>
  %r = moe.experts %x to %i in %a out %b {activation = #nn<activation gelu>}
    : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<4x8x16xf32>, tensor<4x16x12xf32>) -> tensor<?x2x12xf32>
  return %z, %r : tensor<?x12xf32>, tensor<?x2x12xf32>
}
