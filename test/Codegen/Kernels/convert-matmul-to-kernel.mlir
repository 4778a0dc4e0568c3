// RUN: tamis-opt %s --pass-pipeline='builtin.module(func.func(convert-matmul-to-kernel))' | FileCheck %s

// CHECK-LABEL: func.func @zero_filled(%arg0: memref<?x?xf32>, %arg1: memref<?x?xf32>, %arg2: memref<?x?xf32>)
// CHECK-NOT: linalg.fill
// CHECK: kernel.matmul %arg0, %arg1, %arg2
// CHECK-NOT: linalg
func.func @zero_filled(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<?x?xf32>)
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// CHECK-LABEL: func.func @batch
// CHECK: kernel.matmul
func.func @batch(%a: memref<2x?x?xf32>, %b: memref<2x?x?xf32>, %c: memref<2x?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<2x?x?xf32>)
  linalg.batch_matmul ins(%a, %b : memref<2x?x?xf32>, memref<2x?x?xf32>) outs(%c : memref<2x?x?xf32>)
  return
}

// Accumulates into what is there.
// CHECK-LABEL: func.func @accumulates
// CHECK: linalg.matmul
func.func @accumulates(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// The fill is not the last to touch the output.
// CHECK-LABEL: func.func @written_between
// CHECK: linalg.fill
// CHECK: linalg.matmul
func.func @written_between(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>, %i: index) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<?x?xf32>)
  memref.store %one, %c[%i, %i] : memref<?x?xf32>
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// Rows with a gap between them.
// CHECK-LABEL: func.func @strided
// CHECK: linalg.matmul
func.func @strided(%a: memref<?x?xf32, strided<[?, 1]>>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<?x?xf32>)
  linalg.matmul ins(%a, %b : memref<?x?xf32, strided<[?, 1]>>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}
