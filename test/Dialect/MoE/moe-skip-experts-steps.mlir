// RUN: tamis-opt %s --moe-skip-experts=threshold=0.125 --split-input-file --verify-diagnostics | FileCheck %s

// Settings behind those of tokens; a step without thresholds has that of the pass, the dense one 0.
// CHECK: chosen = 2 : i64
// CHECK-SAME: name = "share kept"}, {{.*}}name = "share of a token's sum below which its experts are skipped at one"{{.*}} skipped at two"
// CHECK-SAME: {name = "dense", values = array<f32: 1.000000e+00, 0.000000e+00, 0.000000e+00>}
// CHECK-SAME: {name = "none", values = array<f32: 5.000000e-01, 0.000000e+00, 0.000000e+00>}
// CHECK-SAME: {name = "each", values = array<f32: 5.000000e-01, 2.500000e-01, 5.000000e-01>}
// CHECK-SAME: {name = "default", values = array<f32: 5.000000e-01, 1.250000e-01, 1.250000e-01>}
// CHECK-LABEL: func.func @behind_tokens
// CHECK: rt.setting 1
// CHECK: moe.experts {{.*}} {skips,
// CHECK: rt.setting 2
// CHECK: moe.experts {{.*}} {skips,
module attributes {tamis.policy = {
  chosen = 2 : i64,
  settings = [{dense = 1.0 : f32, max = 1.0 : f32, min = 0.0 : f32, name = "share kept"}],
  steps = [{name = "dense", values = array<f32: 1.0>}, {name = "none", skip = array<f32: 0.0>, values = array<f32: 0.5>},
           {name = "each", skip = array<f32: 0.25, 0.5>, values = array<f32: 0.5>}, {name = "default", values = array<f32: 0.5>}]}} {
  func.func @behind_tokens(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %g: tensor<?x2xf32>, %w: tensor<2x8x8xf32>) -> tensor<?x8xf32> {
    %0 = moe.experts %x to %i weighted %g in %w out %w
      {tamis.usage = {lengths = array<f64: 1.0, 4.0>, pairs = array<i64: 1, 6>, scores = array<f64: 1.0, 1.0>, tokens = 5 : i64}}
      : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<?x8xf32> loc("one")
    %1 = moe.experts %0 to %i weighted %g in %w out %w
      {tamis.usage = {lengths = array<f64: 1.0, 4.0>, pairs = array<i64: 1, 6>, scores = array<f64: 1.0, 1.0>, tokens = 5 : i64}}
      : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<?x8xf32> loc("two")
    return %1 : tensor<?x8xf32>
  }
}

// -----

// expected-error @+1 {{the step 'three' of the policy has 3 thresholds in 'skip' for 1 layers of experts; give one for each, or one for all}}
module attributes {tamis.policy = {
  chosen = 1 : i64, settings = [],
  steps = [{name = "dense", values = array<f32>}, {name = "three", skip = array<f32: 0.1, 0.1, 0.1>, values = array<f32>}]}} {
  func.func @one_layer(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %g: tensor<?x2xf32>, %w: tensor<2x8x8xf32>) -> tensor<?x8xf32> {
    %0 = moe.experts %x to %i weighted %g in %w out %w
      {tamis.usage = {lengths = array<f64: 1.0, 4.0>, pairs = array<i64: 1, 6>, scores = array<f64: 1.0, 1.0>, tokens = 5 : i64}}
      : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<?x8xf32>
    return %0 : tensor<?x8xf32>
  }
}

// -----

// expected-error @+1 {{the step 'all' of the policy skips experts, and no layer of experts has a profile; give --profile of this model}}
module attributes {tamis.policy = {
  chosen = 1 : i64, settings = [],
  steps = [{name = "dense", values = array<f32>}, {name = "all", skip = array<f32: 0.1>, values = array<f32>}]}} {
  func.func @unknown(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %g: tensor<?x2xf32>, %w: tensor<2x8x8xf32>) -> tensor<?x8xf32> {
    %0 = moe.experts %x to %i weighted %g in %w out %w
      : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<?x8xf32>
    return %0 : tensor<?x8xf32>
  }
}

// -----

// What else caches say stays.
// CHECK: tamis.policy = {chosen = 1 : i64, reads_cache, settings = [
// CHECK-SAME: skipped at
// CHECK-LABEL: func.func @behind_caches
module attributes {tamis.policy = {
  chosen = 1 : i64, reads_cache,
  settings = [{dense = 9.0 : f32, max = 9.0 : f32, min = 1.0 : f32, name = "last rows"}],
  steps = [{name = "dense", values = array<f32: 9.0>}, {name = "near", values = array<f32: 4.0>}]}} {
  func.func @behind_caches(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %g: tensor<?x2xf32>, %w: tensor<2x8x8xf32>) -> tensor<?x8xf32> {
    %0 = moe.experts %x to %i weighted %g in %w out %w
      {tamis.usage = {lengths = array<f64: 1.0, 4.0>, pairs = array<i64: 1, 6>, scores = array<f64: 1.0, 1.0>, tokens = 5 : i64}}
      : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) -> tensor<?x8xf32>
    return %0 : tensor<?x8xf32>
  }
}

// -----

// expected-error @+1 {{the attribute 'tamis.policy' has no settings, or no steps with a value for each}}
module attributes {tamis.policy = {settings = [], steps = [{name = "dense", values = array<f32: 1.0>}]}} {
}
