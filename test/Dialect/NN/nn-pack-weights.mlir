// RUN: tamis-opt %s --nn-pack-weights | FileCheck %s
// RUN: tamis-opt %s --nn-pack-weights=precision=bf16 | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --nn-pack-weights=precision=split-f32 | FileCheck %s --check-prefix=SPLIT
// RUN: tamis-opt %s --nn-pack-weights=precision=int8 | FileCheck %s --check-prefix=INT8
// RUN: tamis-opt %s --nn-pack-weights=precision=int4 | FileCheck %s --check-prefix=INT4
// RUN: tamis-opt %s --nn-pack-weights="precision=int4 int4-group=128" | FileCheck %s --check-prefix=G128
// RUN: not tamis-opt %s --nn-pack-weights=int4-group=48 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not tamis-opt %s --nn-pack-weights=precision=fp4 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: there is no precision 'fp4'; there are f32, split-f32, bf16, int8 and int4

// BF16-LABEL: func.func @pack
// BF16: %[[W:.*]] = weight.pack_panels %{{.*}} : (tensor<32x40xf32>) -> tensor<3x16x16x2xbf16>
// BF16: nn.linear %{{.*}}, %[[W]]
// SPLIT-LABEL: func.func @pack
// SPLIT: weight.pack_panels %{{.*}} : (tensor<32x40xf32>) -> tensor<3x1x32x16x2xbf16>
// INT8-LABEL: func.func @pack
// INT8: %[[SCALES:.*]] = weight.column_scales %[[F:.*]] : (tensor<32x40xf32>) -> tensor<40xf32>
// INT8: %[[Q:.*]] = weight.quantize_columns %[[F]] : (tensor<32x40xf32>) -> tensor<32x40xi8>
// INT8: %[[SUMS:.*]] = weight.column_sums %[[Q]]
// INT8: %[[W:.*]] = weight.pack_panels %[[Q]] : (tensor<32x40xi8>) -> tensor<3x16x16x4xi8>
// INT8: nn.linear %{{.*}}, %[[W]] scale %[[SCALES]] sums %[[SUMS]]

// INT4-LABEL: func.func @pack
// INT4: %[[W:.*]] = weight.quantize_int4 %{{.*}} {group = 32 : i64} : (tensor<32x40xf32>) -> tensor<3x1x5x16xi32>
// INT4: nn.linear %{{.*}}, %[[W]] : (
// G128: weight.quantize_int4 %{{.*}} {group = 128 : i64} : (tensor<32x40xf32>) -> tensor<3x1x17x16xi32>
// GROUP: int4-group: there are groups of 32, 64 and 128 elements, not of 48

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
// CHECK: %[[W:.*]] = weight.pack_panels %{{.*}} : (tensor<32x40xi8>) -> tensor<3x16x16x4xi8>
// CHECK: nn.quantized_linear %{{.*}}, %[[W]] scale %{{.*}} column_sums %[[C]]
func.func @sums(%x: tensor<?x32xf32>) -> tensor<?x40xf32> {
  %w = weight.load @q : tensor<32x40xi8>
  %s = weight.load @s : tensor<40xf32>
  %0 = nn.quantized_linear %x, %w scale %s : (tensor<?x32xf32>, tensor<32x40xi8>, tensor<40xf32>) -> tensor<?x40xf32>
  return %0 : tensor<?x40xf32>
}

// RUN: tamis-opt %s --nn-pack-weights="precision=bf16" | FileCheck %s --check-prefix=LAYERS

// Layers may have a precision of their own. What differs from that of the rest is listed: also the layer whose K is odd.
// LAYERS: module attributes {tamis.layer_precisions = {{\[\[}}"dense/0", "int8"], ["dense/1", "f32"], ["dense/1/other", "f32"], ["odd", "f32"]]}
// LAYERS-LABEL: func.func @layers
// LAYERS: nn.linear {{.*}} tensor<3x16x16x4xi8>
// LAYERS: nn.linear {{.*}} tensor<3x32x16xf32>
// LAYERS: nn.linear {{.*}} tensor<3x16x16x2xbf16>
// LAYERS: nn.linear {{.*}} tensor<1x3x16xf32>
weight.source @v : tensor<3x5xf32> in "model.onnx" at 0
func.func @layers(%x: tensor<?x32xf32>, %y: tensor<?x3xf32>) -> (tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x5xf32>) {
  %w = weight.load @w : tensor<32x40xf32>
  %v = weight.load @v : tensor<3x5xf32>
  %0 = nn.linear %x, %w {tamis.precision = "int8"} : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc("dense/0")
  %1 = nn.linear %x, %w {tamis.precision = "f32"} : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc(fused["dense/1", "dense/1/other"])
  %2 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc("rest")
  %3 = nn.linear %y, %v : (tensor<?x3xf32>, tensor<3x5xf32>) -> tensor<?x5xf32> loc("odd")
  return %0, %1, %2, %3 : tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x5xf32>
}

// The columns of x are only known in a run, and not to be seen in a packed weight.
// CHECK-LABEL: func.func @unknown
// CHECK: %[[K:.*]] = arith.constant 32 : index
// CHECK: %[[COLUMNS:.*]] = tensor.dim %arg0, %{{.*}} : tensor<?x?xf32>
// CHECK: %[[SAME:.*]] = arith.cmpi eq, %[[COLUMNS]], %[[K]] : index
// CHECK: rt.check %[[SAME]], "the inner sizes of a matrix product differ"
// CHECK: nn.linear
func.func @unknown(%x: tensor<?x?xf32>) -> tensor<?x40xf32> {
  %w = weight.load @w : tensor<32x40xf32>
  %0 = nn.linear %x, %w : (tensor<?x?xf32>, tensor<32x40xf32>) -> tensor<?x40xf32>
  return %0 : tensor<?x40xf32>
}
