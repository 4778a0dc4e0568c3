// RUN: tamis-opt %s --token-remove-padding --split-input-file | FileCheck %s
// RUN: tamis-opt %s --token-remove-padding=keep-padding --split-input-file | FileCheck %s --check-prefix=KEEP

// KEEP-NOT: token.

// Ids are packed once, everything between works on real rows, outputs come back.

// CHECK: module attributes {tamis.mask_input = "attention_mask"
// CHECK-SAME: padding is removed by the mask 'attention_mask'
// CHECK-LABEL: func.func @encoder
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi64>
// CHECK-SAME: %[[MASK:[a-z0-9]+]]: tensor<?x?xi64>
weight.source @words : tensor<120x32xf32> in "model.onnx" at 0
weight.source @places : tensor<64x32xf32> in "model.onnx" at 15360
weight.source @w : tensor<32x96xf32> in "model.onnx" at 23552
weight.source @v : tensor<32xf32> in "model.onnx" at 35840
func.func @encoder(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                   %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask", tamis.binary_mask},
                   %at: tensor<1x?xi64> {onnx.dims = ["", "s"]})
    -> (tensor<?x?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  %words = weight.load @words : tensor<120x32xf32>
  %places = weight.load @places : tensor<64x32xf32>
  %w = weight.load @w : tensor<32x96xf32>
  %v = weight.load @v : tensor<32xf32>
  // CHECK: %[[ROWS:.*]], %[[OFFSETS:.*]] = token.index %[[MASK]] binary
  // CHECK: %[[PIDS:.*]] = token.pack %[[IDS]], %[[ROWS]], %[[MASK]]
  // CHECK: %[[PAT:.*]] = token.pack
  // CHECK: nn.embedding %{{.*}}, %{{.*}} at %[[PIDS]], %[[PAT]] : {{.*}} -> tensor<?x32xf32>
  %x = nn.embedding %words, %places at %ids, %at
      : (tensor<120x32xf32>, tensor<64x32xf32>, tensor<?x?xi64>, tensor<1x?xi64>) -> tensor<?x?x32xf32>
  // CHECK-NEXT: nn.linear {{.*}} -> tensor<?x96xf32>
  %qkv = nn.linear %x, %w : (tensor<?x?x32xf32>, tensor<32x96xf32>) -> tensor<?x?x96xf32>
  // CHECK-NEXT: nn.attention {{.*}} offsets %[[OFFSETS]] {{.*}} -> tensor<?x32xf32>
  // CHECK-NOT: key_mask
  %a = nn.attention %qkv, %qkv, %qkv key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64,
       value_dim = 8 : i64, scale = 1.0 : f32, k_column = 32 : i64, v_column = 64 : i64}
      : (tensor<?x?x96xf32>, tensor<?x?x96xf32>, tensor<?x?x96xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  // CHECK: onnx.Add {{.*}} -> tensor<?x32xf32>
  %r = onnx.Add %a, %x : (tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  // CHECK-NEXT: %[[Y:.*]] = nn.layer_norm
  %y = nn.layer_norm %r, %v {epsilon = 1.0e-5 : f32} : (tensor<?x?x32xf32>, tensor<32xf32>) -> tensor<?x?x32xf32>
  // CHECK-NEXT: %[[POOL:.*]] = nn.mean_pool %[[Y]] offsets %[[OFFSETS]]
  %pool = nn.mean_pool %y mask %mask {epsilon = 1.0e-9 : f32} : (tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x32xf32>
  // CHECK: %[[FIRST:.*]] = token.first %[[Y]], %[[ROWS]], %[[OFFSETS]], %[[MASK]]
  %zero = onnx.Constant dense<0> : tensor<i64>
  %cls = onnx.Gather %y, %zero {axis = 1 : i64} : (tensor<?x?x32xf32>, tensor<i64>) -> tensor<?x32xf32>
  // CHECK-NEXT: %[[OUT:.*]] = token.unpack %[[Y]], %[[ROWS]], %[[MASK]]
  // CHECK-NEXT: return %[[OUT]], %[[POOL]], %[[FIRST]]
  return %y, %pool, %cls : tensor<?x?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}

// -----

// Heads before rows, as around rotary embedding; the tables of the positions are packed.

// CHECK-LABEL: func.func @rotary
// CHECK: token.pack {{.*}} -> tensor<?x1x8xf32>
// CHECK: onnx.Mul {{.*}} -> tensor<?x4x8xf32>
// CHECK: nn.attention {{.*}} -> tensor<?x32xf32>
// CHECK: token.unpack
func.func @rotary(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %mask: tensor<?x?xi1> {onnx.dims = ["b", "s"], onnx.name = "m"},
                  %cos: tensor<1x?x8xf32> {onnx.dims = ["", "s", ""]}, %w: tensor<32x32xf32>) -> tensor<?x?x32xf32> {
  %four = onnx.Constant dense<[0, 0, 4, 8]> : tensor<4xi64>
  %three = onnx.Constant dense<[0, 0, 32]> : tensor<3xi64>
  %0 = nn.attention %x, %x, %x key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi1>) -> tensor<?x?x32xf32>
  %1 = onnx.Reshape %0, %four : (tensor<?x?x32xf32>, tensor<4xi64>) -> tensor<?x?x4x8xf32>
  %2 = onnx.Transpose %1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x4x8xf32>) -> tensor<?x4x?x8xf32>
  %3 = onnx.Unsqueeze %cos {axes = array<i64: 1>} : (tensor<1x?x8xf32>) -> tensor<1x1x?x8xf32>
  %4 = onnx.Mul %2, %3 : (tensor<?x4x?x8xf32>, tensor<1x1x?x8xf32>) -> tensor<?x4x?x8xf32>
  %5 = onnx.Transpose %4 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x4x?x8xf32>) -> tensor<?x?x4x8xf32>
  %6 = onnx.Reshape %5, %three : (tensor<?x?x4x8xf32>, tensor<3xi64>) -> tensor<?x?x32xf32>
  %7 = nn.attention %6, %x, %x key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi1>) -> tensor<?x?x32xf32>
  return %7 : tensor<?x?x32xf32>
}

// -----

// A mean over all tokens reads padding: it is kept, and the remark names the node.

// CHECK: padding is kept because of node 'plain_mean'
// CHECK-LABEL: func.func @mixes
// CHECK-NOT: token.
func.func @mixes(%x: tensor<?x?x32xf32>, %mask: tensor<?x?xi64>) -> tensor<?x32xf32> {
  %a = nn.attention %x, %x, %x key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %m = onnx.ReduceMean %a {axes = array<i64: 1>, keepdims = false} : (tensor<?x?x32xf32>) -> tensor<?x32xf32> loc("plain_mean")
  return %m : tensor<?x32xf32>
}

// -----

// Tables of one sequence are those of a batch of one: that a batch of more fails must not depend on its mask.

// CHECK: padding is kept because of node 'turn'{{.*}}it can turn one sequence only
// CHECK-LABEL: func.func @turns_one
// CHECK-NOT: token.
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
func.func @turns_one(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %cos: tensor<1x?x4xf32> {onnx.dims = ["", "s", ""]},
                     %sin: tensor<1x?x4xf32> {onnx.dims = ["", "s", ""]},
                     %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"}) -> tensor<?x?x32xf32> {
  %table = weight.load @table : tensor<120x32xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %t = onnx.RotaryEmbedding %x, %cos, %sin {interleaved = false, num_heads = 4 : i64, rotary_dim = 0 : i64}
      : (tensor<?x?x32xf32>, tensor<1x?x4xf32>, tensor<1x?x4xf32>) -> tensor<?x?x32xf32> loc("turn")
  %a = nn.attention %t, %t, %t key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  return %a : tensor<?x?x32xf32>
}

// -----

// CHECK: padding is kept: the attention at node 'open' has no mask
// CHECK-LABEL: func.func @no_mask
func.func @no_mask(%x: tensor<?x?x32xf32>) -> tensor<?x?x32xf32> {
  %a = nn.attention %x, %x, %x {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32> loc("open")
  return %a : tensor<?x?x32xf32>
}

// -----

// Quantisation by one scale is elementwise.

// CHECK-LABEL: func.func @quantized
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
func.func @quantized(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                     %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"}) -> tensor<?x?x32xf32> {
  %table = weight.load @table : tensor<120x32xf32>
  %one = onnx.Constant dense<0.5> : tensor<f32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  // CHECK: onnx.QuantizeLinear {{.*}} -> tensor<?x32xi8>
  %i = onnx.QuantizeLinear %x, %one {axis = 0 : i64} : (tensor<?x?x32xf32>, tensor<f32>) -> tensor<?x?x32xi8>
  // CHECK: onnx.DequantizeLinear {{.*}} -> tensor<?x32xf32>
  %f = onnx.DequantizeLinear %i, %one {axis = 0 : i64} : (tensor<?x?x32xi8>, tensor<f32>) -> tensor<?x?x32xf32>
  // CHECK: nn.attention {{.*}} offsets
  %a = nn.attention %f, %f, %f key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  return %a : tensor<?x?x32xf32>
}

// -----

// A layer that rounds all rows by their common range would round otherwise without padding.

// CHECK: padding is kept because of {{.*}}: it rounds all rows by the range of them all
// CHECK-LABEL: func.func @dynamic_range
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
weight.source @w : tensor<32x32xi8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 0
func.func @dynamic_range(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                         %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"}) -> tensor<?x?x32xf32> {
  %table = weight.load @table : tensor<120x32xf32>
  %w = weight.load @w : tensor<32x32xi8>
  %s = weight.load @s : tensor<32xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  // CHECK: nn.quantized_linear {{.*}} -> tensor<?x?x32xf32>
  %q = nn.quantized_linear %x, %w scale %s residual %x
      : (tensor<?x?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  // CHECK-NOT: offsets
  %a = nn.attention %q, %q, %q key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  return %a : tensor<?x?x32xf32>
}

// -----

// A range that is given is that of each row: the same layer without padding.

// CHECK: padding is removed by the mask 'attention_mask'
// CHECK-LABEL: func.func @given_range
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
weight.source @w : tensor<32x32xi8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 0
func.func @given_range(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                       %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"}) -> tensor<?x?x32xf32> {
  %table = weight.load @table : tensor<120x32xf32>
  %w = weight.load @w : tensor<32x32xi8>
  %s = weight.load @s : tensor<32xf32>
  %r = onnx.Constant dense<[0.125, 3.0]> : tensor<2xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  // CHECK: %[[X:.*]] = nn.embedding {{.*}} -> tensor<?x32xf32>
  // CHECK-NEXT: %[[Q:.*]] = nn.quantized_linear %[[X]], %{{.*}} residual %[[X]] range %{{.*}} -> tensor<?x32xf32>
  %q = nn.quantized_linear %x, %w scale %s residual %x range %r
      : (tensor<?x?x32xf32>, tensor<32x32xi8>, tensor<32xf32>, tensor<?x?x32xf32>, tensor<2xf32>) -> tensor<?x?x32xf32>
  // CHECK-NEXT: nn.attention %[[Q]], %[[Q]], %[[Q]] offsets
  %a = nn.attention %q, %q, %q key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  return %a : tensor<?x?x32xf32>
}

// -----

// The range of all tokens, read by something else than a layer, keeps padding.

// CHECK: padding is kept because of {{.*}}: it may mix the tokens of a sequence
// CHECK-LABEL: func.func @range
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
func.func @range(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                 %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"})
    -> (tensor<?x?x32xf32>, tensor<?x?x32xui8>) {
  %table = weight.load @table : tensor<120x32xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %a = nn.attention %x, %x, %x key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %q, %s, %z = onnx.DynamicQuantizeLinear %a : (tensor<?x?x32xf32>) -> (tensor<?x?x32xui8>, tensor<f32>, tensor<ui8>)
  return %a, %q : tensor<?x?x32xf32>, tensor<?x?x32xui8>
}

// -----

// Where padding is kept, a row of padding without keys is weighed as in the model; else there is none.

// CHECK: padding is kept because of {{.*}}: it may mix the tokens of a sequence
// CHECK-LABEL: func.func @empty_rows
// CHECK-SAME: %[[BIAS:[a-z0-9]+]]: tensor<?x1x?x?xf32>
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
func.func @empty_rows(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                      %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"},
                      %bias: tensor<?x1x?x?xf32> {onnx.dims = ["b", "", "s", "s"]}) -> tensor<3x?xi64> {
  %table = weight.load @table : tensor<120x32xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  // CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} bias %[[BIAS]] {head_dim
  %a = nn.attention %x, %x, %x key_mask %mask empty_row_bias %bias
      {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32, causal = true, window = 6 : i64}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<?x1x?x?xf32>) -> tensor<?x?x32xf32>
  %n = onnx.NonZero %a : (tensor<?x?x32xf32>) -> tensor<3x?xi64>
  return %n : tensor<3x?xi64>
}

// -----

// CHECK: padding is removed
// CHECK-LABEL: func.func @no_empty_rows
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
func.func @no_empty_rows(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                         %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"], onnx.name = "attention_mask"},
                         %bias: tensor<?x1x?x?xf32> {onnx.dims = ["b", "", "s", "s"]}) -> tensor<?x?x32xf32> {
  %table = weight.load @table : tensor<120x32xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  // CHECK: nn.attention %{{.*}}, %{{.*}}, %{{.*}} offsets %{{[a-z0-9_]+}} {causal = true,
  // CHECK-NOT: bias %
  %a = nn.attention %x, %x, %x key_mask %mask empty_row_bias %bias
      {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32, causal = true}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>, tensor<?x1x?x?xf32>) -> tensor<?x?x32xf32>
  return %a : tensor<?x?x32xf32>
}

// -----

// The keys of a cache are more than the queries.

// CHECK: padding is kept because of {{.*}}: its keys are those of a cache too
// CHECK-LABEL: func.func @cache
weight.source @table : tensor<120x32xf32> in "model.onnx" at 0
func.func @cache(%ids: tensor<?x?xi64> {onnx.dims = ["b", "s"]}, %k: tensor<?x?x32xf32> {onnx.dims = ["b", "t", ""]},
                 %mask: tensor<?x?xi64> {onnx.dims = ["b", "t"], onnx.name = "attention_mask"}) -> tensor<?x?x32xf32> {
  %table = weight.load @table : tensor<120x32xf32>
  %x = nn.embedding %table at %ids : (tensor<120x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %a = nn.attention %x, %k, %k key_mask %mask {heads = 4 : i64, kv_heads = 4 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 1.0 : f32}
      : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  return %a : tensor<?x?x32xf32>
}

// -----

// Router, experts and their sum work on real tokens, as rows of two dimensions or of one that is all tokens.

// CHECK-LABEL: func.func @experts
// CHECK: %[[ROWS:.*]], %[[OFFSETS:.*]] = token.index
// CHECK: %[[I:.*]], %[[G:.*]] = moe.route %{{.*}} {{.*}} : (tensor<?x4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
// CHECK: moe.experts %{{.*}} to %[[I]] weighted %[[G]] in %{{.*}} out {{.*}} -> tensor<?x32xf32>
// CHECK: moe.route %{{.*}} {{.*}} : (tensor<?x4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
// CHECK: %[[Y:.*]] = moe.experts %{{.*}} to %{{.*}} in %{{.*}} out {{.*}} -> tensor<?x2x32xf32>
// CHECK: moe.combine %[[Y]], %{{.*}} -> tensor<?x32xf32>
// CHECK: token.unpack
func.func @experts(%x: tensor<?x?x32xf32> {onnx.dims = ["b", "s", ""]}, %mask: tensor<?x?xi64> {onnx.dims = ["b", "s"]},
                   %gate: tensor<32x4xf32>, %in: tensor<4x32x64xf32>, %out: tensor<4x64x32xf32>, %flat: tensor<2xi64>) -> tensor<?x?x32xf32> {
  %a = nn.attention %x, %x, %x key_mask %mask {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 16 : i64, value_dim = 16 : i64, scale = 0.25 : f32}
    : (tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  %l = nn.linear %a, %gate : (tensor<?x?x32xf32>, tensor<32x4xf32>) -> tensor<?x?x4xf32>
  %i, %g = moe.route %l {k = 2 : i64, score = #moe<score softmax>} : (tensor<?x?x4xf32>) -> (tensor<?x?x2xi64>, tensor<?x?x2xf32>)
  %y = moe.experts %a to %i weighted %g in %in out %out {activation = #nn<activation gelu>}
    : (tensor<?x?x32xf32>, tensor<?x?x2xi64>, tensor<?x?x2xf32>, tensor<4x32x64xf32>, tensor<4x64x32xf32>) -> tensor<?x?x32xf32>
  %shape = onnx.Constant dense<[-1, 32]> : tensor<2xi64>
  %r = onnx.Reshape %y, %shape {allowzero = false} : (tensor<?x?x32xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %l2 = nn.linear %r, %gate : (tensor<?x32xf32>, tensor<32x4xf32>) -> tensor<?x4xf32>
  %i2, %g2 = moe.route %l2 {k = 2 : i64, score = #moe<score softmax>} : (tensor<?x4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  %y2 = moe.experts %r to %i2 in %in out %out {activation = #nn<activation gelu>}
    : (tensor<?x32xf32>, tensor<?x2xi64>, tensor<4x32x64xf32>, tensor<4x64x32xf32>) -> tensor<?x2x32xf32>
  %z = moe.combine %y2, %g2 : (tensor<?x2x32xf32>, tensor<?x2xf32>) -> tensor<?x32xf32>
  %s = onnx.Shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x?x32xf32>) -> tensor<3xi64>
  %back = onnx.Reshape %z, %s {allowzero = false} : (tensor<?x32xf32>, tensor<3xi64>) -> tensor<?x?x32xf32>
  return %back : tensor<?x?x32xf32>
}

// -----

// Experts of places in the sequence, not of tokens.

// CHECK: padding is kept because of node 'places': it routes something else than tokens
// CHECK-LABEL: func.func @places
// CHECK-NOT: token.unpack
func.func @places(%x: tensor<?x4x32xf32> {onnx.dims = ["b", "", ""]}, %mask: tensor<?x4xi64> {onnx.dims = ["b", ""]}) -> tensor<?x32x2xf32> {
  %a = nn.attention %x, %x, %x key_mask %mask {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 16 : i64, value_dim = 16 : i64, scale = 0.25 : f32}
    : (tensor<?x4x32xf32>, tensor<?x4x32xf32>, tensor<?x4x32xf32>, tensor<?x4xi64>) -> tensor<?x4x32xf32>
  %t = onnx.Transpose %a {perm = array<i64: 0, 2, 1>} : (tensor<?x4x32xf32>) -> tensor<?x32x4xf32>
  %i, %w = moe.route %t {k = 2 : i64, score = #moe<score softmax>} : (tensor<?x32x4xf32>) -> (tensor<?x32x2xi64>, tensor<?x32x2xf32>) loc("places")
  return %w : tensor<?x32x2xf32>
}
