// RUN: tamis-opt %s --rt-bufferize | FileCheck %s

// A dimension that becomes two of unknown sizes: memref.expand_shape of it has no lowering.

// CHECK-LABEL: func.func @unknown
// CHECK-NOT: expand_shape
// CHECK: memref.reshape
// CHECK-NOT: expand_shape
// CHECK: return
func.func @unknown(%x: tensor<?x1x32xf32>, %a: index, %b: index) -> tensor<?x?x1x32xf32> {
  %y = tensor.expand_shape %x [[0, 1], [2], [3]] output_shape [%a, %b, 1, 32] : tensor<?x1x32xf32> into tensor<?x?x1x32xf32>
  return %y : tensor<?x?x1x32xf32>
}

// One of unknown size is found from the others.

// CHECK-LABEL: func.func @known
// CHECK-NOT: memref.reshape
// CHECK: memref.expand_shape
func.func @known(%x: tensor<?x32xf32>, %a: index) -> tensor<?x4x32xf32> {
  %y = tensor.expand_shape %x [[0, 1], [2]] output_shape [%a, 4, 32] : tensor<?x32xf32> into tensor<?x4x32xf32>
  return %y : tensor<?x4x32xf32>
}
