// RUN: tamis-opt %s --moe-prune-experts=keep=0.5 | FileCheck %s
// RUN: tamis-opt %s --moe-prune-experts="keep=0.5 fallback=0.25" | FileCheck %s --check-prefix=FALLBACK
// Never fewer than a token takes.
// RUN: tamis-opt %s --moe-prune-experts=keep=0.01 | FileCheck %s
// RUN: tamis-opt %s --moe-prune-experts=keep=1 | FileCheck %s --check-prefix=ALL --implicit-check-not=left_out
// RUN: not tamis-opt %s --moe-prune-experts=keep=0 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: keeps a share of the experts above 0 and up to 1

weight.source @in : tensor<4x2x1xf32> in "model.onnx" at 0
weight.source @out : tensor<4x1x1xf32> in "model.onnx" at 0

// Of 0.5, 1, 0.5 and 0 the best are 1 and, with more pairs than 0, 2.
// CHECK: {pass = "moe-prune-experts", text = "the experts at layer are pruned: 2 of 4 stay"}
// CHECK-SAME: are not pruned: their router is none that can leave experts out
// CHECK: weight.source @{{.*}} : tensor<2xi64> value dense<[1, 2]>
// CHECK-LABEL: func.func @pruned
// CHECK: moe.route %{{.*}} left_out = array<i64: 0, 3>
// CHECK: %[[PLACES:.*]] = arith.constant dense<[-1, 0, 1, -1]> : tensor<4xi64>
// CHECK: moe.experts {{.*}} places %[[PLACES]]
// CHECK-SAME: tensor<2x2x1xf32>, tensor<2x1x1xf32>, tensor<4xi64>
// FALLBACK: func.func @pruned
// FALLBACK: moe.route %{{.*}} {fallback = 2.500000e-01 : f32, k = 2 : i64, left_out = array<i64: 0, 3>}
// FALLBACK-NOT: places
// ALL: func.func @pruned
func.func @pruned(%x: tensor<?x2xf32>, %l: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %in = weight.load @in : tensor<4x2x1xf32>
  %out = weight.load @out : tensor<4x1x1xf32>
  %i, %w = moe.route %l {k = 2 : i64} : (tensor<?x4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  %0 = moe.experts %x to %i weighted %w in %in out %out
    {tamis.usage = {lengths = array<f64: 1.0, 1.0, 1.0, 0.0>, pairs = array<i64: 1, 6, 3, 0>, scores = array<f64: 0.5, 1.0, 0.5, 0.0>, tokens = 5 : i64}}
    : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x1xf32> loc("layer")
  return %0 : tensor<?x1xf32>
}

// The choice is not a moe.route's; without usage there is nothing to say.
// CHECK-LABEL: func.func @others
// CHECK-NOT: places
func.func @others(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>, %l: tensor<?x4xf32>) -> (tensor<?x2x1xf32>, tensor<?x2x1xf32>) {
  %in = weight.load @in : tensor<4x2x1xf32>
  %out = weight.load @out : tensor<4x1x1xf32>
  %0 = moe.experts %x to %i in %in out %out
    {tamis.usage = {lengths = array<f64: 1.0, 1.0, 1.0, 0.0>, pairs = array<i64: 1, 6, 3, 0>, scores = array<f64: 0.5, 1.0, 0.5, 0.0>, tokens = 5 : i64}}
    : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x2x1xf32>
  %j, %w = moe.route %l {k = 2 : i64} : (tensor<?x4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  %1 = moe.experts %x to %j in %in out %out : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x2x1xf32>
  return %0, %1 : tensor<?x2x1xf32>, tensor<?x2x1xf32>
}
