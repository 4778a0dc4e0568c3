// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf {{.*}}reassoc
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = onnx.Softmax %x {axis = 1 : i64} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// The variance comes from the differences to the mean.
// CHECK-LABEL: func.func @layer_norm
// CHECK: linalg.generic {{.*}}reduction
// CHECK: linalg.generic {{.*}}reduction
// CHECK: arith.subf
// CHECK: math.sqrt
func.func @layer_norm(%x: tensor<?x?x8xf32>, %scale: tensor<8xf32>, %bias: tensor<8xf32>) -> tensor<?x?x8xf32> {
  %r = onnx.LayerNormalization %x, %scale, %bias {axis = 2 : i64, epsilon = 1.0e-5 : f32}
    : (tensor<?x?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// A row that is masked altogether gives zeros, no NaN.
// CHECK-LABEL: func.func @attention
// CHECK: linalg.batch_matmul
// CHECK: math.exp
// CHECK: arith.cmpf oeq
// CHECK: linalg.batch_matmul
func.func @attention(%q: tensor<?x4x?x8xf32> {onnx.dims = ["b", "", "s", ""]},
                     %k: tensor<?x2x?x8xf32> {onnx.dims = ["b", "", "s", ""]},
                     %v: tensor<?x2x?x8xf32> {onnx.dims = ["b", "", "s", ""]}) -> tensor<?x4x?x8xf32> {
  %r = onnx.Attention %q, %k, %v {q_num_heads = 0 : i64, kv_num_heads = 0 : i64, scale = 0.35 : f32,
      softcap = 0.0 : f32, is_causal = true}
    : (tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x4x?x8xf32>
  return %r : tensor<?x4x?x8xf32>
}
