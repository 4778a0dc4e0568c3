// RUN: tamis-opt %s --token-prune=policy=%S/Inputs/restore-one.json --token-restore=policy=%S/Inputs/restore-one.json --split-input-file --verify-diagnostics
// RUN: not tamis-opt %s --token-restore=policy=%S/Inputs/restore-one.json 2>&1 | FileCheck %s

// CHECK: token-restore puts back what token-prune leaves out; run that pass in front of it, with the same policy

// The map is one of 4 columns.
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x6xf32>) -> tensor<?x?x6xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
    // expected-error@+1 {{by a map of 16 numbers and a bias of 4, and the hidden states have 6 columns there and 6 behind the last layer}}
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 3 : i64, value_dim = 3 : i64, scale = 1.0 : f32}
         : (tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
    %s = onnx.Add %a, %e : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
    %u = token.unpack %s, %rows, %mask : (tensor<?x6xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x6xf32>
    return %u : tensor<?x?x6xf32>
  }
}

// -----

// The states are all that goes on, and are only read for a mean.
// expected-error@below {{the policy restores rows, and the model has no output that they would be in}}
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> tensor<?x4xf32> {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %s = onnx.Add %a, %e : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %pool = nn.mean_pool %s offsets %offsets {epsilon = 1.0e-9 : f32} : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    return %pool : tensor<?x4xf32>
  }
}

// -----

// The states in front of the last layer are an output, too.
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{the policy restores rows behind this attention, and no one tensor of rows is all that goes on there}}
    %b = nn.attention %a, %a, %a offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %s = onnx.Add %b, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %u = token.unpack %a, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
    %v = token.unpack %s, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
    return %u, %v : tensor<?x?x4xf32>, tensor<?x?x4xf32>
  }
}

// -----

// So they are here, in the midst of the model.
module {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %table: tensor<9x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
    %rows, %offsets = token.index %mask : (tensor<?x?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
    %p = token.pack %ids, %rows, %mask : (tensor<?x?xi64>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
    %e = nn.embedding %table at %p : (tensor<9x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %a = nn.attention %e, %e, %e offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    // expected-error@+1 {{an output has a row for each token of states in front of the last layer}}
    %u = token.unpack %a, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
    %b = nn.attention %a, %a, %a offsets %offsets
         {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 1.0 : f32}
         : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
    %s = onnx.Add %b, %a : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    %v = token.unpack %s, %rows, %mask : (tensor<?x4xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
    return %u, %v : tensor<?x?x4xf32>, tensor<?x?x4xf32>
  }
}
