// Shape arithmetic that does not depend on inputs folds, also when only the elements asked for are known.
// REQUIRES: tamis-opt
// RUN: tamis-opt %s --canonicalize | FileCheck %s

// The shape [?, 3, 4] gives the constant 4 when element 2 is asked for.
// CHECK-LABEL: func.func @part_of_shape
func.func @part_of_shape(%x: tensor<?x3x4xf32>) -> tensor<i64> {
  // CHECK-NEXT: %[[C:.*]] = onnx.Constant dense<4> : tensor<i64>
  // CHECK-NEXT: return %[[C]]
  %shape = onnx.Shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x3x4xf32>) -> tensor<3xi64>
  %two = onnx.Constant dense<-1> : tensor<i64>
  %size = onnx.Gather %shape, %two {axis = 0 : i64} : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  return %size : tensor<i64>
}

// Mod has the sign of the divisor; Div truncates.
// CHECK-LABEL: func.func @arithmetic
func.func @arithmetic() -> (tensor<4xi64>, tensor<2xi64>, tensor<3xi64>, tensor<f32>) {
  // CHECK-DAG: %[[A:.*]] = onnx.Constant dense<[2, 3, -3, 1]> : tensor<4xi64>
  // CHECK-DAG: %[[B:.*]] = onnx.Constant dense<[-3, 3]> : tensor<2xi64>
  // CHECK-DAG: %[[R:.*]] = onnx.Constant dense<[5, 3, 1]> : tensor<3xi64>
  // CHECK-DAG: %[[S:.*]] = onnx.Constant dense<0.353553385> : tensor<f32>
  // CHECK: return %[[A]], %[[B]], %[[R]], %[[S]]
  %a = onnx.Constant dense<[7, -7]> : tensor<2xi64>
  %b = onnx.Constant dense<[-2, -7]> : tensor<2xi64>
  %five = onnx.Constant dense<5> : tensor<i64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %step = onnx.Constant dense<-2> : tensor<i64>
  %mod = onnx.Mod %a, %five : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %div = onnx.Div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %joined = onnx.Concat %mod, %div {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %less = onnx.Less %div, %zero : (tensor<2xi64>, tensor<i64>) -> tensor<2xi1>
  %chosen = onnx.Where %less, %div, %mod : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %range = onnx.Range %five, %zero, %step : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64>
  %eight = onnx.Constant dense<8.0> : tensor<f32>
  %root = onnx.Sqrt %eight : (tensor<f32>) -> tensor<f32>
  %scale = onnx.Reciprocal %root : (tensor<f32>) -> tensor<f32>
  return %joined, %chosen, %range, %scale : tensor<4xi64>, tensor<2xi64>, tensor<3xi64>, tensor<f32>
}

// CHECK-LABEL: func.func @identities
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>, %[[Y:.*]]: tensor<2x3xf32>)
func.func @identities(%x: tensor<?x4xf32>, %y: tensor<2x3xf32>)
    -> (tensor<?x4xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<?x4xf32>) {
  // CHECK-NEXT: return %[[X]], %[[Y]], %[[Y]], %[[X]]
  %shape = onnx.Constant dense<[-1, 4]> : tensor<2xi64>
  %0 = onnx.Reshape %x, %shape : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %1 = onnx.Transpose %y {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = onnx.Transpose %1 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %to = onnx.Constant dense<[1, 3]> : tensor<2xi64>
  %3 = onnx.Expand %y, %to : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  %start = onnx.Constant dense<0> : tensor<1xi64>
  %end = onnx.Constant dense<9223372036854775807> : tensor<1xi64>
  %4 = onnx.Slice %x, %start, %end {axes = array<i64: 0>, steps = array<i64: 1>}
      : (tensor<?x4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4xf32>
  return %0, %2, %3, %4 : tensor<?x4xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<?x4xf32>
}

// Two open sizes could trade elements: not an identity.
// CHECK-LABEL: func.func @open_reshape
func.func @open_reshape(%x: tensor<?x?xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
  // CHECK: onnx.Reshape
  %0 = onnx.Reshape %x, %shape : (tensor<?x?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// Division by zero is left to the run.
// CHECK-LABEL: func.func @by_zero
func.func @by_zero() -> tensor<i64> {
  // CHECK: onnx.Div
  %one = onnx.Constant dense<1> : tensor<i64>
  %zero = onnx.Constant dense<0> : tensor<i64>
  %0 = onnx.Div %one, %zero : (tensor<i64>, tensor<i64>) -> tensor<i64>
  return %0 : tensor<i64>
}

// A constant that was quantised is one again.

// CHECK-LABEL: func.func @quantized_constant
// CHECK: onnx.Constant dense<1.250000e+00> : tensor<f32>
func.func @quantized_constant() -> tensor<f32> {
  %x = onnx.Constant dense<-3> : tensor<i8>
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %z = onnx.Constant dense<-8> : tensor<i8>
  %0 = onnx.DequantizeLinear %x, %s, %z {axis = 0 : i64} : (tensor<i8>, tensor<f32>, tensor<i8>) -> tensor<f32>
  return %0 : tensor<f32>
}
