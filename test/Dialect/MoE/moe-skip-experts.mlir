// RUN: tamis-opt %s --moe-skip-experts=threshold=0.125 | FileCheck %s
// RUN: tamis-opt %s --moe-skip-experts=threshold=0 | FileCheck %s --check-prefix=ZERO --implicit-check-not=skips
// RUN: not tamis-opt %s --moe-skip-experts=threshold=1 2>&1 | FileCheck %s --check-prefix=ALL
// ALL: takes a threshold from 0 to below 1
// ZERO: func.func @skipped

// The expert that nobody chose counts as much as the longest.
// CHECK: tamis.policy = {chosen = 1 : i64
// CHECK-SAME: settings = [{dense = 0.000000e+00 : f32, max = 0.99999994 : f32, min = 0.000000e+00 : f32, name = "share of a token's sum below which its experts are skipped at experts"}]
// CHECK-SAME: steps = [{name = "dense", values = array<f32: 0.000000e+00>}, {name = "skip", values = array<f32: 1.250000e-01>}]
// CHECK-SAME: text = "the experts at pairs are not skipped: their rows are not added up"
// CHECK-LABEL: func.func @skipped
// CHECK: %[[LENGTHS:.*]] = onnx.Constant dense<[1.000000e+00, 4.000000e+00, 2.000000e+00, 4.000000e+00]>
// CHECK: %[[LENGTH:.*]] = onnx.Gather %[[LENGTHS]], %arg1 {axis = 0 : i64}
// CHECK: %[[PRODUCT:.*]] = onnx.Mul %arg2, %[[LENGTH]]
// CHECK: %[[PART:.*]] = onnx.Abs %[[PRODUCT]]
// CHECK: %[[SUM:.*]] = onnx.ReduceSum %[[PART]] {axes = array<i64: 1>, keepdims = true}
// CHECK: %[[GREATEST:.*]] = onnx.ReduceMax %[[PART]]
// CHECK: %[[SETTING:.*]] = rt.setting 0
// CHECK: %[[SHARE:.*]] = tensor.from_elements %[[SETTING]] : tensor<f32>
// CHECK: %[[BOUND:.*]] = onnx.Mul %[[SUM]], %[[SHARE]]
// CHECK: %[[SMALL:.*]] = onnx.Less %[[PART]], %[[BOUND]]
// CHECK: %[[OTHER:.*]] = onnx.Less %[[PART]], %[[GREATEST]]
// CHECK: %[[SKIPPED:.*]] = onnx.And %[[SMALL]], %[[OTHER]]
// CHECK: %[[MINUS:.*]] = onnx.Constant dense<-1>
// CHECK: %[[KEPT:.*]] = onnx.Where %[[SKIPPED]], %[[MINUS]], %arg1
// CHECK: moe.experts %arg0 to %[[KEPT]] weighted %arg2 in %arg3 out %arg3 {skips,
func.func @skipped(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %g: tensor<?x2xf32>, %w: tensor<4x8x8xf32>) -> (tensor<?x8xf32>, tensor<?x2x8xf32>) {
  %0 = moe.experts %x to %i weighted %g in %w out %w
    {tamis.usage = {lengths = array<f64: 1.0, 4.0, 2.0, 0.0>, pairs = array<i64: 1, 6, 3, 0>, scores = array<f64: 1.0, 1.0, 1.0, 0.0>, tokens = 5 : i64}}
    : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>) -> tensor<?x8xf32>
  // CHECK: moe.experts %arg0 to %arg1 in
  %1 = moe.experts %x to %i in %w out %w
    {tamis.usage = {lengths = array<f64: 1.0, 4.0, 2.0, 0.0>, pairs = array<i64: 1, 6, 3, 0>, scores = array<f64: 1.0, 1.0, 1.0, 0.0>, tokens = 5 : i64}}
    : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<4x8x8xf32>, tensor<4x8x8xf32>) -> tensor<?x2x8xf32> loc("pairs")
  return %0, %1 : tensor<?x8xf32>, tensor<?x2x8xf32>
}
