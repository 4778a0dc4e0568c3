// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Halves go to the even integer; NaN is not greater than the lowest value and becomes it.
// CHECK-LABEL: func.func @quantize
// CHECK-SAME: -> tensor<?x8xi8>
// CHECK-DAG: %[[LOW:.*]] = arith.constant -1.280000e+02
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 1.270000e+02
// CHECK: linalg.generic
// CHECK: %[[D:.*]] = arith.divf
// CHECK: %[[R:.*]] = math.roundeven %[[D]]
// CHECK: %[[A:.*]] = arith.cmpf ogt, %[[R]], %[[LOW]]
// CHECK: %[[B:.*]] = arith.select %[[A]], %[[R]], %[[LOW]]
// CHECK: %[[C:.*]] = arith.cmpf olt, %[[B]], %[[HIGH]]
// CHECK: arith.fptosi %{{.*}} : f32 to i32
// CHECK: arith.trunci
func.func @quantize(%x: tensor<?x8xf32>, %s: tensor<f32>) -> tensor<?x8xi8> {
  %0 = onnx.QuantizeLinear %x, %s {axis = 0 : i64} : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi8>
  return %0 : tensor<?x8xi8>
}

// -----

// CHECK-LABEL: func.func @blocks
// CHECK: linalg.generic
// CHECK: %[[I:.*]] = linalg.index 1
// CHECK: %[[J:.*]] = arith.divui %[[I]], %c16
// CHECK: tensor.extract %arg1[%{{.*}}, %[[J]]]
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.mulf
func.func @blocks(%x: tensor<4x40xui8>, %s: tensor<4x3xf32>) -> tensor<4x40xf32> {
  %0 = onnx.DequantizeLinear %x, %s {axis = 1 : i64, block_size = 16 : i64} : (tensor<4x40xui8>, tensor<4x3xf32>) -> tensor<4x40xf32>
  return %0 : tensor<4x40xf32>
}

// -----

// CHECK-LABEL: func.func @axis
// CHECK: rt.check %{{.*}}, "there is not one scale for each element of the axis"
func.func @axis(%x: tensor<?x8xi8>, %s: tensor<?xf32>) -> tensor<?x8xf32> {
  %0 = onnx.DequantizeLinear %x, %s {axis = 0 : i64} : (tensor<?x8xi8>, tensor<?xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Zero points are subtracted before the product, one for each row and one for each column. So few terms add up exactly in
// f32, whose products are kernels.
// CHECK-LABEL: func.func @integers
// CHECK: arith.extui
// CHECK: arith.subi
// CHECK: arith.extsi
// CHECK: arith.subi
// CHECK: arith.sitofp
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<4x6xf32>, tensor<6x3xf32>) outs(%{{.*}} : tensor<4x3xf32>)
// CHECK: arith.fptosi
func.func @integers(%a: tensor<4x6xui8>, %b: tensor<6x3xi8>, %az: tensor<4xui8>, %bz: tensor<3xi8>) -> tensor<4x3xi32> {
  %0 = onnx.MatMulInteger %a, %b, %az, %bz {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
      : (tensor<4x6xui8>, tensor<6x3xi8>, tensor<4xui8>, tensor<3xi8>) -> tensor<4x3xi32>
  return %0 : tensor<4x3xi32>
}

// -----

// Many terms go in steps of 256, whose sums are added up as integers.
// CHECK-LABEL: func.func @many_terms
// CHECK: %[[FIRST:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?x?xf32>)
// CHECK: arith.fptosi
// CHECK: scf.for %[[BEGIN:.*]] = %c256{{.*}} to %{{.*}} step %c256{{.*}} iter_args(%[[SUMS:.*]] = %{{.*}}) -> (tensor<?x?xi32>)
// CHECK: tensor.extract_slice %{{.*}}[0, %[[BEGIN]]]
// CHECK: linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x?xf32>, tensor<?x?xf32>)
// CHECK: %[[NEXT:.*]] = linalg.add ins(%[[SUMS]], %{{.*}} : tensor<?x?xi32>, tensor<?x?xi32>) outs(%[[SUMS]] : tensor<?x?xi32>)
// CHECK: scf.yield %[[NEXT]]
func.func @many_terms(%a: tensor<?x?xui8>, %b: tensor<?x?xi8>) -> tensor<?x?xi32> {
  %0 = onnx.MatMulInteger %a, %b {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
      : (tensor<?x?xui8>, tensor<?x?xi8>) -> tensor<?x?xi32>
  return %0 : tensor<?x?xi32>
}

// -----

// 4 bits are a byte in memory.
// CHECK-LABEL: func.func @int4
// CHECK-DAG: arith.constant -8.000000e+00
// CHECK-DAG: arith.constant 7.000000e+00
// CHECK: arith.extsi %{{.*}} : i8 to i32
func.func @int4(%x: tensor<?x8xf32>, %s: tensor<f32>) -> tensor<?x8xf32> {
  %0 = onnx.QuantizeLinear %x, %s {axis = 0 : i64} : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi4>
  %1 = onnx.DequantizeLinear %0, %s {axis = 0 : i64} : (tensor<?x8xi4>, tensor<f32>) -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
