// RUN: tamis-opt %s --nn-pack-weights | FileCheck %s

weight.source @w : tensor<32x40xf32> in "model.onnx" at 0

// CHECK-LABEL: func.func @pack
// CHECK: %[[W:.*]] = weight.pack_panels %{{.*}} : (tensor<32x40xf32>) -> tensor<3x32x16xf32>
// CHECK: nn.linear %{{.*}}, %[[W]]
// A matrix that is no weight stays as it is.
// CHECK: nn.linear %{{.*}}, %arg1
func.func @pack(%x: tensor<?x32xf32>, %m: tensor<32x40xf32>) -> (tensor<?x40xf32>, tensor<?x40xf32>) {
  %w = weight.load @w : tensor<32x40xf32>
  %0 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32>
  %1 = nn.linear %x, %m : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32>
  return %0, %1 : tensor<?x40xf32>, tensor<?x40xf32>
}

weight.source @q : tensor<32x40xi8> in "model.onnx" at 0
weight.source @s : tensor<40xf32> in "model.onnx" at 0

// CHECK-LABEL: func.func @sums
// CHECK: %[[C:.*]] = weight.column_sums %{{.*}} : (tensor<32x40xi8>) -> tensor<40xi32>
// CHECK: nn.quantized_linear {{.*}} column_sums %[[C]]
func.func @sums(%x: tensor<?x32xf32>) -> tensor<?x40xf32> {
  %w = weight.load @q : tensor<32x40xi8>
  %s = weight.load @s : tensor<40xf32>
  %0 = nn.quantized_linear %x, %w scale %s : (tensor<?x32xf32>, tensor<32x40xi8>, tensor<40xf32>) -> tensor<?x40xf32>
  return %0 : tensor<?x40xf32>
}
