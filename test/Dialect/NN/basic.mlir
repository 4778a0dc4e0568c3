// RUN: tamis-opt %s | tamis-opt | FileCheck %s

// CHECK-LABEL: func.func @layers
func.func @layers(%x: tensor<?x?x8xf32>, %w: tensor<8x24xf32>, %p: tensor<2x8x16xf32>, %b: tensor<24xf32>,
                  %r: tensor<?x?x24xf32>, %s: tensor<8xf32>, %ids: tensor<?x?xi64>, %table: tensor<100x8xf32>) {
  // CHECK: nn.linear %arg0, %arg1 :
  %0 = nn.linear %x, %w : (tensor<?x?x8xf32>, tensor<8x24xf32>) -> tensor<?x?x24xf32>
  // CHECK: nn.linear %arg0, %arg2 bias %arg3 residual %arg4 {activation = #nn<activation gelu>}
  %1 = nn.linear %x, %p bias %b residual %r {activation = #nn<activation gelu>}
    : (tensor<?x?x8xf32>, tensor<2x8x16xf32>, tensor<24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  // CHECK: nn.layer_norm %arg0, %arg5 bias %arg5
  %2 = nn.layer_norm %x, %s bias %s {epsilon = 1.0e-5 : f32}
    : (tensor<?x?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: nn.rms_norm %arg0, %arg5
  %3 = nn.rms_norm %x, %s {epsilon = 1.0e-5 : f32} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: nn.embedding %arg7 at %arg6
  %4 = nn.embedding %table at %ids : (tensor<100x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  return
}

// CHECK-LABEL: func.func @attention
func.func @attention(%x: tensor<?x?x24xf32>, %rows: tensor<?x24xf32>, %mask: tensor<?x?xi64>, %o: tensor<?xi64>) {
  // CHECK: nn.attention %arg0, %arg0, %arg0 key_mask %arg2 {
  %0 = nn.attention %x, %x, %x key_mask %mask {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64,
      value_dim = 4 : i64, scale = 0.5 : f32, k_column = 8 : i64, v_column = 16 : i64}
    : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  // CHECK: nn.attention %arg1, %arg1, %arg1 offsets %arg3 {
  %1 = nn.attention %rows, %rows, %rows offsets %o {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64,
      value_dim = 4 : i64, scale = 0.5 : f32, k_column = 8 : i64, v_column = 16 : i64}
    : (tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  // CHECK: nn.mean_pool %arg0 mask %arg2
  %2 = nn.mean_pool %x mask %mask {epsilon = 1.0e-9 : f32} : (tensor<?x?x24xf32>, tensor<?x?xi64>) -> tensor<?x24xf32>
  // CHECK: nn.mean_pool %arg1 offsets %arg3
  %3 = nn.mean_pool %rows offsets %o {epsilon = 1.0e-9 : f32} : (tensor<?x24xf32>, tensor<?xi64>) -> tensor<?x24xf32>
  return
}

// CHECK-LABEL: func.func @quantized
func.func @quantized(%x: tensor<?x?x8xf32>, %w: tensor<8x24xi8>, %s: tensor<24xf32>, %z: tensor<24xi8>, %c: tensor<24xi32>,
                     %r: tensor<?x?x24xf32>, %range: tensor<2xf32>) {
  // CHECK: nn.quantized_linear %arg0, %arg1 scale %arg2 :
  %0 = nn.quantized_linear %x, %w scale %s : (tensor<?x?x8xf32>, tensor<8x24xi8>, tensor<24xf32>) -> tensor<?x?x24xf32>
  // CHECK: nn.quantized_linear %arg0, %arg1 scale %arg2 zero_point %arg3 column_sums %arg4 bias %arg2 residual %arg5 {activation = #nn<activation gelu>}
  %1 = nn.quantized_linear %x, %w scale %s zero_point %z column_sums %c bias %s residual %r {activation = #nn<activation gelu>}
    : (tensor<?x?x8xf32>, tensor<8x24xi8>, tensor<24xf32>, tensor<24xi8>, tensor<24xi32>, tensor<24xf32>, tensor<?x?x24xf32>)
    -> tensor<?x?x24xf32>
  // CHECK: nn.quantized_linear %arg0, %arg1 scale %arg2 residual %arg5 range %arg6 :
  %2 = nn.quantized_linear %x, %w scale %s residual %r range %range
    : (tensor<?x?x8xf32>, tensor<8x24xi8>, tensor<24xf32>, tensor<?x?x24xf32>, tensor<2xf32>) -> tensor<?x?x24xf32>
  return
}

// CHECK-LABEL: func.func @decoding
func.func @decoding(%q: tensor<?x?x16xf32>, %past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32> {
  // CHECK: %[[P:.*]], %[[R:.*]] = nn.kv_append %arg1, %arg2 {cache = 3 : i64}
  %present, %rows = nn.kv_append %past, %new {cache = 3 : i64}
    : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
  // CHECK: nn.attention %arg0, %[[R]], %[[R]] {
  %0 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x?x16xf32>
  %kept = onnx.Constant dense<0> : tensor<1x1x9xi64>
  // CHECK: nn.attention %arg0, %[[R]], %[[R]] kept %{{.*}} {
  %2 = nn.attention %q, %rows, %rows kept %kept {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<1x1x9xi64>) -> tensor<?x?x16xf32>
  // CHECK: nn.wanted_rows
  %1 = nn.wanted_rows %0 : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: return %[[P]]
  return %present : tensor<?x2x?x8xf32>
}

// CHECK-LABEL: func.func @merged
func.func @merged(%x: tensor<?x8xf32>, %o: tensor<?xi64>, %sizes: tensor<?xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[Y:.*]] = nn.attention %arg0, %arg0, %arg0 offsets %arg1 key_bias %arg2 {
  %y = nn.attention %x, %x, %x offsets %o key_bias %sizes {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64,
      value_dim = 4 : i64, scale = 1.0 : f32}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<?x8xf32>
  // CHECK: nn.mean_pool %[[Y]] offsets %arg1 weights %arg2 {
  %z = nn.mean_pool %y offsets %o weights %sizes {epsilon = 1.0e-9 : f32} : (tensor<?x8xf32>, tensor<?xi64>, tensor<?xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}
