// RUN: tamis-opt %s --moe-order-experts | FileCheck %s

weight.source @in : tensor<4x2x1xf32> in "model.onnx" at 0
weight.source @out : tensor<4x1x1xf32> in "model.onnx" at 0
weight.source @three : tensor<3x2x1xf32> in "model.onnx" at 0
weight.source @three_out : tensor<3x1x1xf32> in "model.onnx" at 0

// Experts 0 and 2 share a place, which has the pairs of both; expert 3 has none.
// CHECK-DAG: weight.source @{{.*}} value dense<[2, 0, 1]>
// CHECK-DAG: weight.source @{{.*}} value dense<[1, 3, 0, 2]>

// CHECK-LABEL: func.func @ordered
// CHECK: %[[PLACES:.*]] = arith.constant dense<[2, 0, 3, 1]> : tensor<4xi64>
// CHECK: moe.experts %arg0 to %arg1 in %{{.*}} out %{{.*}} places %[[PLACES]]
// CHECK-SAME: tensor<4x2x1xf32>
func.func @ordered(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x1xf32> {
  %in = weight.load @in : tensor<4x2x1xf32>
  %out = weight.load @out : tensor<4x1x1xf32>
  %0 = moe.experts %x to %i in %in out %out
    {tamis.usage = {lengths = array<f64: 1.0, 1.0, 1.0, 1.0>, pairs = array<i64: 2, 5, 2, 4>, scores = array<f64: 1.0, 1.0, 1.0, 1.0>, tokens = 7 : i64}}
    : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x2x1xf32>
  return %0 : tensor<?x2x1xf32>
}

// CHECK-LABEL: func.func @placed
// CHECK: %[[PLACES:.*]] = arith.constant dense<[1, 2, 1, -1, 0]> : tensor<5xi64>
// CHECK: moe.experts {{.*}} places %[[PLACES]]
func.func @placed(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x1xf32> {
  %in = weight.load @three : tensor<3x2x1xf32>
  %out = weight.load @three_out : tensor<3x1x1xf32>
  %places = arith.constant dense<[0, 1, 0, -1, 2]> : tensor<5xi64>
  %0 = moe.experts %x to %i in %in out %out places %places
    {tamis.usage = {lengths = array<f64: 1.0, 1.0, 1.0, 1.0, 1.0>, pairs = array<i64: 3, 4, 3, 0, 9>, scores = array<f64: 1.0, 1.0, 1.0, 1.0, 1.0>, tokens = 9 : i64}}
    : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<3x2x1xf32>, tensor<3x1x1xf32>, tensor<5xi64>) -> tensor<?x2x1xf32>
  return %0 : tensor<?x2x1xf32>
}

// In order already.
// CHECK-LABEL: func.func @same
// CHECK-NOT: places
func.func @same(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x1xf32> {
  %in = weight.load @in : tensor<4x2x1xf32>
  %out = weight.load @out : tensor<4x1x1xf32>
  %0 = moe.experts %x to %i in %in out %out
    {tamis.usage = {lengths = array<f64: 1.0, 1.0, 1.0, 1.0>, pairs = array<i64: 5, 5, 2, 0>, scores = array<f64: 1.0, 1.0, 1.0, 1.0>, tokens = 6 : i64}}
    : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x2x1xf32>
  return %0 : tensor<?x2x1xf32>
}
