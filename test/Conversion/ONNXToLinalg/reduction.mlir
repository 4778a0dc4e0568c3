// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Sums of narrow floats are taken in f32, in any order.
// CHECK-LABEL: func.func @sum
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]{{.*}}outs(%{{.*}} : tensor<?xf32>)
// CHECK: arith.addf %{{.*}} fastmath<reassoc> : f32
// CHECK: arith.truncf
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0, 1]]
func.func @sum(%x: tensor<?x?xf16>) -> tensor<?x1xf16> {
  %r = onnx.ReduceSum %x {axes = array<i64: 1>, keepdims = true} : (tensor<?x?xf16>) -> tensor<?x1xf16>
  return %r : tensor<?x1xf16>
}

// -----

// CHECK-LABEL: func.func @arg_max
// CHECK: rt.check %{{.*}}, "an empty dimension has no largest element"
// CHECK: linalg.generic
// CHECK: arith.cmpf ogt
func.func @arg_max(%x: tensor<?x?xf32>) -> tensor<?xi64> {
  %r = onnx.ArgMax %x {axis = 1 : i64, keepdims = false} : (tensor<?x?xf32>) -> tensor<?xi64>
  return %r : tensor<?xi64>
}

// -----

// The product of a shape is scalar code.
// CHECK-LABEL: func.func @count
// CHECK-NOT: linalg
// CHECK: arith.muli
func.func @count(%x: tensor<?x?xf32>) -> tensor<i64> {
  %s = onnx.Shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x?xf32>) -> tensor<2xi64>
  %r = onnx.ReduceProd %s {axes = array<i64: 0>, keepdims = false} : (tensor<2xi64>) -> tensor<i64>
  return %r : tensor<i64>
}

// -----

// CHECK-LABEL: func.func @running_sum
// CHECK: scf.for
// CHECK: tensor.insert
func.func @running_sum(%x: tensor<?x?xi64>) -> tensor<?x?xi64> {
  %r = onnx.CumSum %x {axis = 1 : i64} : (tensor<?x?xi64>) -> tensor<?x?xi64>
  return %r : tensor<?x?xi64>
}
