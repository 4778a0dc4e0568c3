// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Shape arithmetic is gone: the heads are a view and one loop that transposes.
// CHECK-LABEL: func.func @split_heads
// CHECK-NOT: tensor.from_elements
// CHECK-NOT: rt.check
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]]
// CHECK-COUNT-1: linalg.generic
func.func @split_heads(%x: tensor<?x?x384xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x12x?x32xf32> {
  %shape = onnx.Shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x?x384xf32>) -> tensor<3xi64>
  %zero = onnx.Constant dense<0> : tensor<1xi64>
  %one = onnx.Constant dense<1> : tensor<1xi64>
  %heads = onnx.Constant dense<[12, 32]> : tensor<2xi64>
  %b = onnx.Gather %shape, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %s = onnx.Gather %shape, %one {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %to = onnx.Concat %b, %s, %heads {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<4xi64>
  %r = onnx.Reshape %x, %to : (tensor<?x?x384xf32>, tensor<4xi64>) -> tensor<?x?x12x32xf32>
  %t = onnx.Transpose %r {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x12x32xf32>) -> tensor<?x12x?x32xf32>
  return %t : tensor<?x12x?x32xf32>
}

// -----

// A shape from the data is checked.
// CHECK-LABEL: func.func @any_shape
// CHECK: rt.check %{{.*}}, "the shape does not hold the elements"
// CHECK: tensor.reshape
func.func @any_shape(%x: tensor<?xf32>, %to: tensor<2xi64>) -> tensor<?x?xf32> {
  %r = onnx.Reshape %x, %to : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: func.func @squeeze
// CHECK: rt.check %{{.*}}, "a dimension to squeeze is not 1"
func.func @squeeze(%x: tensor<4x?xf32>) -> tensor<4xf32> {
  %r = onnx.Squeeze %x {axes = array<i64: 1>} : (tensor<4x?xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @filled
// CHECK: rt.check %{{.*}}, "the shape is negative or larger than any memory"
// CHECK: linalg.fill
func.func @filled(%shape: tensor<2xi64>) -> tensor<?x?xf32> {
  %r = onnx.ConstantOfShape %shape {value = dense<1.0> : tensor<1xf32>} : (tensor<2xi64>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// All of a dimension is no slice; a part of one is a view.
// CHECK-LABEL: func.func @slice
// A part that is returned is copied, since results are contiguous.
// CHECK: %[[PART:.*]] = tensor.extract_slice %{{.*}}[0, 2] [%{{.*}}, 3] [1, 1]
// CHECK: linalg.copy ins(%[[PART]]
func.func @slice(%x: tensor<?x8xf32>) -> tensor<?x3xf32> {
  %starts = onnx.Constant dense<[0, 2]> : tensor<2xi64>
  %ends = onnx.Constant dense<[9223372036854775807, 5]> : tensor<2xi64>
  %r = onnx.Slice %x, %starts, %ends {axes = array<i64: 0, 1>, steps = array<i64: 1, 1>}
    : (tensor<?x8xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x3xf32>
  return %r : tensor<?x3xf32>
}
