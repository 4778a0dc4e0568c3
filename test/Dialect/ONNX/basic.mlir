// The custom assembly of the onnx dialect round-trips.
// REQUIRES: tamis-opt
// RUN: tamis-opt %s | tamis-opt | FileCheck %s
// RUN: tamis-opt %s --emit-bytecode | tamis-opt | FileCheck %s

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<?x8xf32>, %y: tensor<8xf32>, %c: tensor<?x1xi1>) -> tensor<?x8xf32> {
  // CHECK: onnx.Add %{{.*}}, %{{.*}} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %0 = onnx.Add %x, %y : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  // CHECK: onnx.Gelu %{{.*}} {tanh = true} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = onnx.Gelu %0 {tanh = true} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: onnx.Where
  %2 = onnx.Where %c, %1, %x : (tensor<?x1xi1>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: %[[MAX:.*]] = onnx.Constant dense<6.000000e+00> : tensor<f32>
  %max = onnx.Constant dense<6.0> : tensor<f32>
  // Clip without a minimum: its operands are printed in groups.
  // CHECK: onnx.Clip %{{.*}}, %[[MAX]] {operandSegmentSizes = array<i32: 1, 0, 1>}
  %3 = onnx.Clip %2, %max {operandSegmentSizes = array<i32: 1, 0, 1>}
      : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
  // CHECK: onnx.Cast %{{.*}} : (tensor<?x8xf32>) -> tensor<?x8xf16>
  %4 = onnx.Cast %3 : (tensor<?x8xf32>) -> tensor<?x8xf16>
  %5 = onnx.Cast %4 : (tensor<?x8xf16>) -> tensor<?x8xf32>
  return %5 : tensor<?x8xf32>
}

// CHECK-LABEL: func.func @layers
func.func @layers(%x: tensor<?x?x8xf32>, %w: tensor<8x16xf32>, %s: tensor<8xf32>, %m: tensor<?x1x1x?xi1>)
    -> (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x4xi64>) {
  // CHECK: onnx.LayerNormalization %{{.*}}, %{{.*}} {axis = 2 : i64, epsilon = 9.99999974E-6 : f32}
  %0 = onnx.LayerNormalization %x, %s {axis = 2 : i64, epsilon = 1.0e-5 : f32}
      : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: onnx.MatMul
  %1 = onnx.MatMul %0, %w : (tensor<?x?x8xf32>, tensor<8x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: onnx.Attention
  %2 = onnx.Attention %x, %x, %x, %m {q_num_heads = 2 : i64, kv_num_heads = 2 : i64, scale = 0.5 : f32,
      softcap = 0.0 : f32, is_causal = false}
      : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x1x1x?xi1>) -> tensor<?x?x8xf32>
  %3 = onnx.ReduceMean %x {axes = array<i64: 1>, keepdims = false} : (tensor<?x?x8xf32>) -> tensor<?x8xf32>
  // CHECK: %[[K:.*]] = onnx.Constant dense<4> : tensor<1xi64>
  %k = onnx.Constant dense<4> : tensor<1xi64>
  // CHECK: onnx.TopK %{{.*}}, %[[K]] {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x4xf32>, tensor<?x4xi64>)
  %v, %i = onnx.TopK %3, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x4xf32>, tensor<?x4xi64>)
  // A result type may know less, or more, than inference does.
  // CHECK: onnx.Einsum
  %4 = onnx.Einsum %x, %w {equation = "bsk,kn->bsn"} : (tensor<?x?x8xf32>, tensor<8x16xf32>) -> tensor<?x4x16xf32>
  %5 = onnx.Einsum %4, %w {equation = "bsn,kn->bsk"} : (tensor<?x4x16xf32>, tensor<8x16xf32>) -> tensor<?x?x8xf32>
  %6 = onnx.Add %2, %5 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %1, %6, %i : tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x4xi64>
}

// CHECK-LABEL: func.func @quantization
func.func @quantization(%x: tensor<?x32xf32>, %s: tensor<32xf32>, %z: tensor<32xui8>, %b: tensor<2x32xf32>,
                        %w: tensor<32x8xi8>, %p: tensor<8x16xui8>, %w2: tensor<32x32xi4>) -> (tensor<?x8xi32>, tensor<8x32xui8>) {
  // CHECK: onnx.QuantizeLinear %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64}
  %0 = onnx.QuantizeLinear %x, %s, %z {axis = 1 : i64} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xui8>) -> tensor<?x32xui8>
  // CHECK: onnx.DequantizeLinear %{{.*}}, %{{.*}} {axis = 0 : i64, block_size = 16 : i64}
  %1 = onnx.DequantizeLinear %w2, %b {axis = 0 : i64, block_size = 16 : i64} : (tensor<32x32xi4>, tensor<2x32xf32>) -> tensor<32x32xf32>
  // CHECK: onnx.DynamicQuantizeLinear %{{.*}} : (tensor<?x32xf32>) -> (tensor<?x32xui8>, tensor<f32>, tensor<ui8>)
  %y, %ys, %yz = onnx.DynamicQuantizeLinear %x : (tensor<?x32xf32>) -> (tensor<?x32xui8>, tensor<f32>, tensor<ui8>)
  // CHECK: onnx.MatMulInteger %{{.*}}, %{{.*}}, %{{.*}} {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
  %2 = onnx.MatMulInteger %y, %w, %yz {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
      : (tensor<?x32xui8>, tensor<32x8xi8>, tensor<ui8>) -> tensor<?x8xi32>
  // CHECK: onnx.UnpackBits %{{.*}} {bits = 4 : i64}
  %3 = onnx.UnpackBits %p {bits = 4 : i64} : (tensor<8x16xui8>) -> tensor<8x32xui8>
  return %2, %3 : tensor<?x8xi32>, tensor<8x32xui8>
}
