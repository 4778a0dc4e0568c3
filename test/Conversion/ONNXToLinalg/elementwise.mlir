// RUN: tamis-opt %s --convert-onnx-to-linalg --canonicalize --cse --split-input-file | FileCheck %s

// Sizes of the same name are equal: one loop, nothing to check.
// CHECK-LABEL: func.func @same_names
// CHECK-NOT: rt.check
// CHECK-NOT: scf.if
// CHECK: linalg.generic
// CHECK: arith.addf
func.func @same_names(%a: tensor<?x?x8xf32> {onnx.dims = ["b", "s", ""]},
                      %b: tensor<?x?x8xf32> {onnx.dims = ["b", "s", ""]}) -> tensor<?x?x8xf32> {
  %0 = onnx.Add %a, %b : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// -----

// A rank that is missing and a size of 1 are maps.
// CHECK-DAG: #[[LAST:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, 0, d2)>
// CHECK-LABEL: func.func @static_ones
// CHECK-NOT: rt.check
// CHECK: linalg.generic {indexing_maps = [#[[ROW]], #[[LAST]], #{{.*}}]
func.func @static_ones(%a: tensor<?x1x8xf32>, %b: tensor<8xf32>, %c: tensor<?x4x8xf32>) -> tensor<?x1x8xf32> {
  %0 = onnx.Mul %a, %b : (tensor<?x1x8xf32>, tensor<8xf32>) -> tensor<?x1x8xf32>
  return %0 : tensor<?x1x8xf32>
}

// -----

// Sizes that only a run knows: checked, and repeated only where one of them is 1.
// CHECK-LABEL: func.func @unknown_sizes
// CHECK: rt.check %{{.*}}, "the sizes cannot be broadcast"
// CHECK: %[[A:.*]] = scf.if
// CHECK: %[[B:.*]] = scf.if
// CHECK: linalg.generic {{.*}} ins(%[[A]], %[[B]]
func.func @unknown_sizes(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = onnx.Sub %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Unsigned types are signless afterwards; their meaning went into the ops.
// CHECK-LABEL: func.func @unsigned
// CHECK-SAME: tensor<?xi8> {{.*}}, %{{.*}}: tensor<?xi8> {{.*}} -> tensor<?xi1>
// CHECK: arith.cmpi ult
func.func @unsigned(%a: tensor<?xui8> {onnx.dims = ["n"]}, %b: tensor<?xui8> {onnx.dims = ["n"]}) -> tensor<?xi1> {
  %0 = onnx.Less %a, %b : (tensor<?xui8>, tensor<?xui8>) -> tensor<?xi1>
  return %0 : tensor<?xi1>
}

// -----

// An integer division never traps.
// CHECK-LABEL: func.func @divide
// CHECK: rt.check %{{.*}}, "an integer is divided by zero"
// CHECK: arith.divsi
func.func @divide(%a: tensor<?xi64>, %b: tensor<i64>) -> tensor<?xi64> {
  %0 = onnx.Div %a, %b : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

// A constant exponent costs no power function.
// CHECK-LABEL: func.func @square
// CHECK-NOT: math.powf
// CHECK: arith.mulf
func.func @square(%a: tensor<?xf32>) -> tensor<?xf32> {
  %two = onnx.Constant dense<2.0> : tensor<f32>
  %0 = onnx.Pow %a, %two : (tensor<?xf32>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
