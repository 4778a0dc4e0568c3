// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Indices are checked once for all, before they are used.
// CHECK-LABEL: func.func @embedding
// CHECK: linalg.generic {{.*}}reduction
// CHECK: rt.check %{{.*}}, "an index is out of range"
// CHECK: linalg.generic
// CHECK: tensor.extract
func.func @embedding(%table: tensor<100x8xf32>, %ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %r = onnx.Gather %table, %ids {axis = 0 : i64} : (tensor<100x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// One constant index is a view.
// CHECK-LABEL: func.func @first_token
// CHECK: rt.check
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0]
// CHECK-NOT: linalg.generic
func.func @first_token(%x: tensor<?x?x8xf32>) -> tensor<?x8xf32> {
  %zero = onnx.Constant dense<0> : tensor<i64>
  %r = onnx.Gather %x, %zero {axis = 1 : i64} : (tensor<?x?x8xf32>, tensor<i64>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

// Updates in order, in place: the last one wins.
// CHECK-LABEL: func.func @scatter
// CHECK-SAME: bufferization.writable = false
// CHECK: rt.check %{{.*}}, "an index is out of range"
// CHECK: scf.for
// CHECK: tensor.insert
func.func @scatter(%x: tensor<?xf32>, %at: tensor<?x1xi64> {onnx.dims = ["n", ""]},
                   %by: tensor<?xf32> {onnx.dims = ["n"]}) -> tensor<?xf32> {
  %r = onnx.ScatterND %x, %at, %by : (tensor<?xf32>, tensor<?x1xi64>, tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// CHECK-LABEL: func.func @top_k
// CHECK: rt.check %{{.*}}, "k is larger than the dimension"
// CHECK: scf.for
func.func @top_k(%x: tensor<?x?xf32>, %k: tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>) {
  %v, %i = onnx.TopK %x, %k {axis = 1 : i64} : (tensor<?x?xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  return %v, %i : tensor<?x?xf32>, tensor<?x?xi64>
}
