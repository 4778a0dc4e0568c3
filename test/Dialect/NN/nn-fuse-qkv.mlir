// RUN: tamis-opt %s --nn-fuse-qkv --split-input-file | FileCheck %s

weight.source @w : tensor<32x32xf32> in "model.onnx" at 0
weight.source @b : tensor<32xf32> in "model.onnx" at 4096

// CHECK-LABEL: func.func @fuse
// CHECK: %[[W:.*]] = weight.concat {{.*}}axis = 1 : i64{{.*}} -> tensor<32x96xf32>
// CHECK: %[[B:.*]] = weight.concat {{.*}}axis = 0 : i64{{.*}} -> tensor<96xf32>
// CHECK: %[[Y:.*]] = nn.linear %{{.*}}, %[[W]] bias %[[B]]
// CHECK: nn.attention %[[Y]], %[[Y]], %[[Y]]
// CHECK-SAME: k_column = 32
// CHECK-SAME: v_column = 64
func.func @fuse(%x: tensor<?x32xf32>, %offsets: tensor<?xi64>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<32x32xf32>
  %b = weight.load @b : tensor<32xf32>
  %q = nn.linear %x, %w bias %b : (tensor<?x32xf32>, tensor<32x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %k = nn.linear %x, %w bias %b : (tensor<?x32xf32>, tensor<32x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %v = nn.linear %x, %w bias %b : (tensor<?x32xf32>, tensor<32x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %a = nn.attention %q, %k, %v offsets %offsets {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  return %a : tensor<?x32xf32>
}

// -----

weight.source @w : tensor<32x32xf32> in "model.onnx" at 0

// The keys are also an output: queries and values are fused, keys stay.

// CHECK-LABEL: func.func @other_reader
// CHECK: %[[K:.*]] = nn.linear {{.*}} -> tensor<2x3x32xf32>
// CHECK: %[[Y:.*]] = nn.linear {{.*}} -> tensor<2x3x64xf32>
// CHECK: nn.attention %[[Y]], %[[K]], %[[Y]]
// CHECK-SAME: v_column = 32
func.func @other_reader(%x: tensor<2x3x32xf32>) -> (tensor<2x3x32xf32>, tensor<2x3x32xf32>) {
  %w = weight.load @w : tensor<32x32xf32>
  %q = nn.linear %x, %w : (tensor<2x3x32xf32>, tensor<32x32xf32>) -> tensor<2x3x32xf32>
  %k = nn.linear %x, %w : (tensor<2x3x32xf32>, tensor<32x32xf32>) -> tensor<2x3x32xf32>
  %v = nn.linear %x, %w : (tensor<2x3x32xf32>, tensor<32x32xf32>) -> tensor<2x3x32xf32>
  %a = nn.attention %q, %k, %v {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<2x3x32xf32>, tensor<2x3x32xf32>, tensor<2x3x32xf32>) -> tensor<2x3x32xf32>
  return %a, %k : tensor<2x3x32xf32>, tensor<2x3x32xf32>
}

// -----

weight.source @w : tensor<32x32xi8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 1024
weight.source @z : tensor<32xi8> in "model.onnx" at 1152

// Weights, scales and zero points side by side; the values have no zero points and stay.

// CHECK-LABEL: func.func @quantized
// CHECK: %[[V:.*]] = nn.quantized_linear {{.*}} -> tensor<?x32xf32>
// CHECK: %[[W:.*]] = weight.concat {{.*}}axis = 1 : i64{{.*}} -> tensor<32x64xi8>
// CHECK: %[[S:.*]] = weight.concat {{.*}}axis = 0 : i64{{.*}} -> tensor<64xf32>
// CHECK: %[[Z:.*]] = weight.concat {{.*}}axis = 0 : i64{{.*}} -> tensor<64xi8>
// CHECK: %[[Y:.*]] = nn.quantized_linear %{{.*}}, %[[W]] scale %[[S]] zero_point %[[Z]] {{.*}} -> tensor<?x64xf32>
// CHECK: nn.attention %[[Y]], %[[Y]], %[[V]]
func.func @quantized(%x: tensor<?x32xf32>, %offsets: tensor<?xi64>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<32x32xi8>
  %s = weight.load @s : tensor<32xf32>
  %z = weight.load @z : tensor<32xi8>
  %q = nn.quantized_linear %x, %w scale %s zero_point %z
      : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<32xi8>) -> tensor<?x32xf32>
  %k = nn.quantized_linear %x, %w scale %s zero_point %z
      : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<32xi8>) -> tensor<?x32xf32>
  %v = nn.quantized_linear %x, %w scale %s : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>) -> tensor<?x32xf32>
  %a = nn.attention %q, %k, %v offsets %offsets {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  return %a : tensor<?x32xf32>
}

// -----

weight.source @w : tensor<32x32xi8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 1024

// Layers of the same range; the values are rounded by another one and stay.

// CHECK-LABEL: func.func @ranges
// CHECK-DAG: %[[R:.*]] = onnx.Constant dense<[1.250000e-01, 3.000000e+00]>
// CHECK-DAG: %[[T:.*]] = onnx.Constant dense<[2.500000e-01, 3.000000e+00]>
// CHECK: %[[V:.*]] = nn.quantized_linear {{.*}} range %[[T]] {{.*}} -> tensor<?x32xf32>
// CHECK: %[[Y:.*]] = nn.quantized_linear {{.*}} range %[[R]] {{.*}} -> tensor<?x64xf32>
// CHECK: nn.attention %[[Y]], %[[Y]], %[[V]]
func.func @ranges(%x: tensor<?x32xf32>, %offsets: tensor<?xi64>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<32x32xi8>
  %s = weight.load @s : tensor<32xf32>
  %r0 = onnx.Constant dense<[0.125, 3.0]> : tensor<2xf32>
  %t = onnx.Constant dense<[0.25, 3.0]> : tensor<2xf32>
  %q = nn.quantized_linear %x, %w scale %s range %r0
      : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<2xf32>) -> tensor<?x32xf32>
  %r1 = onnx.Constant dense<[0.125, 3.0]> : tensor<2xf32>
  %k = nn.quantized_linear %x, %w scale %s range %r1
      : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<2xf32>) -> tensor<?x32xf32>
  %v = nn.quantized_linear %x, %w scale %s range %t
      : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<2xf32>) -> tensor<?x32xf32>
  %a = nn.attention %q, %k, %v offsets %offsets {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  return %a : tensor<?x32xf32>
}
