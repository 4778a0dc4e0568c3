// RUN: tamis-opt %s --token-last-logits --split-input-file | FileCheck %s

// The norm, the last product and the cap work on wanted rows.

// CHECK: wanted_rows = true
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x?x16xf32>
// CHECK: %[[W:.*]] = nn.wanted_rows %[[X]] : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
// CHECK: %[[N:.*]] = nn.rms_norm %[[W]]
// CHECK: %[[L:.*]] = nn.linear %[[N]]
// CHECK: %[[T:.*]] = onnx.Tanh %[[L]]
// CHECK: %[[C:.*]] = onnx.Mul %[[T]]
// CHECK: return %[[C]]
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]}, %s: tensor<16xf32>, %w: tensor<16x50xf32>) -> tensor<?x?x50xf32> {
    %cap = onnx.Constant dense<30.0> : tensor<f32>
    %n = nn.rms_norm %x, %s {epsilon = 1.0e-5 : f32} : (tensor<?x?x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
    %y = nn.linear %n, %w : (tensor<?x?x16xf32>, tensor<16x50xf32>) -> tensor<?x?x50xf32>
    %t = onnx.Tanh %y : (tensor<?x?x50xf32>) -> tensor<?x?x50xf32>
    %c = onnx.Mul %t, %cap : (tensor<?x?x50xf32>, tensor<f32>) -> tensor<?x?x50xf32>
    return %c : tensor<?x?x50xf32>
  }
}

// -----

// What is read elsewhere too is computed in full: only what is behind it is not.

// CHECK: wanted_rows = true
// CHECK: %[[N:.*]] = nn.rms_norm %arg1
// CHECK: %[[W:.*]] = nn.wanted_rows %[[N]]
// CHECK: %[[L:.*]] = nn.linear %[[W]]
// CHECK: return %[[L]], %[[N]]
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]}, %s: tensor<16xf32>, %w: tensor<16x50xf32>)
      -> (tensor<?x?x50xf32>, tensor<?x?x16xf32>) {
    %n = nn.rms_norm %x, %s {epsilon = 1.0e-5 : f32} : (tensor<?x?x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
    %y = nn.linear %n, %w : (tensor<?x?x16xf32>, tensor<16x50xf32>) -> tensor<?x?x50xf32>
    return %y, %n : tensor<?x?x50xf32>, tensor<?x?x16xf32>
  }
}

// -----

// With a given range each row is rounded by itself. The rows are cut where they are floats.

// CHECK: wanted_rows = true
// CHECK: %[[W:.*]] = nn.wanted_rows %arg1
// CHECK: %[[L:.*]] = nn.quantized_linear %[[W]]
// CHECK: %[[Q:.*]] = onnx.QuantizeLinear %[[L]]
// CHECK: %[[D:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK: return %[[D]]
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]}, %s: tensor<50xf32>, %w: tensor<16x50xi8>) -> tensor<?x?x50xf32> {
    %r = onnx.Constant dense<[0.125, 3.0]> : tensor<2xf32>
    %ys = onnx.Constant dense<0.5> : tensor<f32>
    %yz = onnx.Constant dense<7> : tensor<ui8>
    %y = nn.quantized_linear %x, %w scale %s range %r : (tensor<?x?x16xf32>, tensor<16x50xi8>, tensor<50xf32>, tensor<2xf32>) -> tensor<?x?x50xf32>
    %q = onnx.QuantizeLinear %y, %ys, %yz {axis = 0 : i64} : (tensor<?x?x50xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x?x50xui8>
    %d = onnx.DequantizeLinear %q, %ys, %yz {axis = 0 : i64} : (tensor<?x?x50xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x?x50xf32>
    return %d : tensor<?x?x50xf32>
  }
}

// -----

// Near misses: a product whose activations share a range, a residual that has all rows, a number of rows that is known,
// and a model that is no decoder.

// CHECK-NOT: wanted_rows = true
// CHECK-NOT: nn.wanted_rows
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]}, %s: tensor<50xf32>, %w: tensor<16x50xi8>) -> tensor<?x?x50xf32> {
    %y = nn.quantized_linear %x, %w scale %s : (tensor<?x?x16xf32>, tensor<16x50xi8>, tensor<50xf32>) -> tensor<?x?x50xf32>
    return %y : tensor<?x?x50xf32>
  }
}

// -----

// CHECK-NOT: nn.wanted_rows
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]}, %r: tensor<?x?x50xf32>, %w: tensor<16x50xf32>) -> tensor<?x?x50xf32> {
    %y = nn.linear %x, %w residual %r : (tensor<?x?x16xf32>, tensor<16x50xf32>, tensor<?x?x50xf32>) -> tensor<?x?x50xf32>
    return %y : tensor<?x?x50xf32>
  }
}

// -----

// CHECK-NOT: nn.wanted_rows
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x7x16xf32>, %w: tensor<16x50xf32>) -> tensor<?x7x50xf32> {
    %y = nn.linear %x, %w : (tensor<?x7x16xf32>, tensor<16x50xf32>) -> tensor<?x7x50xf32>
    return %y : tensor<?x7x50xf32>
  }
}

// -----

// CHECK-NOT: nn.wanted_rows
module {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]}, %w: tensor<16x50xf32>) -> tensor<?x?x50xf32> {
    %y = nn.linear %x, %w : (tensor<?x?x16xf32>, tensor<16x50xf32>) -> tensor<?x?x50xf32>
    return %y : tensor<?x?x50xf32>
  }
}

// -----

// The rows are other ones than those of the token ids: a model that gives the logits of the last position alone.

// CHECK-NOT: nn.wanted_rows
module attributes {tamis.decoder = {ids = 0 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "last", ""]},
                  %w: tensor<16x50xf32>) -> tensor<?x?x50xf32> {
    %y = nn.linear %x, %w : (tensor<?x?x16xf32>, tensor<16x50xf32>) -> tensor<?x?x50xf32>
    return %y : tensor<?x?x50xf32>
  }
}

// -----

// It is not known which input the ids are.

// CHECK-NOT: nn.wanted_rows
module attributes {tamis.decoder = {ids = -1 : i64, logits = 0 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %x: tensor<?x?x16xf32> {onnx.dims = ["b", "s", ""]},
                  %w: tensor<16x50xf32>) -> tensor<?x?x50xf32> {
    %y = nn.linear %x, %w : (tensor<?x?x16xf32>, tensor<16x50xf32>) -> tensor<?x?x50xf32>
    return %y : tensor<?x?x50xf32>
  }
}
