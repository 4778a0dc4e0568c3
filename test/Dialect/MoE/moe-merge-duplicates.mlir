// RUN: tamis-opt %s --moe-merge-duplicates | FileCheck %s

// Experts 0 and 2 are equal in all weights; 1 differs from them in w_out, 3 in its bias only.
weight.source @in : tensor<4x2x1xf32> value dense<[[[1.0], [2.0]], [[1.0], [2.0]], [[1.0], [2.0]], [[1.0], [2.0]]]> : tensor<4x2x1xf32>
weight.source @out : tensor<4x1x1xf32> value dense<[[[1.0]], [[2.0]], [[1.0]], [[1.0]]]> : tensor<4x1x1xf32>
weight.source @bias : tensor<4x1xf32> value dense<[[0.5], [0.5], [0.5], [0.75]]> : tensor<4x1xf32>

// CHECK: weight.source @[[KEPT:[a-z0-9_]+]] : tensor<3xi64> value dense<[0, 1, 3]>
// CHECK: func.func @merged
// CHECK-DAG: %[[INDICES:.*]] = weight.load @[[KEPT]]
// CHECK-DAG: %[[IN:.*]] = weight.gather %{{.*}}, %[[INDICES]] {axis = 0 : i64} : (tensor<4x2x1xf32>, tensor<3xi64>) -> tensor<3x2x1xf32>
// CHECK-DAG: %[[OUT:.*]] = weight.gather %{{.*}} : (tensor<4x1x1xf32>, tensor<3xi64>) -> tensor<3x1x1xf32>
// CHECK-DAG: %[[BIAS:.*]] = weight.gather %{{.*}} : (tensor<4x1xf32>, tensor<3xi64>) -> tensor<3x1xf32>
// CHECK-DAG: %[[PLACES:.*]] = arith.constant dense<[0, 1, 0, 2]> : tensor<4xi64>
// CHECK: moe.experts %{{.*}} in %[[IN]] out %[[OUT]] bias %[[BIAS]] places %[[PLACES]]
func.func @merged(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>) -> tensor<?x2x1xf32> {
  %in = weight.load @in : tensor<4x2x1xf32>
  %out = weight.load @out : tensor<4x1x1xf32>
  %bias = weight.load @bias : tensor<4x1xf32>
  %0 = moe.experts %x to %i in %in out %out bias %bias
    : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>, tensor<4x1xf32>) -> tensor<?x2x1xf32>
  return %0 : tensor<?x2x1xf32>
}

// Nothing is equal: nothing changes. Neither does what only a run knows.
// CHECK: func.func @different
// CHECK-NOT: places
// CHECK-NOT: weight.gather
weight.source @four : tensor<4x1x1xf32> value dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
func.func @different(%x: tensor<?x2xf32>, %i: tensor<?x2xi64>, %w: tensor<4x1x1xf32>) -> (tensor<?x2x1xf32>, tensor<?x2x1xf32>) {
  %in = weight.load @in : tensor<4x2x1xf32>
  %out = weight.load @four : tensor<4x1x1xf32>
  %0 = moe.experts %x to %i in %in out %out : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x2x1xf32>
  %1 = moe.experts %x to %i in %in out %w : (tensor<?x2xf32>, tensor<?x2xi64>, tensor<4x2x1xf32>, tensor<4x1x1xf32>) -> tensor<?x2x1xf32>
  return %0, %1 : tensor<?x2x1xf32>, tensor<?x2x1xf32>
}
