// RUN: tamis-opt %s --convert-onnx-to-nn --split-input-file | FileCheck %s
// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=SAYS

weight.source @w : tensor<48x32xi8> in "model.onnx" at 0
weight.source @b : tensor<32xf32> in "model.onnx" at 1536

// CHECK-LABEL: func.func @chain
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x48xf32>
// CHECK-DAG: %[[W:.*]] = weight.load @w
// CHECK-DAG: %[[B:.*]] = weight.load @b
// CHECK-DAG: %[[S:.*]] = weight.expand %{{.*}} : (tensor<f32>) -> tensor<32xf32>
// CHECK: %[[Y:.*]] = nn.quantized_linear %[[X]], %[[W]] scale %[[S]] bias %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @chain(%x: tensor<?x?x48xf32>) -> tensor<?x?x32xf32> {
  %w = weight.load @w : tensor<48x32xi8>
  %b = weight.load @b : tensor<32xf32>
  %ws = onnx.Constant dense<0.01> : tensor<f32>
  %wz = onnx.Constant dense<0> : tensor<i8>
  %q, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<?x?x48xf32>) -> (tensor<?x?x48xui8>, tensor<f32>, tensor<ui8>)
  %0 = onnx.MatMulInteger %q, %w, %z, %wz {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
      : (tensor<?x?x48xui8>, tensor<48x32xi8>, tensor<ui8>, tensor<i8>) -> tensor<?x?x32xi32>
  %1 = onnx.Cast %0 : (tensor<?x?x32xi32>) -> tensor<?x?x32xf32>
  %2 = onnx.Mul %s, %ws : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %3 = onnx.Mul %1, %2 : (tensor<?x?x32xf32>, tensor<f32>) -> tensor<?x?x32xf32>
  %4 = onnx.Add %b, %3 : (tensor<32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %4 : tensor<?x?x32xf32>
}

// -----

weight.source @w : tensor<48x32xui8> in "model.onnx" at 0
weight.source @s : tensor<1x32xf32> in "model.onnx" at 1536

// Unsigned weights become signed, their zero points with them; one scale after the other.

// CHECK-LABEL: func.func @unsigned
// CHECK-DAG: %[[W:.*]] = weight.to_signed %{{.*}} : (tensor<48x32xui8>) -> tensor<48x32xi8>
// CHECK-DAG: %[[Z:.*]] = weight.to_signed %{{.*}} : (tensor<32xui8>) -> tensor<32xi8>
// CHECK-DAG: %[[S:.*]] = weight.reshape
// CHECK: nn.quantized_linear %{{.*}}, %[[W]] scale %[[S]] zero_point %[[Z]]
func.func @unsigned(%x: tensor<?x48xf32>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<48x32xui8>
  %ws = weight.load @s : tensor<1x32xf32>
  %wz = onnx.Constant dense<120> : tensor<ui8>
  %q, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<?x48xf32>) -> (tensor<?x48xui8>, tensor<f32>, tensor<ui8>)
  %0 = onnx.MatMulInteger %q, %w, %z, %wz {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
      : (tensor<?x48xui8>, tensor<48x32xui8>, tensor<ui8>, tensor<ui8>) -> tensor<?x32xi32>
  %1 = onnx.Cast %0 : (tensor<?x32xi32>) -> tensor<?x32xf32>
  %2 = onnx.Mul %1, %s : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  %3 = onnx.Mul %ws, %2 : (tensor<1x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %3 : tensor<?x32xf32>
}

// -----

weight.source @w : tensor<48x32xui8> in "model.onnx" at 0

// A zero point of 128 is none of the signed weight.

// CHECK-LABEL: func.func @middle
// CHECK: nn.quantized_linear
// CHECK-NOT: zero_point
func.func @middle(%x: tensor<?x48xf32>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<48x32xui8>
  %ws = onnx.Constant dense<0.01> : tensor<f32>
  %wz = onnx.Constant dense<128> : tensor<ui8>
  %q, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<?x48xf32>) -> (tensor<?x48xui8>, tensor<f32>, tensor<ui8>)
  %0 = onnx.MatMulInteger %q, %w, %z, %wz {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
      : (tensor<?x48xui8>, tensor<48x32xui8>, tensor<ui8>, tensor<ui8>) -> tensor<?x32xi32>
  %1 = onnx.Cast %0 : (tensor<?x32xi32>) -> tensor<?x32xf32>
  %2 = onnx.Mul %s, %ws : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %3 = onnx.Mul %1, %2 : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  return %3 : tensor<?x32xf32>
}

// -----

weight.source @w : tensor<48x32xi8> in "model.onnx" at 0

// Not scaled by x's scale: it runs as it stands.

// CHECK-LABEL: func.func @unscaled
// CHECK: onnx.MatMulInteger
// SAYS: remark: it is multiplied by something else than the scales of its operands
func.func @unscaled(%x: tensor<?x48xf32>, %f: tensor<f32>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<48x32xi8>
  %q, %s, %z = onnx.DynamicQuantizeLinear %x : (tensor<?x48xf32>) -> (tensor<?x48xui8>, tensor<f32>, tensor<ui8>)
  %0 = onnx.MatMulInteger %q, %w, %z {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
      : (tensor<?x48xui8>, tensor<48x32xi8>, tensor<ui8>) -> tensor<?x32xi32>
  %1 = onnx.Cast %0 : (tensor<?x32xi32>) -> tensor<?x32xf32>
  %2 = onnx.Mul %1, %f : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}
