// RUN: tamis-opt %s -split-input-file -verify-diagnostics

func.func @linear_rows(%x: tensor<?x7xf32>, %w: tensor<8x24xf32>) {
  // expected-error @below {{multiplies rows of 7 elements by a weight of 8 rows}}
  %0 = nn.linear %x, %w : (tensor<?x7xf32>, tensor<8x24xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @linear_packed(%x: tensor<?x8xf32>, %w: tensor<3x8x16xf32>) {
  // expected-error @below {{that does not fit 24 columns}}
  %0 = nn.linear %x, %w : (tensor<?x8xf32>, tensor<3x8x16xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<?x8xf32>, %w: tensor<8x24xf32>, %b: tensor<8xf32>) {
  // expected-error @below {{needs a bias of 24 elements}}
  %0 = nn.linear %x, %w bias %b : (tensor<?x8xf32>, tensor<8x24xf32>, tensor<8xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @norm(%x: tensor<?x8xf32>, %s: tensor<9xf32>) {
  // expected-error @below {{needs a scale of 8 elements}}
  %0 = nn.layer_norm %x, %s {epsilon = 1.0e-5 : f32} : (tensor<?x8xf32>, tensor<9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @heads(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{a multiple of the number of key heads}}
  %0 = nn.attention %x, %x, %x {heads = 2 : i64, kv_heads = 3 : i64, head_dim = 4 : i64, value_dim = 4 : i64,
      scale = 1.0 : f32} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @columns(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{reads columns 4 to 12 of k, which has 8}}
  %0 = nn.attention %x, %x, %x {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64,
      scale = 1.0 : f32, k_column = 4 : i64}
    : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @ragged_bias(%x: tensor<?x8xf32>, %bias: tensor<1x2x?x?xf32>, %o: tensor<?xi64>) {
  // expected-error @below {{needs positions to read a bias by}}
  %0 = nn.attention %x, %x, %x bias %bias offsets %o {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64,
      value_dim = 4 : i64, scale = 1.0 : f32}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<1x2x?x?xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return
}

// -----

func.func @pool(%x: tensor<?x?x8xf32>) {
  // expected-error @below {{needs either a mask or offsets}}
  %0 = nn.mean_pool %x {epsilon = 1.0e-9 : f32} : (tensor<?x?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @quantized_scale(%x: tensor<?x8xf32>, %w: tensor<8x24xi8>, %s: tensor<1xf32>) {
  // expected-error @below {{needs a scale of 24 elements}}
  %0 = nn.quantized_linear %x, %w scale %s : (tensor<?x8xf32>, tensor<8x24xi8>, tensor<1xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @quantized_depth(%x: tensor<?x33026xf32>, %w: tensor<33026x2xi8>, %s: tensor<2xf32>) {
  // expected-error @below {{sums up 33026 products, which 32 bits cannot hold}}
  %0 = nn.quantized_linear %x, %w scale %s : (tensor<?x33026xf32>, tensor<33026x2xi8>, tensor<2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @quantized_range(%x: tensor<?x8xf32>, %w: tensor<8x24xi8>, %s: tensor<24xf32>, %r: tensor<3xf32>) {
  // expected-error @below {{needs a range of 2 elements}}
  %0 = nn.quantized_linear %x, %w scale %s range %r
    : (tensor<?x8xf32>, tensor<8x24xi8>, tensor<24xf32>, tensor<3xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @quantized_range_scale(%x: tensor<?x8xf32>, %w: tensor<8x24xi8>, %s: tensor<24xf32>) {
  %r = onnx.Constant dense<[0.0, 3.0]> : tensor<2xf32>
  // expected-error @below {{has a range of scale 0.000000e+00, which is no positive number}}
  %0 = nn.quantized_linear %x, %w scale %s range %r
    : (tensor<?x8xf32>, tensor<8x24xi8>, tensor<24xf32>, tensor<2xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @quantized_range_zero_point(%x: tensor<?x8xf32>, %w: tensor<8x24xi8>, %s: tensor<24xf32>) {
  %r = onnx.Constant dense<[0.1, -3.0]> : tensor<2xf32>
  // expected-error @below {{which is no whole number from 0 to 255}}
  %0 = nn.quantized_linear %x, %w scale %s range %r
    : (tensor<?x8xf32>, tensor<8x24xi8>, tensor<24xf32>, tensor<2xf32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @int8_without_scale(%x: tensor<?x64xf32>, %w: tensor<1x16x16x4xi8>) -> tensor<?x16xf32> {
  // expected-error @below {{needs scale and sums beside a weight of i8}}
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<1x16x16x4xi8>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @bf16_words(%x: tensor<?x64xf32>, %w: tensor<1x16x16x2xbf16>) -> tensor<?x16xf32> {
  // expected-error @below {{multiplies rows of 64 elements by a weight of 32 rows}}
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<1x16x16x2xbf16>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @int4_groups(%x: tensor<?x64xf32>, %w: tensor<1x3x5x16xi32>) -> tensor<?x16xf32> {
  // expected-error @below {{multiplies rows of 64 elements by a weight of 3 groups of 32 rows}}
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<1x3x5x16xi32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @int4_rows(%x: tensor<?x64xf32>, %w: tensor<1x2x8x16xi32>) -> tensor<?x16xf32> {
  // expected-error @below {{that does not fit 16 columns}}
  %y = nn.linear %x, %w : (tensor<?x64xf32>, tensor<1x2x8x16xi32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

func.func @append_of_another_size(%past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x4xf32>) -> tensor<?x2x?x8xf32> {
  // expected-error @below {{appends 'tensor<?x2x?x4xf32>' to 'tensor<?x2x?x8xf32>'}}
  %p, %r = nn.kv_append %past, %new {cache = 0 : i64}
    : (tensor<?x2x?x8xf32>, tensor<?x2x?x4xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
  return %p : tensor<?x2x?x8xf32>
}

// -----

func.func @append_of_unknown_heads(%past: tensor<?x?x?x8xf32>, %new: tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32> {
  // expected-error @below {{needs tensors [batch, heads, rows, size] with heads and size known}}
  %p, %r = nn.kv_append %past, %new {cache = 0 : i64}
    : (tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>) -> (tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>)
  return %p : tensor<?x?x?x8xf32>
}

// -----

func.func @cache_of_other_heads(%q: tensor<?x?x16xf32>, %rows: tensor<?x4x?x8xf32>) -> tensor<?x?x16xf32> {
  // expected-error @below {{needs caches of 2 heads of 8 and 8 columns}}
  %0 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// -----

func.func @kept_rows_of_no_cache(%q: tensor<?x?x16xf32>, %kept: tensor<?x1x?xi64>) -> tensor<?x?x16xf32> {
  // expected-error @below {{takes rows that are kept of caches only, and without a window of its own}}
  %0 = nn.attention %q, %q, %q kept %kept {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x1x?xi64>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// -----

func.func @kept_rows_of_other_heads(%q: tensor<?x?x32xf32>, %rows: tensor<?x4x?x8xf32>, %kept: tensor<?x2x?xi64>) -> tensor<?x?x32xf32> {
  // expected-error @below {{takes the rows that are kept as [batch, 1 or key heads, 1 + rows]}}
  %0 = nn.attention %q, %rows, %rows kept %kept {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64,
      scale = 0.5 : f32} : (tensor<?x?x32xf32>, tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>, tensor<?x2x?xi64>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// -----

func.func @wanted_rows_of_known_number(%x: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  // expected-error @below {{with a second dimension that is not known}}
  %0 = nn.wanted_rows %x : (tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// -----

func.func @padded_key_bias(%x: tensor<?x?x8xf32>, %w: tensor<?xf32>) {
  // expected-error @below {{takes a bias of keys of rank 1, and only with offsets}}
  %0 = nn.attention %x, %x, %x key_bias %w {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64,
      scale = 1.0 : f32} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @padded_weights(%x: tensor<?x?x8xf32>, %mask: tensor<?x?xi64>, %w: tensor<?xf32>) {
  // expected-error @below {{takes weights of rank 1, and only with offsets}}
  %0 = nn.mean_pool %x mask %mask weights %w {epsilon = 1.0e-9 : f32} : (tensor<?x?x8xf32>, tensor<?x?xi64>, tensor<?xf32>) -> tensor<?x8xf32>
  return
}
