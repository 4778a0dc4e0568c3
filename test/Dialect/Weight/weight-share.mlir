// RUN: tamis-opt %s --weight-share --split-input-file | FileCheck %s

// Two sources with equal elements are one weight; one with other elements, or of another type, is not.

// CHECK-LABEL: func.func @equal_sources
// CHECK: %[[A:.*]] = weight.load @a : tensor<4xf32>
// CHECK: %[[C:.*]] = weight.load @c : tensor<4xf32>
// CHECK: %[[D:.*]] = weight.load @d : tensor<2x2xf32>
// CHECK: return %[[A]], %[[A]], %[[C]], %[[D]]
module {
  weight.source @a : tensor<4xf32> value dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  weight.source @b : tensor<4xf32> value dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  weight.source @c : tensor<4xf32> value dense<[1.0, 2.0, 4.0, 4.0]> : tensor<4xf32>
  weight.source @d : tensor<2x2xf32> value dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  func.func @equal_sources() -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2x2xf32>) {
    %a = weight.load @a : tensor<4xf32>
    %b = weight.load @b : tensor<4xf32>
    %c = weight.load @c : tensor<4xf32>
    %d = weight.load @d : tensor<2x2xf32>
    return %a, %b, %c, %d : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<2x2xf32>
  }
}

// -----

// The same elements in another order have the same fingerprint, and are evaluated to see that they differ.

// CHECK-LABEL: func.func @another_order
// CHECK-DAG: %[[A:.*]] = weight.load @a
// CHECK-DAG: %[[B:.*]] = weight.load @b
// CHECK: return %[[A]], %[[B]]
module {
  weight.source @a : tensor<4xi8> value dense<[1, 2, 3, 0]> : tensor<4xi8>
  weight.source @b : tensor<4xi8> value dense<[3, 2, 0, 1]> : tensor<4xi8>
  func.func @another_order() -> (tensor<4xi8>, tensor<4xi8>) {
    %a = weight.load @a : tensor<4xi8>
    %b = weight.load @b : tensor<4xi8>
    return %a, %b : tensor<4xi8>, tensor<4xi8>
  }
}

// -----

// Equal results of different transforms: a matrix that one layer holds transposed, in halves, and as bf16.
// The weight that stays is the one used first, wherever the others are used.

// CHECK-LABEL: func.func @equal_results
// CHECK: %[[W:.*]] = weight.load @w
// CHECK: %[[P:.*]] = weight.pack_panels %[[W]]
// CHECK: scf.if
// CHECK:   scf.yield %[[P]], %[[P]]
// CHECK: else
// CHECK:   scf.yield %[[P]], %[[P]]
module {
  weight.source @w : tensor<2x3xf32> value dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  weight.source @wt : tensor<3x2xf32> value dense<[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]> : tensor<3x2xf32>
  weight.source @upper : tensor<1x3xf32> value dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  weight.source @lower : tensor<1x3xf32> value dense<[[4.0, 5.0, 6.0]]> : tensor<1x3xf32>
  weight.source @short : tensor<2x3xbf16> value dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xbf16>
  func.func @equal_results(%which: i1) -> (tensor<1x2x16xf32>, tensor<1x2x16xf32>) {
    %0:2 = scf.if %which -> (tensor<1x2x16xf32>, tensor<1x2x16xf32>) {
      %w = weight.load @w : tensor<2x3xf32>
      %p = weight.pack_panels %w : (tensor<2x3xf32>) -> tensor<1x2x16xf32>
      %wt = weight.load @wt : tensor<3x2xf32>
      %t = weight.transpose %wt {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
      %pt = weight.pack_panels %t : (tensor<2x3xf32>) -> tensor<1x2x16xf32>
      scf.yield %p, %pt : tensor<1x2x16xf32>, tensor<1x2x16xf32>
    } else {
      %upper = weight.load @upper : tensor<1x3xf32>
      %lower = weight.load @lower : tensor<1x3xf32>
      %c = weight.concat %upper, %lower {axis = 0 : i64} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
      %pc = weight.pack_panels %c : (tensor<2x3xf32>) -> tensor<1x2x16xf32>
      %short = weight.load @short : tensor<2x3xbf16>
      %f = weight.cast %short : (tensor<2x3xbf16>) -> tensor<2x3xf32>
      %pf = weight.pack_panels %f : (tensor<2x3xf32>) -> tensor<1x2x16xf32>
      scf.yield %pc, %pf : tensor<1x2x16xf32>, tensor<1x2x16xf32>
    }
    return %0#0, %0#1 : tensor<1x2x16xf32>, tensor<1x2x16xf32>
  }
}

// -----

// The only weight of its type is not read: its file need not be there.

// CHECK-LABEL: func.func @alone
// CHECK: weight.load @a
module {
  weight.source @a : tensor<4xf32> in "missing.onnx" at 0
  weight.source @b : tensor<5xf32> in "missing.onnx" at 16
  func.func @alone() -> (tensor<4xf32>, tensor<5xf32>) {
    %a = weight.load @a : tensor<4xf32>
    %b = weight.load @b : tensor<5xf32>
    return %a, %b : tensor<4xf32>, tensor<5xf32>
  }
}
