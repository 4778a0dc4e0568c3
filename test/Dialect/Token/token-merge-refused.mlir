// RUN: tamis-opt %s --token-merge=policy=%S/Inputs/merge-half.json --split-input-file --verify-diagnostics

// What cannot be merged is refused with a remedy.

// expected-error@below {{the policy merges tokens, which needs a model whose padding is removed}}
module {
  func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
    return %x : tensor<?x4xf32>
  }
}

// -----

// A later attention must not see through a row to what is behind it.
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> tensor<?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32, causal = true}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{the policy merges tokens in front of a causal attention}}
    %b = nn.attention %a, %a, %a offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32, causal = true}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %pool = nn.mean_pool %b offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    return %pool : tensor<?x4xf32>
  }
}

// -----

module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> tensor<?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{the policy merges tokens in front of an attention with a window}}
    %b = nn.attention %a, %a, %a offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32, window = 4 : i64}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %pool = nn.mean_pool %b offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    return %pool : tensor<?x4xf32>
  }
}

// -----

// Two tensors of rows go on up to the next attention.
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> tensor<?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{no one tensor of rows is all that goes on there; take its layer out of the policy}}
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %b = nn.attention %a, %a, %a offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %r = onnx.Add %b, %e : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %pool = nn.mean_pool %r offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    return %pool : tensor<?x4xf32>
  }
}

// -----

module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> tensor<?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{reads the token at place 1 of each sequence, which the policy does not protect; set 'first' to 2 at least}}
    %f = token.first %a, %rows, %offsets, %mask {position = 1 : i64} : (tensor<?x4xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x4xf32>
    return %f : tensor<?x4xf32>
  }
}

// -----

module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> tensor<?x?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{also for those that the policy merges into others; set 'dropped' to "merged"}}
    %u = token.unpack %a, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
    return %u : tensor<?x?x4xf32>
  }
}
