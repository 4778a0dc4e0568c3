// RUN: tamis-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{needs either a file and an offset, or a value}}
weight.source @w : tensor<2xf32>

// -----

// expected-error @below {{needs a static shape}}
weight.source @w : tensor<?xf32> in "model.onnx" at 0

// -----

func.func @missing() {
  // expected-error @below {{names no weight.source: @none}}
  %w = weight.load @none : tensor<2xf32>
  return
}

// -----

weight.source @w : tensor<2xf32> in "model.onnx" at 0
func.func @type() {
  // expected-error @below {{has another type than its source, 'tensor<2xf32>'}}
  %w = weight.load @w : tensor<3xf32>
  return
}

// -----

weight.source @w : tensor<2x3xf32> in "model.onnx" at 0
func.func @shapes() {
  %w = weight.load @w : tensor<2x3xf32>
  // expected-error @below {{is [1, 2, 16]}}
  %p = weight.pack_panels %w : (tensor<2x3xf32>) -> tensor<2x2x16xf32>
  return
}

// -----

weight.source @w : tensor<2x3xf32> in "model.onnx" at 0
func.func @slice() {
  %w = weight.load @w : tensor<2x3xf32>
  // expected-error @below {{reaches past the end of the operand}}
  %s = weight.slice %w {axis = 1 : i64, begin = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

weight.source @w : tensor<2x3xf32> in "model.onnx" at 0
func.func @concat() {
  %w = weight.load @w : tensor<2x3xf32>
  // expected-error @below {{has operands of 4 elements along the axis, expected 5}}
  %c = weight.concat %w, %w {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<5x3xf32>
  return
}
