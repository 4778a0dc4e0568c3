// RUN: tamis-opt %s --token-evict=policy=%S/Inputs/cache-window.json | FileCheck %s --check-prefixes=CHECK,WINDOW
// RUN: tamis-opt %s --token-evict=policy=%S/Inputs/cache-pages.json | FileCheck %s --check-prefixes=CHECK,PAGES
// RUN: tamis-opt %s --token-evict=policy=%S/Inputs/cache-snapkv.json | FileCheck %s --check-prefixes=CHECK,SNAPKV
// RUN: tamis-opt %s --token-evict | FileCheck %s --check-prefix=NONE

// In front of each attention stands what chooses the rows of its cache, by the padding that the decoder's mask says. The
// attention of the second layer reads the first rows of its cache, those that have been filled; the third has a window of its own.

// NONE-NOT: token.cache
// NONE-NOT: tamis.policy

// CHECK: tamis.policy = {chosen =
// WINDOW-SAME: 2 : i64, reads_cache, settings = [{dense = 0x4B800000 : f32, max = 0x4B800000 : f32, min = 1.000000e+00 : f32, name = "last rows of a cache that are read"}]
// WINDOW-SAME: steps = [{name = "dense", values = array<f32: 0x4B800000>}, {name = "far", values = array<f32: 6.400000e+01>}, {name = "near", values = array<f32: 8.000000e+00>}]
// PAGES-SAME: 0 : i64, reads_cache, settings = [{{.*}}name = "pages of a cache that are read by their bounds"}]
// SNAPKV-SAME: 1 : i64, reads_cache, settings = [{{.*}}min = 5.000000e+00 : f32, name = "rows of a prompt that are read after it"}]
// WINDOW-SAME: tamis.remarks = [{pass = "token-evict", text = "a part of the caches is read in 2 of 3 attentions, unless the step 'dense' is chosen at run time"}]
// PAGES-SAME: in 1 of 3 attentions

// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<?x?xi64>, %[[MASK:[^:]*]]: tensor<?x?xi64>, %[[Q:[^:]*]]: tensor<?x?x16xf32>
module attributes {tamis.decoder = {caches = [array<i64: 4, 0>], ids = 0 : i64, logits = 0 : i64, mask = 1 : i64, max_length = 0 : i64,
                                    padded_behind = false, positions = -1 : i64, problem = "", vocabulary = 50 : i64, wanted_rows = false}} {
  func.func @main(%ids: tensor<?x?xi64>, %mask: tensor<?x?xi64>, %q: tensor<?x?x16xf32>, %new: tensor<?x1x?x8xf32>, %past: tensor<?x1x?x8xf32>,
                  %filled: tensor<1xi64>) -> (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x1x?x8xf32>) {
    // CHECK: %{{.*}}, %[[ROWS:.*]] = nn.kv_append
    %present, %rows = nn.kv_append %past, %new {cache = 0 : i64} : (tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> (tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>)
    // WINDOW: %[[KEPT:.*]] = token.cache_window %[[Q]], %[[ROWS]] mask %[[MASK]] setting 0 sinks 2 : {{.*}} -> tensor<?x1x?xi64>
    // WINDOW: nn.attention %[[Q]], %[[ROWS]], %[[ROWS]] kept %[[KEPT]] {
    // PAGES-NOT: token.cache
    // SNAPKV: token.cache_snap %[[Q]], %[[ROWS]] mask %[[MASK]] setting 0 memory 0 window 4 pool 3 {heads = 2 : i64, scale = 5.000000e-01 : f32} : {{.*}} -> tensor<?x1x?xi64>
    // PAGES: nn.attention %[[Q]], %[[ROWS]], %[[ROWS]] {
    // SNAPKV: nn.attention %[[Q]], %[[ROWS]], %[[ROWS]] kept
    %0 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 1 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x?x16xf32>
    %zero = onnx.Constant dense<0> : tensor<1xi64>
    // CHECK: %[[PART:.*]] = onnx.Slice %[[ROWS]]
    %part = onnx.Slice %rows, %zero, %filled {axes = array<i64: 2>, steps = array<i64: 1>} : (tensor<?x1x?x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x1x?x8xf32>
    // WINDOW: token.cache_window %[[Q]], %[[PART]] mask %[[MASK]]
    // PAGES: %[[KEPT:.*]] = token.cache_pages %[[Q]], %[[PART]] mask %[[MASK]] setting 0 memory 0 page 8 sinks 4 window 3 {heads = 2 : i64} : {{.*}} -> tensor<?x1x?xi64>
    // PAGES: nn.attention %[[Q]], %[[PART]], %[[PART]] kept %[[KEPT]] {
    // SNAPKV: token.cache_snap %[[Q]], %[[PART]] mask %[[MASK]] setting 0 memory 1
    %1 = nn.attention %q, %part, %part {heads = 2 : i64, kv_heads = 1 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32}
      : (tensor<?x?x16xf32>, tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x?x16xf32>
    // CHECK-NOT: token.cache
    %2 = nn.attention %q, %rows, %rows {heads = 2 : i64, kv_heads = 1 : i64, head_dim = 8 : i64, value_dim = 8 : i64, scale = 0.5 : f32, window = 32 : i64}
      : (tensor<?x?x16xf32>, tensor<?x1x?x8xf32>, tensor<?x1x?x8xf32>) -> tensor<?x?x16xf32>
    return %0, %1, %2, %present : tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x1x?x8xf32>
  }
}
