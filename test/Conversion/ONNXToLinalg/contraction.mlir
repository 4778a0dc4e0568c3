// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// One matrix for all rows: one product of matrices.
// CHECK-LABEL: func.func @linear
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<8x16xf32>)
func.func @linear(%x: tensor<?x?x8xf32>, %w: tensor<8x16xf32>) -> tensor<?x?x16xf32> {
  %r = onnx.MatMul %x, %w : (tensor<?x?x8xf32>, tensor<8x16xf32>) -> tensor<?x?x16xf32>
  return %r : tensor<?x?x16xf32>
}

// -----

// Equal batches become one batch dimension.
// CHECK-LABEL: func.func @scores
// CHECK-NOT: scf.if
// CHECK: linalg.batch_matmul
func.func @scores(%q: tensor<?x12x?x32xf32> {onnx.dims = ["b", "", "s", ""]},
                  %k: tensor<?x12x32x?xf32> {onnx.dims = ["b", "", "", "s"]}) -> tensor<?x12x?x?xf32> {
  %r = onnx.MatMul %q, %k : (tensor<?x12x?x32xf32>, tensor<?x12x32x?xf32>) -> tensor<?x12x?x?xf32>
  return %r : tensor<?x12x?x?xf32>
}

// -----

// CHECK-LABEL: func.func @inner_sizes
// CHECK: rt.check %{{.*}}, "the inner sizes of a matrix product differ"
func.func @inner_sizes(%a: tensor<4x?xf32>, %b: tensor<?x4xf32>) -> tensor<4x4xf32> {
  %r = onnx.MatMul %a, %b : (tensor<4x?xf32>, tensor<?x4xf32>) -> tensor<4x4xf32>
  return %r : tensor<4x4xf32>
}

// -----

// CHECK-LABEL: func.func @gemm
// CHECK: linalg.transpose
// CHECK: linalg.matmul
// CHECK: arith.addf
func.func @gemm(%a: tensor<?x8xf32>, %b: tensor<16x8xf32>, %c: tensor<16xf32>) -> tensor<?x16xf32> {
  %r = onnx.Gemm %a, %b, %c {alpha = 1.0 : f32, beta = 1.0 : f32, transA = false, transB = true}
    : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

// CHECK-LABEL: func.func @einsum
// CHECK: linalg.batch_matmul
func.func @einsum(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %r = onnx.Einsum %a, %b {equation = "bij,bkj->bik"} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
  return %r : tensor<2x3x5xf32>
}

// -----

// What a softmax weighs is not rounded to bf16 on its way into the product; other operands are what they are.
// CHECK-LABEL: func.func @weights_of_softmax
// CHECK-NOT: arith.truncf
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x6xf32>, tensor<6x8xbf16>) outs(%{{.*}} : tensor<4x8xf32>)
// CHECK: arith.truncf
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x8xbf16>, tensor<8x8xbf16>)
func.func @weights_of_softmax(%s: tensor<4x6xbf16>, %v: tensor<6x8xbf16>, %w: tensor<8x8xbf16>) -> tensor<4x8xbf16> {
  %p = onnx.Softmax %s {axis = 1 : i64} : (tensor<4x6xbf16>) -> tensor<4x6xbf16>
  %y = onnx.MatMul %p, %v : (tensor<4x6xbf16>, tensor<6x8xbf16>) -> tensor<4x8xbf16>
  %z = onnx.MatMul %y, %w : (tensor<4x8xbf16>, tensor<8x8xbf16>) -> tensor<4x8xbf16>
  return %z : tensor<4x8xbf16>
}

// -----

// Nor is it where a guard puts zeros for rows without a key.
// CHECK-LABEL: func.func @guarded_weights
// CHECK-NOT: arith.truncf
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x6xf32>, tensor<6x8xbf16>) outs(%{{.*}} : tensor<4x8xf32>)
func.func @guarded_weights(%s: tensor<4x6xbf16>, %v: tensor<6x8xbf16>, %none: tensor<4x1xi1>) -> tensor<4x8xbf16> {
  %zero = onnx.Constant dense<0.0> : tensor<1xbf16>
  %p = onnx.Softmax %s {axis = 1 : i64} : (tensor<4x6xbf16>) -> tensor<4x6xbf16>
  %g = onnx.Where %none, %zero, %p : (tensor<4x1xi1>, tensor<1xbf16>, tensor<4x6xbf16>) -> tensor<4x6xbf16>
  %y = onnx.MatMul %g, %v : (tensor<4x6xbf16>, tensor<6x8xbf16>) -> tensor<4x8xbf16>
  return %y : tensor<4x8xbf16>
}

// -----

// Attention rounds its result, and nothing before it.
// CHECK-LABEL: func.func @attention
// CHECK-NOT: arith.truncf
// CHECK: linalg.batch_matmul ins(%{{.*}}, %{{.*}} : tensor<6x4x5xf32>, tensor<6x5x8xf16>)
// CHECK: arith.truncf
func.func @attention(%q: tensor<2x3x4x8xf16>, %k: tensor<2x3x5x8xf16>, %v: tensor<2x3x5x8xf16>) -> tensor<2x3x4x8xf16> {
  %y = onnx.Attention %q, %k, %v {is_causal = false, kv_num_heads = 0 : i64, q_num_heads = 0 : i64, scale = 5.000000e-01 : f32, softcap = 0.0 : f32} : (tensor<2x3x4x8xf16>, tensor<2x3x5x8xf16>, tensor<2x3x5x8xf16>) -> tensor<2x3x4x8xf16>
  return %y : tensor<2x3x4x8xf16>
}
