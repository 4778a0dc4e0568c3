// Result types must agree with what inference says.
// REQUIRES: tamis-opt
// RUN: tamis-opt %s --split-input-file --verify-diagnostics -o /dev/null

func.func @broadcast(%x: tensor<2x3xf32>, %y: tensor<4xf32>) -> tensor<2x3xf32> {
  // expected-error @below {{has operands of shapes [2, 3] and [4], which cannot be broadcast}}
  %0 = onnx.Add %x, %y : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @result(%x: tensor<2x3xf32>) -> tensor<3x3xf32> {
  // expected-error @below {{has a result of type 'tensor<3x3xf32>', expected one compatible with 'tensor<2x3xf32>'}}
  %0 = onnx.Concat %x {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

func.func @elements(%x: tensor<2xf32>, %y: tensor<2xi64>) -> tensor<2xf32> {
  // expected-error @below {{has operands with elements of 'f32' and 'i64', which must be the same}}
  %0 = onnx.Mul %x, %y : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @inner(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) -> tensor<2x5xf32> {
  // expected-error @below {{has inner dimensions of sizes 3 and 4, which must be the same}}
  %0 = onnx.MatMul %x, %y : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

func.func @reshape(%x: tensor<2x3xf32>) -> tensor<4x?xf32> {
  %shape = onnx.Constant dense<[4, -1]> : tensor<2xi64>
  // expected-error @below {{cannot give the shape [4, ?] to an operand of shape [2, 3]}}
  %0 = onnx.Reshape %x, %shape : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----

func.func @gather(%x: tensor<2x3xf32>) -> tensor<3xf32> {
  %index = onnx.Constant dense<2> : tensor<i64>
  // expected-error @below {{reads index 2 of a dimension of size 2}}
  %0 = onnx.Gather %x, %index {axis = 0 : i64} : (tensor<2x3xf32>, tensor<i64>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

func.func @heads(%x: tensor<1x2x9xf32>) -> tensor<1x2x9xf32> {
  // expected-error @below {{has 2 heads, which do not divide the hidden size 9}}
  %0 = onnx.Attention %x, %x, %x {q_num_heads = 2 : i64, kv_num_heads = 2 : i64, scale = 1.0 : f32, softcap = 0.0 : f32,
      is_causal = false} : (tensor<1x2x9xf32>, tensor<1x2x9xf32>, tensor<1x2x9xf32>) -> tensor<1x2x9xf32>
  return %0 : tensor<1x2x9xf32>
}

// -----

func.func @axes(%x: tensor<2x3xf32>) -> tensor<f32> {
  // expected-error @below {{has axes that do not ascend}}
  %0 = onnx.ReduceSum %x {axes = array<i64: 1, 0>, keepdims = false} : (tensor<2x3xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
