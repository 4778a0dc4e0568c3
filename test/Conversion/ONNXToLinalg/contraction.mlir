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
