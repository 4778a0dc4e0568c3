// RUN: tamis-opt %s --moe-pack-weights | FileCheck %s
// RUN: tamis-opt %s --moe-pack-weights=precision=bf16 | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --moe-pack-weights=precision=split-f32 | FileCheck %s --check-prefix=SPLIT
// RUN: tamis-opt %s --moe-pack-weights=precision=int8 | FileCheck %s --check-prefix=INT8
// RUN: tamis-opt %s --moe-pack-weights="precision=int4 int4-group=64" | FileCheck %s --check-prefix=INT4
// RUN: sed 's/activation relu>}$/activation relu>, tamis.precision = "bf16"}/; s/tensor<?x2x32xf32>$/& loc("own")/' %s | tamis-opt - --moe-pack-weights | FileCheck %s --check-prefix=OWN
// OWN: tamis.layer_precisions = {{\[\[}}"own", "bf16"]
// RUN: not tamis-opt %s --moe-pack-weights=precision=fp4 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: there is no precision 'fp4'; there are f32, split-f32, bf16, int8 and int4

// BF16: %[[A:.*]] = weight.pack_panels %{{.*}} : (tensor<8x32x40xf32>) -> tensor<8x3x16x16x2xbf16>
// BF16: %[[B:.*]] = weight.pack_panels %{{.*}} : (tensor<8x40x32xf32>) -> tensor<8x2x32x16x2xbf16>
// BF16: moe.experts %arg0 to %arg1 in %[[A]] out %[[B]]
// SPLIT: weight.pack_panels %{{.*}} : (tensor<8x32x40xf32>) -> tensor<8x3x1x32x16x2xbf16>
// INT8: %[[S:.*]] = weight.column_scales %[[F:.*]] : (tensor<8x32x40xf32>) -> tensor<8x40xf32>
// INT8: %[[Q:.*]] = weight.quantize_columns %[[F]] : (tensor<8x32x40xf32>) -> tensor<8x32x40xi8>
// INT8: %[[T:.*]] = weight.column_sums %[[Q]] : (tensor<8x32x40xi8>) -> tensor<8x40xi32>
// INT8: %[[P:.*]] = weight.pack_panels %[[Q]] : (tensor<8x32x40xi8>) -> tensor<8x3x16x16x4xi8>
// INT8: moe.experts %arg0 to %arg1 in %[[P]] scale %[[S]] sums %[[T]] out %{{.*}} scale %{{.*}} sums
// INT4: %[[A:.*]] = weight.quantize_int4 %{{.*}} {group = 64 : i64} : (tensor<8x32x40xf32>) -> tensor<8x3x1x9x16xi32>
// INT4: %[[B:.*]] = weight.quantize_int4 %{{.*}} {group = 64 : i64} : (tensor<8x40x32xf32>) -> tensor<8x2x1x9x16xi32>
// INT4: moe.experts %arg0 to %arg1 in %[[A]] out %[[B]]

weight.source @in : tensor<8x32x40xf32> in "model.onnx" at 0
weight.source @out : tensor<8x40x32xf32> in "model.onnx" at 0

// CHECK: %[[A:.*]] = weight.pack_panels %{{.*}} : (tensor<8x32x40xf32>) -> tensor<8x3x32x16xf32>
// CHECK: %[[B:.*]] = weight.pack_panels %{{.*}} : (tensor<8x40x32xf32>) -> tensor<8x2x40x16xf32>
// CHECK: moe.experts %arg0 to %arg1 in %[[A]] out %[[B]]
// What is no weight stays as it is.
// CHECK: %[[C:.*]] = weight.pack_panels %{{.*}} : (tensor<8x40x32xf32>) -> tensor<8x2x40x16xf32>
// CHECK: moe.experts %arg0 to %arg1 in %arg2 out %[[C]]
func.func @pack(%x: tensor<?x32xf32>, %i: tensor<?x2xi64>, %w: tensor<8x32x40xf32>) -> (tensor<?x2x32xf32>, tensor<?x2x32xf32>) {
  %in = weight.load @in : tensor<8x32x40xf32>
  %out = weight.load @out : tensor<8x40x32xf32>
  %0 = moe.experts %x to %i in %in out %out {activation = #nn<activation relu>}
    : (tensor<?x32xf32>, tensor<?x2xi64>, tensor<8x32x40xf32>, tensor<8x40x32xf32>) -> tensor<?x2x32xf32>
  %1 = moe.experts %x to %i in %w out %out {activation = #nn<activation relu>}
    : (tensor<?x32xf32>, tensor<?x2xi64>, tensor<8x32x40xf32>, tensor<8x40x32xf32>) -> tensor<?x2x32xf32>
  return %0, %1 : tensor<?x2x32xf32>, tensor<?x2x32xf32>
}
