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

// Dimensions that are copied say nothing of their size, and need not.
func.func @reshape_copies(%x: tensor<?x?x4x8xf32>) -> tensor<?x?x31xf32> {
  %shape = onnx.Constant dense<[0, 0, -1]> : tensor<3xi64>
  // expected-error @below {{has a result of type 'tensor<?x?x31xf32>', expected one compatible with 'tensor<?x?x32xf32>'}}
  %0 = onnx.Reshape %x, %shape : (tensor<?x?x4x8xf32>, tensor<3xi64>) -> tensor<?x?x31xf32>
  return %0 : tensor<?x?x31xf32>
}

// -----

func.func @reshape_moves(%x: tensor<?x6x4x8xf32>) -> tensor<?x47x4xf32> {
  %shape = onnx.Constant dense<[0, -1, 4]> : tensor<3xi64>
  // expected-error @below {{has a result of type 'tensor<?x47x4xf32>', expected one compatible with 'tensor<?x48x4xf32>'}}
  %0 = onnx.Reshape %x, %shape : (tensor<?x6x4x8xf32>, tensor<3xi64>) -> tensor<?x47x4xf32>
  return %0 : tensor<?x47x4xf32>
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

// -----

func.func @scale_shape(%x: tensor<4x6xi8>, %s: tensor<4xf32>) -> tensor<4x6xf32> {
  // expected-error @below {{has a scale of shape [4], which is neither one element nor one for each of the 6 along axis 1; quantise the model again}}
  %0 = onnx.DequantizeLinear %x, %s {axis = 1 : i64} : (tensor<4x6xi8>, tensor<4xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

func.func @target(%x: tensor<4x6xf32>, %s: tensor<f32>) -> tensor<4x6xi64> {
  // expected-error @below {{quantises to 'i64', expected integers of 4, 8 or 16 bits}}
  %0 = onnx.QuantizeLinear %x, %s {axis = 1 : i64} : (tensor<4x6xf32>, tensor<f32>) -> tensor<4x6xi64>
  return %0 : tensor<4x6xi64>
}

// -----

func.func @blocks(%x: tensor<4x40xf32>, %s: tensor<4x2xf32>) -> tensor<4x40xi8> {
  // expected-error @below {{has a scale of shape [4, 2], but blocks of 16 along axis 1 of [4, 40] need 3 in dimension 1}}
  %0 = onnx.QuantizeLinear %x, %s {axis = 1 : i64, block_size = 16 : i64} : (tensor<4x40xf32>, tensor<4x2xf32>) -> tensor<4x40xi8>
  return %0 : tensor<4x40xi8>
}

// -----

func.func @integers(%a: tensor<4x6xi8>, %b: tensor<6x2xi16>) -> tensor<4x2xi32> {
  // expected-error @below {{needs integers of 8 bits, but an operand has elements of 'i16'}}
  %0 = onnx.MatMulInteger %a, %b {operandSegmentSizes = array<i32: 1, 1, 0, 0>} : (tensor<4x6xi8>, tensor<6x2xi16>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// -----

func.func @column_zeros(%a: tensor<4x6xi8>, %b: tensor<6x2xi8>, %z: tensor<6xi8>) -> tensor<4x2xi32> {
  // expected-error @below {{has a zero point of shape [6] for an operand [6, 2], expected one element or one for each column}}
  %0 = onnx.MatMulInteger %a, %b, %z {operandSegmentSizes = array<i32: 1, 1, 0, 1>}
      : (tensor<4x6xi8>, tensor<6x2xi8>, tensor<6xi8>) -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// -----

func.func @bits(%x: tensor<4x6xui8>) -> tensor<4x16xui8> {
  // expected-error @below {{unpacks groups of 3 bits, expected 2 or 4}}
  %0 = onnx.UnpackBits %x {bits = 3 : i64} : (tensor<4x6xui8>) -> tensor<4x16xui8>
  return %0 : tensor<4x16xui8>
}
