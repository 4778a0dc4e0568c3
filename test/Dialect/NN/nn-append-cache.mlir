// RUN: tamis-opt %s --nn-append-cache=max-length=96 --canonicalize --split-input-file | FileCheck %s

// A result that is an argument with rows behind it, read by an attention where it lies.

// CHECK: module attributes {tamis.decoder = {caches = [array<i64: 2, 1>, array<i64: 3, 2>], ids = 0 : i64,
// CHECK-SAME: logits = 0 : i64, mask = 1 : i64, max_length = 96 : i64, padded_behind = false,
// CHECK-SAME: positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}}
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[IDS:.*]]: tensor<?x?xi64>, %[[MASK:.*]]: tensor<?x?xi64>
// CHECK-SAME: %[[K:.*]]: tensor<?x2x?x8xf32>, %[[V:.*]]: tensor<?x2x?x8xf32>
// CHECK: %[[KP:.*]], %[[KR:.*]] = nn.kv_append %[[K]], %{{.*}} {cache = 0 : i64}
// CHECK: %[[VP:.*]], %[[VR:.*]] = nn.kv_append %[[V]], %{{.*}} {cache = 1 : i64}
// CHECK: nn.attention %{{.*}}, %[[KR]], %[[VR]] key_mask %[[MASK]]
// CHECK: return %{{.*}}, %[[KP]], %[[VP]]
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %pk: tensor<?x2x?x8xf32>,
                  %pv: tensor<?x2x?x8xf32>)
      -> (tensor<?x?x50xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) {
    %t = onnx.Constant dense<0.5> : tensor<50x16xf32>
    %w = onnx.Constant dense<0.25> : tensor<16x50xf32>
    %x = nn.embedding %t at %ids : (tensor<50x16xf32>, tensor<?x?xi64>) -> tensor<?x?x16xf32>
    %four = onnx.Constant dense<[0, 0, 2, 8]> : tensor<4xi64>
    %flat = onnx.Constant dense<[0, 0, 16]> : tensor<3xi64>
    %h = onnx.Reshape %x, %four {allowzero = false} : (tensor<?x?x16xf32>, tensor<4xi64>) -> tensor<?x?x2x8xf32>
    %new = onnx.Transpose %h {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x8xf32>) -> tensor<?x2x?x8xf32>
    %k = onnx.Concat %pk, %new {axis = 2 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
    %v = onnx.Concat %pv, %new {axis = 2 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
    %kt = onnx.Transpose %k {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x8xf32>) -> tensor<?x?x2x8xf32>
    %kf = onnx.Reshape %kt, %flat {allowzero = false} : (tensor<?x?x2x8xf32>, tensor<3xi64>) -> tensor<?x?x16xf32>
    %vt = onnx.Transpose %v {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x8xf32>) -> tensor<?x?x2x8xf32>
    %vf = onnx.Reshape %vt, %flat {allowzero = false} : (tensor<?x?x2x8xf32>, tensor<3xi64>) -> tensor<?x?x16xf32>
    %y = nn.attention %x, %kf, %vf key_mask %mask {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64,
        value_dim = 8 : i64, scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?xi64>) -> tensor<?x?x16xf32>
    %logits = nn.linear %y, %w : (tensor<?x?x16xf32>, tensor<16x50xf32>) -> tensor<?x?x50xf32>
    return %logits, %k, %v : tensor<?x?x50xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
  }
}

// -----

// Near misses. The past is read elsewhere; rows are in front of it; they go along another dimension; a size is not known.

// CHECK-NOT: tamis.decoder
// CHECK-NOT: nn.kv_append
module {
  func.func @main(%a: tensor<?x2x?x8xf32>, %b: tensor<?x2x?x8xf32>, %c: tensor<?x2x?x8xf32>, %d: tensor<?x2x?x?xf32>,
                  %new: tensor<?x2x?x8xf32>, %any: tensor<?x2x?x?xf32>)
      -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x2x?x?xf32>, tensor<?x2x?x8xf32>) {
    %0 = onnx.Concat %a, %new {axis = 2 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
    %read = onnx.Sqrt %a : (tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
    %1 = onnx.Concat %new, %b {axis = 2 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
    %2 = onnx.Concat %c, %new {axis = 1 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x4x?x8xf32>
    %3 = onnx.Concat %d, %any {axis = 2 : i64} : (tensor<?x2x?x?xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
    return %0, %1, %2, %3, %read : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x2x?x?xf32>, tensor<?x2x?x8xf32>
  }
}

// -----

// A second output of the same value is the ONNX model's tensor, which the host's buffer with its room is not.

// CHECK-NOT: tamis.decoder
// CHECK-NOT: nn.kv_append
module {
  func.func @main(%pk: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) {
    %k = onnx.Concat %pk, %new {axis = 2 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32>
    return %k, %k : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>
  }
}
