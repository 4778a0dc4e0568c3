// RUN: tamis-opt %s --linalg-fuse-elementwise | FileCheck %s

#map = affine_map<(d0, d1) -> (d0, d1)>

// One loop adds and multiplies.
// CHECK-LABEL: func.func @chain
// CHECK-COUNT-1: linalg.generic
// CHECK: arith.addf
// CHECK-NEXT: arith.mulf
// CHECK-NOT: linalg.generic
func.func @chain(%a: tensor<4x?xf32>, %b: tensor<4x?xf32>, %n: index) -> tensor<4x?xf32> {
  %empty = tensor.empty(%n) : tensor<4x?xf32>
  %sum = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<4x?xf32>, tensor<4x?xf32>) outs(%empty : tensor<4x?xf32>) {
  ^bb0(%x: f32, %y: f32, %unused: f32):
    %0 = arith.addf %x, %y : f32
    linalg.yield %0 : f32
  } -> tensor<4x?xf32>
  %product = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %b : tensor<4x?xf32>, tensor<4x?xf32>) outs(%empty : tensor<4x?xf32>) {
  ^bb0(%x: f32, %y: f32, %unused: f32):
    %0 = arith.mulf %x, %y : f32
    linalg.yield %0 : f32
  } -> tensor<4x?xf32>
  return %product : tensor<4x?xf32>
}

// What two read is computed once, and stays.
// CHECK-LABEL: func.func @two_users
// CHECK-COUNT-2: linalg.generic
func.func @two_users(%a: tensor<4x?xf32>, %n: index) -> (tensor<4x?xf32>, tensor<4x?xf32>) {
  %empty = tensor.empty(%n) : tensor<4x?xf32>
  %exp = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x?xf32>) outs(%empty : tensor<4x?xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %0 = math.exp %x : f32
    linalg.yield %0 : f32
  } -> tensor<4x?xf32>
  %negated = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%exp : tensor<4x?xf32>) outs(%empty : tensor<4x?xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %0 = arith.negf %x : f32
    linalg.yield %0 : f32
  } -> tensor<4x?xf32>
  return %exp, %negated : tensor<4x?xf32>, tensor<4x?xf32>
}

// A reshape between two elementwise ops gets out of their way.
// CHECK-LABEL: func.func @reshape
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK-NEXT: arith.negf
// CHECK-NOT: linalg.generic
func.func @reshape(%a: tensor<4x6xf32>) -> tensor<24xf32> {
  %empty = tensor.empty() : tensor<4x6xf32>
  %exp = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<4x6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %0 = math.exp %x : f32
    linalg.yield %0 : f32
  } -> tensor<4x6xf32>
  %flat = tensor.collapse_shape %exp [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  %flatEmpty = tensor.empty() : tensor<24xf32>
  %negated = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%flat : tensor<24xf32>) outs(%flatEmpty : tensor<24xf32>) {
  ^bb0(%x: f32, %unused: f32):
    %0 = arith.negf %x : f32
    linalg.yield %0 : f32
  } -> tensor<24xf32>
  return %negated : tensor<24xf32>
}

// A product keeps its name, and the reshapes on both sides, so that it becomes a kernel.
// CHECK-LABEL: func.func @product
// CHECK: linalg.batch_matmul
// CHECK: tensor.expand_shape
// CHECK-NOT: linalg.generic
func.func @product(%a: tensor<?x12x?x32xf32>, %b: tensor<?x12x32x?xf32>, %count: index, %rows: index, %batch: index)
    -> tensor<?x12x?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %left = tensor.collapse_shape %a [[0, 1], [2], [3]] : tensor<?x12x?x32xf32> into tensor<?x?x32xf32>
  %right = tensor.collapse_shape %b [[0, 1], [2], [3]] : tensor<?x12x32x?xf32> into tensor<?x32x?xf32>
  %empty = tensor.empty(%count, %rows, %rows) : tensor<?x?x?xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %product = linalg.batch_matmul ins(%left, %right : tensor<?x?x32xf32>, tensor<?x32x?xf32>)
      outs(%init : tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %result = tensor.expand_shape %product [[0, 1], [2], [3]] output_shape [%batch, 12, %rows, %rows]
      : tensor<?x?x?xf32> into tensor<?x12x?x?xf32>
  return %result : tensor<?x12x?x?xf32>
}
