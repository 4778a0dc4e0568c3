// RUN: tamis-opt %s --token-evict=policy=%S/Inputs/cache-pages.json --split-input-file --verify-diagnostics

// What no part of a cache can be read of is refused with a remedy.

// expected-error@below {{no output is one of its inputs with new rows behind it; export it with past_key_values, or take 'cache' out of the policy}}
module {
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    return %x : tensor<?x4xf32>
  }
}

// -----

// expected-error@below {{the model cannot be stepped: it has two masks}}
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "it has two masks", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    return %x : tensor<?x4xf32>
  }
}

// -----

module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %past: tensor<?x2x?x8xf16>, %new: tensor<?x2x?x8xf16>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf16>) {
    // expected-error@+1 {{this one is of 'f16', which is copied in each step; export the model with caches of float32}}
    %present, %rows = nn.kv_append %past, %new {cache = 0 : i64} : (tensor<?x2x?x8xf16>, tensor<?x2x?x8xf16>) -> (tensor<?x2x?x8xf16>, tensor<?x2x?x8xf16>)
    %0 = onnx.Cast %rows : (tensor<?x2x?x8xf16>) -> tensor<?x2x?x8xf32>
    return %0, %present : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf16>
  }
}

// -----

// An attention that is none of nn's, as one with sinks.
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>) -> (tensor<?x2x8x?xf32>, tensor<?x2x?x8xf32>) {
    // expected-error@+1 {{this one is copied in each step for onnx.Transpose; export the model with caches of float32 and attentions in the form of docs/operators.md}}
    %present, %rows = nn.kv_append %past, %new {cache = 0 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
    %0 = onnx.Transpose %rows {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x2x?x8xf32>) -> tensor<?x2x8x?xf32>
    return %0, %present : tensor<?x2x8x?xf32>, tensor<?x2x?x8xf32>
  }
}

// -----

// expected-error@below {{none of the 1 attentions with a cache is left for it: the first 1 are to read all rows ('dense_layers')}}
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %q: tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) {
    %present, %rows = nn.kv_append %past, %new {cache = 0 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
    %0 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x?x16xf32>
    return %0, %present : tensor<?x?x16xf32>, tensor<?x2x?x8xf32>
  }
}

// -----

// expected-error@below {{needs a mask [batch, tokens], not 'tensor<?x1x1x?xi64>'}}
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x1x1x?xi64>, %past: tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32> {
    return %past : tensor<?x2x?x8xf32>
  }
}

// -----

// A mask that is added to scores, in attentions that take none of keys: 0 is a token there. The first one reads all rows.
// expected-error@below {{needs a mask of 1 for tokens and 0 for padding, and this one, 'tensor<?x?xf32>', may be one that is added to scores; export the model with a mask of int64, or take 'cache' out of the policy}}
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xf32>, %past: tensor<?x2x?x8xf32>, %new: tensor<?x2x?x8xf32>, %q: tensor<?x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) {
    %present, %rows = nn.kv_append %past, %new {cache = 0 : i64} : (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
    %0 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x?x16xf32>
    %1 = nn.attention %0, %rows, %rows {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> tensor<?x?x16xf32>
    return %1, %present : tensor<?x?x16xf32>, tensor<?x2x?x8xf32>
  }
}

// -----

// expected-error@below {{needs a mask of int64, int32, bool or float32, not 'tensor<?x?xf64>'; export the model with such a mask, or take 'cache' out of the policy}}
module attributes {tamis.decoder = {caches = [array<i64: 2, 1>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64, padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xf64>, %past: tensor<?x2x?x8xf32>) -> tensor<?x2x?x8xf32> {
    return %past : tensor<?x2x?x8xf32>
  }
}
