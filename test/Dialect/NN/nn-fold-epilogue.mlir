// RUN: tamis-opt %s --nn-fold-epilogue | FileCheck %s

// CHECK-LABEL: func.func @both
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x32xf32>, %[[W:[a-z0-9]+]]: tensor<32x32xf32>
// CHECK-NEXT: %[[Y:.*]] = nn.linear %[[X]], %[[W]] residual %[[X]] {activation = #nn<activation gelu>}
// CHECK-NEXT: return %[[Y]]
func.func @both(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>) -> tensor<?x32xf32> {
  %0 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %1 = onnx.Gelu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = onnx.Add %x, %1 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// A second reader of the product, and an addend that may be broadcast, stay outside.

// CHECK-LABEL: func.func @neither
// CHECK: nn.linear
// CHECK-NOT: residual
// CHECK: onnx.Relu
// CHECK: onnx.Add
func.func @neither(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>, %other: tensor<?x32xf32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %0 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %1 = onnx.Relu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %3 = onnx.Add %2, %other : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %4 = onnx.Add %3, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1, %4 : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @quantized
// CHECK: nn.quantized_linear %{{.*}}, %{{.*}} scale %{{.*}} residual %{{.*}} {activation = #nn<activation relu>}
// CHECK-NEXT: return
func.func @quantized(%x: tensor<?x32xf32>, %w: tensor<32x32xi8>, %s: tensor<32xf32>) -> tensor<?x32xf32> {
  %0 = nn.quantized_linear %x, %w scale %s : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32xf32>) -> tensor<?x32xf32>
  %1 = onnx.Relu %0 : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %2 = onnx.Add %1, %x : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}
